import TestKit
import Testing

@Suite(.comparedWithRedis)
struct LatencyDifferentialTests {
    @Test func `its arguments are checked`() throws {
        try compare([
            "LATENCY", "LATENCY BOGUS", "LATENCY HELP", "LATENCY HELP x", "LATENCY LATEST", "LATENCY LATEST x",
            "LATENCY HISTORY", "LATENCY HISTORY none", "LATENCY HISTORY command", "LATENCY HISTORY \"\"",
            "LATENCY HISTORY command x", "LATENCY RESET", "LATENCY RESET none", "LATENCY RESET none other",
            "LATENCY RESET command fast-command", "LATENCY RESET \"\"", "LATENCY GRAPH", "LATENCY GRAPH none",
            "LATENCY GRAPH \"a b\"", "LATENCY GRAPH \"\"", "LATENCY GRAPH command x", "LATENCY GRAPH command",
            .shape("LATENCY DOCTOR"), "LATENCY DOCTOR x", "latency latest", "latency history none", "latency reset",
            "LATENCY HISTOGRAM none", "LATENCY HISTOGRAM none other", "LATENCY HISTOGRAM \"\"", "MULTI",
            "LATENCY LATEST",
            "LATENCY RESET", "EXEC", "EVAL \"return redis.call('LATENCY', 'LATEST')\" 0",
            "CONFIG SET latency-monitor-threshold -1",
            "CONFIG SET latency-monitor-threshold x", "CONFIG GET latency-monitor-threshold",
            "CONFIG SET latency-monitor-threshold 1000000", "GET a", "SORT a", "LATENCY LATEST",
            "CONFIG SET latency-monitor-threshold 0",
        ])
    }

    @Test func `histograms are of the same commands and calls`() throws {
        for (version, driver) in [2, 3].flatMap({ version in LoopUnderTest.allCases.map { (version, $0) } }) {
            let (ours, theirs) = try Dialogue(version: version, driver: driver).connection("A")
            var calls: [[String: Int]] = []
            for client in [ours, theirs] {
                try client.call("CONFIG", "RESETSTAT")
                for number in 0..<7 { try client.call("SET", "a", "\(number)") }
                try client.call("CONFIG", "GET", "hz")
                try client.call("SORT", "none")
                _ = try client.call("LPUSH", "a", "x")
                _ = try client.call("GET")
                try client.call("CONFIG", "SET", "latency-tracking", "no")
                try client.call("SET", "a", "x")
                try client.call("CONFIG", "SET", "latency-tracking", "yes")
                try client.call("SET", "a", "x")
                var found: [String: Int] = [:]
                for words in [["set"], ["SORT", "config", "none"], ["config|get"], ["get", "lpush"], []] {
                    let all = (["LATENCY", "HISTOGRAM"] + words).map { Array($0.utf8) }
                    let elements = try #require(try client.call(all).elements)
                    for index in stride(from: 0, to: elements.count, by: 2) {
                        let fields = try #require(elements[index + 1].elements)
                        #expect(fields[0].text == "calls" && fields[2].text == "histogram_usec")
                        let steps = try #require(fields[3].elements).map { Int($0.number ?? -1) }
                        let times = stride(from: 0, to: steps.count, by: 2).map { steps[$0] }
                        let counts = stride(from: 1, to: steps.count, by: 2).map { steps[$0] }
                        #expect(times == times.sorted() && counts == counts.sorted())
                        #expect(times.allSatisfy { Self.times.contains($0) }, "\(times)")
                        #expect(counts.last.map(Double.init) == fields[1].number)
                        let name = words.joined(separator: " ") + ": " + (elements[index].text ?? "")
                        found[name] = Int(fields[1].number ?? -1)
                    }
                }
                calls.append(found)
            }
            #expect(calls[0] == calls[1])
            #expect(calls[0]["set: set"] == 8)
        }
    }

    /// Powers of two of 1,024 nanoseconds as histograms of two digits have them.
    private static let times: Set<Int> = [
        1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113, 4227, 8454, 16908, 33816, 67633, 135266, 270532, 541065,
        1_082_130,
    ]

    @Test func `what takes long is kept as in Redis`() async throws {
        try await withDebuggedPair {
            try compare([
                "CONFIG SET latency-monitor-threshold 40", "LATENCY RESET", "DEBUG SLEEP 0.06", "DEBUG SLEEP 0.2",
                "LATENCY HISTORY none",
                .shape("LATENCY LATEST"), .shape("LATENCY GRAPH command"), .shape("LATENCY DOCTOR"),
                "LATENCY HISTORY fast-command",
                "LATENCY GRAPH fast-command", "LATENCY GRAPH COMMAND", "LATENCY RESET fast-command",
                "LATENCY RESET none command",
                "LATENCY LATEST", "LATENCY HISTORY command", "DEBUG SLEEP 0.06", "LATENCY RESET", "LATENCY RESET",
                "MULTI", "DEBUG SLEEP 0.06", "EXEC", .shape("LATENCY LATEST"), "LATENCY RESET command command",
                "CONFIG SET latency-monitor-threshold 0", "DEBUG SLEEP 0.06", "LATENCY LATEST",
                .shape("LATENCY DOCTOR"),
            ])
            for driver in LoopUnderTest.allCases {
                let (ours, theirs) = try Dialogue(version: 2, driver: driver).connection("A")
                for client in [ours, theirs] {
                    try client.call("CONFIG", "SET", "latency-monitor-threshold", "40")
                    try client.call("LATENCY", "RESET")
                    for time in ["0.06", "1.0", "0.2"] { try client.call("DEBUG", "SLEEP", time) }
                    let latest = try #require(try client.call("LATENCY", "LATEST").elements?.first?.elements)
                    #expect(latest[0].text == "command")
                    #expect((1000...1500).contains(latest[3].number ?? 0))
                    let samples = try #require(try client.call("LATENCY", "HISTORY", "command").elements)
                    // Of one second only the longest.
                    #expect(samples.count == 2 || samples.count == 3)
                    #expect(samples.allSatisfy { $0.elements?.count == 2 })
                    let graph = try #require(try client.call("LATENCY", "GRAPH", "command").text)
                    let lines = graph.split(separator: "\n", omittingEmptySubsequences: false)
                    #expect(lines[0].hasPrefix("command - high 10") && lines[0].hasSuffix("ms)"))
                    #expect(lines[1] == String(repeating: "-", count: 80))
                    #expect(lines[2...5].joined().contains("_") && lines[2...5].joined().contains("|"))
                    #expect(try client.call("LATENCY", "DOCTOR").text?.contains("command") == true)
                    try client.call("CONFIG", "SET", "latency-monitor-threshold", "0")
                }
            }
        }
    }
}
