import BrokerModel
import Testing

@Suite struct ProviderReferenceTests {
    @Test(arguments: [
        ("emulator", "emulator"), ("exec:redis-server", "exec:redis-server"),
        ("exec:/opt/my redis/server", "'exec:/opt/my redis/server'"), ("redis://h:1/2", "redis://h:1/2"),
        ("redis://u@h", "redis://u@h:6379/0"), ("redis://u:canary@h", "redis://u@h:6379/0 --secret-file -"),
        ("unix:///a?db=3", "'unix:///a?db=3'"), ("rediss://h", "rediss://h:6379/0"),
        (
            "rediss://h/1?ssl_keyfile=/k%20e&ssl_certfile=/c&ssl_ca_certs=/a&ssl_cert_reqs=none",
            "'rediss://h:6379/1?ssl_cert_reqs=none&ssl_ca_certs=/a&ssl_certfile=/c&ssl_keyfile=/k%20e'"
        ),
    ])
    func `as an argument it can be pasted, and asks for its secret`(text: String, argument: String) throws {
        let reference = try ProviderReference(text)
        #expect(reference.argument == argument)
        #expect(try ProviderReference(reference.description).description == reference.description)
    }

    @Test(arguments: [
        ("beanstalk://h:1", ErrorCode.unsupported), ("sqlite:////a", .unsupported),
        ("rediss://h?ssl_cert_reqs=optional", .invalidProvider), ("rediss://h?ssl_ca_certs=ca.pem", .invalidProvider),
        ("rediss://h?tls=1", .invalidProvider), ("rediss://h?ssl_keyfile=/k", .invalidProvider),
        ("postgres://h/d", .acrossClasses), ("amqp://h", .acrossClasses), ("http://h", .invalidProvider),
        ("redis://h:0", .invalidProvider), ("redis://h/x", .invalidProvider), ("unix://a", .invalidProvider),
        ("redis://u:%zz@h", .invalidProvider),
    ])
    func `a URL that cannot be used says what is supported, and what to do`(text: String, code: ErrorCode) {
        let error = #expect(throws: BrokerError.self) { try ProviderReference(text) }
        #expect(error?.code == code)
        #expect(error?.why.isEmpty == false)
        #expect(error?.fix?.isEmpty == false)
    }
}
