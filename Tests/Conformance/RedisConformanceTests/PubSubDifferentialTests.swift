import TestKit
import Testing

@Suite(.comparedWithRedis)
struct PubSubDifferentialTests {
    @Test func `messages reach subscribers of channels and patterns in order`() throws {
        try compare([
            "A: SUBSCRIBE x y", "A: SUBSCRIBE x", "B: PUBLISH x hello", "B: PUBLISH y \"\"", "B: PUBLISH z nobody",
            .collected("A"), "C: PSUBSCRIBE x* *", "B: PUBLISH x both",
            .collected("A"), .collected("C", sorted: true), "C: PSUBSCRIBE [xy]", "B: PUBLISH xx 1",
            .collected("C", sorted: true), "B: PUBSUB NUMPAT", .sorted("B: PUBSUB CHANNELS"), "B: PUBSUB CHANNELS x*",
            "B: PUBSUB NUMSUB x y z", "B: PUBSUB NUMSUB", "A: UNSUBSCRIBE x", "B: PUBLISH x gone", .collected("A"),
            "A: UNSUBSCRIBE y", "A: UNSUBSCRIBE none", "A: UNSUBSCRIBE",
            "A: PING", .collected("C", sorted: true), "C: PUNSUBSCRIBE *", "C: PUNSUBSCRIBE none", "B: PUBLISH x 2",
            .collected("C", sorted: true), Step("C: PUNSUBSCRIBE", .shape, collects: true), "B: PUBSUB CHANNELS",
            "B: PUBSUB NUMPAT", "C: PUNSUBSCRIBE",
        ])
    }

    @Test func `shard channels are apart from the others`() throws {
        try compare([
            "A: SSUBSCRIBE x y", "B: SPUBLISH x 1", "B: PUBLISH x 2", .collected("A"), "B: PUBSUB SHARDCHANNELS x",
            "B: PUBSUB SHARDNUMSUB x z", "B: PUBSUB SHARDNUMSUB", "B: PUBSUB CHANNELS",
            "A: SUNSUBSCRIBE x", "A: SUNSUBSCRIBE none", "B: SPUBLISH x 3", .collected("A: SUNSUBSCRIBE"),
            "A: SUNSUBSCRIBE", "SPUBLISH", "SSUBSCRIBE", "SPUBLISH x", "SUBSCRIBE x", "B: SPUBLISH x 1",
            "B: PUBLISH x 1", .collected("A"),
        ])
    }

    @Test func `arguments of the pub-sub commands are checked`() throws {
        try compare([
            "SUBSCRIBE", "PSUBSCRIBE", "PUBLISH", "PUBLISH x", "PUBLISH x y z", "PUBSUB", "PUBSUB BOGUS",
            "PUBSUB CHANNELS a b", "PUBSUB NUMPAT x", "PUBSUB SHARDCHANNELS a b",
            "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "UNSUBSCRIBE a b", "PUBSUB HELP", "pubsub numpat",
        ])
    }

    @Test func `a subscribed client of version 2 may do little else`() throws {
        try compare(
            [
                "SUBSCRIBE x", "GET a", "SET a 1", "PING", "PING hi", "PUBLISH x y", "MULTI", "EXEC", "HELLO 3",
                "CLIENT ID", "BOGUS", "GET", "PUBSUB NUMPAT", "SELECT 1", "PSUBSCRIBE a*", "UNSUBSCRIBE x", "GET a",
                "PUNSUBSCRIBE a*", "GET a", "PING", "PING hi", "SSUBSCRIBE s", "GET a", "PING", "PING hi",
                "SUNSUBSCRIBE s", "GET a", "PING a b", "SUBSCRIBE y", "PING a b", "RESET", "GET a",
            ], versions: [2])
        try compare(["SUBSCRIBE x", "QUIT", "PING"], versions: [2])
    }

    @Test func `a subscribed client of version 3 may do everything`() throws {
        try compare(
            [
                "SUBSCRIBE x", "GET a", "SET a 1", "PING", "PING hi", .collected("PUBLISH x self"), "MULTI",
                "PUBLISH x queued", .collected("EXEC"), "UNSUBSCRIBE x", "GET a",
            ], versions: [3])
    }

    @Test func `subscribing inside a transaction`() throws {
        try compare([
            "MULTI", "SUBSCRIBE a b", "PUBLISH a 1", "SET k v", .collected("EXEC"), "B: PUBLISH a 2", .collected("A"),
        ])
        try compare(["SUBSCRIBE a", "MULTI", "B: PUBLISH a 1", "PING", .collected("EXEC")], versions: [3])
        try compare(["MULTI", "PSUBSCRIBE a*", "SSUBSCRIBE s", "UNSUBSCRIBE", .collected("EXEC")])
    }

    @Test func `a client that leaves is no subscriber any more`() throws {
        try compare([
            "A: SUBSCRIBE x", "B: PUBSUB NUMSUB x", "A: QUIT", "A: PING",
            .until("B: PUBSUB NUMSUB x", "array[\"x\", (integer) 0]"), "B: PUBLISH x 1",
        ])
    }

    @Test func `a client that is killed is no subscriber any more, though it does not close`() throws {
        try compare([
            .ignored("A: SUBSCRIBE x y"), .ignored("C: PSUBSCRIBE *"), "B: PUBLISH x 1", "B: CLIENT KILL TYPE pubsub",
            "B: PUBLISH x 2", "B: PUBSUB NUMSUB x y", "B: PUBSUB CHANNELS", "B: PUBSUB NUMPAT",
        ])
    }

    @Test func `a client that sends no request is no subscriber any more, though it does not close`() throws {
        let dialogue = try Dialogue(version: 2)
        try dialogue.run("S: SUBSCRIBE x")
        let (ours, theirs) = try dialogue.connection("S")
        for client in [ours, theirs] {
            try client.send(raw: Array("*1\r\n$x\r\n".utf8))
            #expect(try client.receive().description.contains("invalid bulk length"))
        }
        try dialogue.run("B: PUBLISH x 1")
        try dialogue.run("B: PUBSUB NUMSUB x")
        #expect(dialogue.isEqual, "\(dialogue.transcript())")
    }

    @Test func `a version is changed while subscribed`() throws {
        try compare(
            [.collected("SUBSCRIBE x"), .ignored("HELLO 2"), "GET a", "B: PUBLISH x 1", .collected("A")], versions: [3])
    }

    @Test func `random subscriptions of three clients behave alike`() throws {
        let names = ["a", "b", "ab", "c"]
        let patterns = ["a*", "?", "[ab]", "*"]
        // Redis delivers to patterns in the order of a hash table: what a client has received is compared unordered.
        try compareRandomly { random in
            let who = random.pick(["A", "B", "C"])
            switch random.below(13) {
            case 0, 1:
                return .collected(
                    "\(who): SUBSCRIBE \(random.pick(names))\(random.maybe(random.pick(names)))", sorted: true)
            case 2: return .collected("\(who): UNSUBSCRIBE \(random.pick(names))", sorted: true)
            case 3: return .collected("\(who): PSUBSCRIBE \(random.pick(patterns))", sorted: true)
            case 4: return .collected("\(who): PUNSUBSCRIBE \(random.pick(patterns))", sorted: true)
            case 5: return Step("P: PUBSUB NUMSUB a b ab c")
            case 6: return Step("P: PUBSUB NUMPAT")
            case 7: return .sorted("P: PUBSUB CHANNELS")
            case 8: return .collected(who, sorted: true)
            default: return Step("P: PUBLISH \(random.pick(names)) \(random.below(100))")
            }
        }
    }
}
