import BrokerModel
import Foundation
import Testing

/// Faults as documents, and what is refused of them.
struct FaultDocumentTests {
    @Test(arguments: [
        #"{"commands":["get"],"effect":{"error":{"text":"loading"}},"nth":3}"#,
        #"{"count":1,"effect":{"reset":{"when":"after"}},"for":1000,"key":"k*"}"#,
        #"{"effect":{"delay":{"jitter":5,"ms":20}},"probability":0.5,"seed":7}"#,
        #"{"effect":{"cut":{"bytes":3}}}"#, #"{"effect":{"drop":{"executed":true}}}"#,
        #"{"effect":{"latency":{"direction":"up","jitter":1,"ms":10}},"toxicity":0.5}"#,
        #"{"effect":{"bandwidth":{"direction":"down","rate":1}}}"#,
        #"{"effect":{"timeout":{"direction":"down","ms":0}}}"#,
        #"{"effect":{"slow-close":{"direction":"down","ms":9}}}"#, #"{"effect":{"reset-peer":{"ms":9}}}"#,
        #"{"effect":{"slicer":{"delay":10,"direction":"down","size":5,"variation":2}}}"#,
        #"{"effect":{"limit-data":{"bytes":9,"direction":"up"}}}"#, #"{"effect":{"down":{}}}"#,
        #"{"effect":{"maxclients":{}}}"#,
    ])
    func `a fault comes back as it was written`(text: String) throws {
        let fault = try JSONDecoder().decode(Fault.self, from: Data(text.utf8))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        #expect(String(decoding: try encoder.encode(fault), as: UTF8.self) == text)
        #expect(try fault.checked(for: .redis).effect.name == fault.effect.name)
    }

    @Test(arguments: [
        Fault(.down, commands: ["get"]), Fault(.maxClients, client: "a"), Fault(.latency(1, jitter: 0, .up), key: "a"),
        Fault(.down, probability: 1), Fault(.cut(bytes: -1)), Fault(.cut(bytes: 1), nth: 0),
        Fault(.cut(bytes: 1), nth: 1, first: 1), Fault(.cut(bytes: 1), probability: 1.5), Fault(.error("a\r\nb")),
        Fault(.error("")), Fault(.drop(executed: true), toxicity: 1), Fault(.bandwidth(0, .up)),
        Fault(.slicer(size: 5, variation: 5, delay: 0, .up)), Fault(.error("ERR"), commands: []),
        Fault(.error("ERR"), commands: ["a|b|c"]), Fault(.error("ERR"), commands: ["a b"]),
    ])
    func `what cannot be is refused`(fault: Fault) {
        #expect(throws: BrokerError.self) { try fault.checked(for: .redis) }
    }

    @Test(arguments: [
        Fault(.error("loading")), Fault(.error("DRAINING"), client: "a"), Fault(.maxClients),
        Fault(.error("DRAINING"), commands: ["get"]),
    ])
    func `what a queue does not have is refused there`(fault: Fault) {
        #expect(throws: BrokerError.self) { try fault.checked(for: .beanstalk) }
    }

    @Test func `a preset is kept as its text, names in lower case`() throws {
        let fault = try Fault(.error("oom"), commands: ["SET"]).checked(for: .redis)
        #expect(fault.effect == .error("OOM command not allowed when used memory > 'maxmemory'."))
        #expect(fault.commands == ["set"])
    }

    @Test func `an effect is one`() {
        for text in [#"{"effect":{}}"#, #"{"effect":{"down":{},"cut":{"bytes":1}}}"#, #"{"effect":{"x":{}}}"#] {
            #expect(throws: (any Error).self) { try JSONDecoder().decode(Fault.self, from: Data(text.utf8)) }
        }
    }
}
