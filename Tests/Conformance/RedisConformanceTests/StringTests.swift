import Testing

@Suite(.comparedWithRedis)
struct StringTests {
    @Test func `SET and GET take the options of Redis`() throws {
        try compare(["SET a 1", "GET a", "SET a 2 NX", "SET a 2 XX GET", "GET nothing", .shape("TIME")])
    }
}
