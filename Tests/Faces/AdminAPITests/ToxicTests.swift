import BrokerModel
import Testing

@testable import AdminAPI

@Suite struct ToxicTests {
    @Test(arguments: [
        ("latency", ["latency": 100, "jitter": 5], FaultEffect.latency(100, jitter: 5, .up)),
        ("bandwidth", ["rate": 3], .bandwidth(3, .up)), ("slow_close", ["delay": 9], .slowClose(9, .up)),
        ("timeout", ["timeout": 4], .timeout(4, .up)), ("limit_data", ["bytes": 8], .limitData(bytes: 8, .up)),
        (
            "slicer", ["average_size": 64, "size_variation": 8, "delay": 10],
            .slicer(size: 64, variation: 8, delay: 10, .up)
        ),
    ])
    func `a toxic is a fault of connections, and one that was made elsewhere is shown as that toxic`(
        type: String, attributes: [String: Int], effect: FaultEffect
    ) throws {
        let toxic = try Toxic(
            ToxicInput(
                type: type, stream: "upstream", toxicity: 0.25, attributes: attributes.merging(["seed": 7]) { $1 }))
        #expect(toxic.fault == Fault(effect, toxicity: 0.25, seed: 7))
        #expect(toxic.name == "\(type)_upstream")
        #expect(throws: Never.self) { try toxic.fault.checked(for: .redis) }
        let status = FaultStatus(id: "f3", fault: toxic.fault, matched: 0, fired: 0, remaining: nil, endsIn: nil)
        let shown = try #require(ToxicDocument(status))
        #expect(shown.name == "fault-f3")
        #expect([shown.type, shown.stream] == [type, "upstream"])
        #expect(shown.toxicity == 0.25)
        #expect(shown.attributes == toxic.document.attributes)
    }

    @Test func `what is not given is 0, downstream, and all connections`() throws {
        let toxic = try Toxic(ToxicInput(name: "", type: "reset_peer", stream: ""))
        #expect(toxic.name == "reset_peer_downstream")
        #expect(toxic.fault == Fault(.resetPeer(0), toxicity: 1))
        #expect(toxic.document.attributes == ["timeout": 0])
    }

    @Test func `a change keeps what it does not name`() throws {
        var toxic = try Toxic(ToxicInput(name: "slow", type: "latency", attributes: ["latency": 10, "jitter": 2]))
        try toxic.change(ToxicInput(name: "other", type: "timeout", stream: "upstream", attributes: ["latency": 20]))
        #expect(toxic.name == "slow")
        #expect(toxic.fault == Fault(.latency(20, jitter: 2, .down), toxicity: 1))
        #expect(throws: ToxiproxyError.self) { try toxic.change(ToxicInput(attributes: ["rate": 1])) }
        #expect(throws: ToxiproxyError.self) { try toxic.change(ToxicInput(attributes: ["latency": -1])) }
        #expect(throws: ToxiproxyError.self) { try toxic.change(ToxicInput(toxicity: 1.5)) }
    }

    @Test(arguments: [.error("x"), .delay(1, jitter: 0), .reset(.after), .down, .maxClients] as [FaultEffect])
    func `other faults are no toxics`(effect: FaultEffect) {
        let status = FaultStatus(id: "f3", fault: Fault(effect), matched: 0, fired: 0, remaining: nil, endsIn: nil)
        #expect(ToxicDocument(status) == nil)
    }

    @Test func `an address to listen at is a port of 127.0.0.1`() throws {
        for (text, port) in [("", 0), ("localhost:6380", 6380), (":7", 7), ("0.0.0.0:0", 0), ("[::]:9", 9)] {
            #expect(try ProxyPlace.port(text) == UInt16(port), "\(text)")
        }
        #expect(try ProxyPlace.port(nil) == 0)
        for text in ["6380", "10.0.0.1:1", "localhost:", "localhost:70000", "example.com:80"] {
            #expect(throws: ToxiproxyError.self, "\(text)") { try ProxyPlace.port(text) }
        }
    }

    @Test func `an upstream is a server that anybody could reach, or the emulator`() throws {
        #expect(try ProxyPlace.provider("localhost:6379").reference == "redis://localhost:6379/0")
        #expect(try ProxyPlace.provider("redis://u:canary@h/3").reference == "redis://u@h:6379/3")
        #expect(try ProxyPlace.shown("redis://u:canary@h/3") == "redis://u@h:6379/3")
        #expect(try ProxyPlace.provider("rediss://h").reference == "rediss://h:6379/0")
        #expect(try ProxyPlace.provider("emulator").reference == "emulator")
        for text in [
            "exec:redis-server", "exec:/tmp/x", "exec:/tmp/a://b", "unix:///tmp/s", "/tmp/s", "host",
            "rediss://h?ssl_certfile=/a&ssl_keyfile=/b", "rediss://h?ssl_ca_certs=/a",
        ] {
            #expect(throws: (any Error).self, "\(text)") { try ProxyPlace.provider(text) }
        }
    }

    @Test func `only names of this machine's loopback are a Host that is served`() {
        for host in ["127.0.0.1", "127.0.0.1:8474", "localhost:1", "LocalHost", "[::1]", "[::1]:80"] {
            #expect(RefusesBrowsers.isLoopback(host), "\(host)")
        }
        for host in [nil, "", "127.0.0.1:", "localhost.evil.example", "evil.example:8474", "127.0.0.1:80@x", "::1"] {
            #expect(!RefusesBrowsers.isLoopback(host), "\(host ?? "none")")
        }
    }
}
