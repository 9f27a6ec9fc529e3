import BrokerModel
import Testing

@Suite struct TextTests {
    @Test(arguments: [
        ("a", "a"), ("/a/b-c_d.e", "/a/b-c_d.e"), ("", "''"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("$x", "'$x'"),
        ("*", "'*'"), ("ü", "'ü'"),
    ])
    func `a word is quoted only where a shell would touch it`(text: String, word: String) {
        #expect(ShellWord.quoted(text) == word)
    }

    @Test(arguments: [
        ("/a/b", "/a/b"), ("/a b/50%/x?y#z", "/a%20b/50%25/x%3Fy%23z"), ("/ü\n", "/%C3%BC%0A"), ("/~a-_.", "/~a-_."),
    ])
    func `a path in a URL is percent-encoded, and decoded back`(path: String, encoded: String) {
        #expect(PercentCoding.encoded(path: path) == encoded)
        #expect(PercentCoding.decoded(encoded) == path)
    }

    @Test(arguments: ["%", "%4", "%zz", "a%+1"])
    func `a % without two hexadecimal digits is no encoding`(text: String) {
        #expect(PercentCoding.decoded(text) == nil)
    }

    @Test(arguments: [("Web", "web"), ("my_app", "my-app"), ("9lives", "lives"), ("", "web"), ("ÄÖ", "web")])
    func `a wrong name comes with the nearest right one`(text: String, suggestion: String) {
        let error = #expect(throws: BrokerError.self) { try AppName(text) }
        #expect(error?.fix == "call it \"\(suggestion)\"")
    }

    @Test func `a wrong alias comes with one in capitals`() {
        #expect(#expect(throws: BrokerError.self) { try Alias("my-cache") }?.fix == "call it \"MY_CACHE\"")
    }

    @Test(arguments: [
        ("beanstalkd", ServiceClass.beanstalk), ("/usr/bin/redis-server", .redis), ("valkey-server", .redis),
        ("mongod", nil),
    ])
    func `a server's program tells its class`(program: String, serviceClass: ServiceClass?) {
        #expect(ServiceClass(ofProgram: program) == serviceClass)
    }

    @Test(arguments: [("sqlite3", "sqlite"), ("Redis", "redis"), ("beanstalkd", "beanstalk"), ("mongo", "redis")])
    func `a wrong class comes with the nearest one`(text: String, near: String) {
        let error = #expect(throws: BrokerError.self) { try ServiceClass(named: text, command: "broker create x") }
        #expect(error?.fix == "broker create x --class \(near)")
    }
}
