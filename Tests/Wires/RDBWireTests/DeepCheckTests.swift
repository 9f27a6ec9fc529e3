import RDBWire
import Testing

/// Broken payloads mean to us what they mean to a server that checks them deeply.
@Suite(.enabled(if: RedisServer.isInstalled)) struct DeepCheckTests {
    private static let samples = Samples.all.indices.filter { Samples.all[$0].payload[0] <= 19 }

    @Test(arguments: samples) func `a broken payload that both accept has one value`(sample: Int) throws {
        let (name, payload, _) = Samples.all[sample]
        let server = try RedisServer(settings: ["--sanitize-dump-payload", "yes"])
        var random = RandomNumbers(seed: 5000 + UInt64(sample))
        var accepted = 0
        for _ in 0..<1500 {
            let broken = Mutation.broken(payload, &random)
            // Types of later versions mean nothing to it.
            guard broken.first ?? 0 <= 19, let ours = try? RDBValue.decode(broken) else { continue }
            let reply = try server.client.command([
                "RESTORE".bytes, "k".bytes, "0".bytes, DumpPayload.seal(broken), "REPLACE".bytes,
            ])
            guard reply == .text("OK".bytes) else {
                // The server looks for members that come twice, which is left to whoever keeps the values here.
                #expect(ours.hasMemberTwice, "\(name), only we accept \(broken)")
                continue
            }
            accepted += 1
            let theirs = try #require(try server.value("k".bytes))
            #expect(try reordered(ours) == reordered(theirs), "\(name): \(broken)")
        }
        #expect(accepted > 20, "\(name)")
    }

    /// With groups, consumers and members in the order that the encoder gives them.
    private func reordered(_ value: RDBValue) throws -> RDBValue {
        try RDBValue.decode(try value.encoded()).normalized
    }
}

extension RDBValue {
    fileprivate var hasMemberTwice: Bool {
        switch self {
        case .set(let members): Set(members).count < members.count
        case .hash(let fields): Set(fields.map(\.name)).count < fields.count
        case .sortedSet(let members): Set(members.map(\.member)).count < members.count
        case .stream(let stream):
            Set(stream.groups.map(\.name)).count < stream.groups.count
                || stream.groups.contains { Set($0.consumers.map(\.name)).count < $0.consumers.count }
        case .string, .list: false
        }
    }
}
