import Foundation
import TestKit
import Testing

/// Long sequences of random commands that must have the same replies from both servers.
enum RandomSequence {
    /// Commands per run; BROKER_RANDOM_COMMANDS says how many in place of 3,000, as `make random` does.
    static var length: Int {
        ProcessInfo.processInfo.environment["BROKER_RANDOM_COMMANDS"].flatMap { Int($0) } ?? 3000
    }

    /// Always the same, so that a run of the tests can be relied upon; BROKER_RANDOM_SEED names another one, or `random` to
    /// look for something new, as `make fuzz` does.
    static var seed: UInt64 {
        let wanted = ProcessInfo.processInfo.environment["BROKER_RANDOM_SEED"]
        return wanted == "random" ? .random(in: 1 ... .max) : wanted.flatMap { UInt64($0) } ?? 1
    }
}

extension SeededRandom {
    /// `text` half of the time, with a space in front, else nothing.
    mutating func maybe(_ text: String) -> String { oneIn(2) ? " " + text : "" }
}

/// Runs random steps against both servers until a reply differs; then the sequence is cut down to the steps that are
/// needed for the difference, and shown with its seed.
func compareRandomly(
    versions: [Int] = [2, 3], sourceLocation: SourceLocation = #_sourceLocation,
    _ make: (inout SeededRandom) -> Step
) throws {
    for version in versions {
        let seed = RandomSequence.seed
        var random = SeededRandom(seed: seed)
        var steps: [Step] = []
        let dialogue = try Dialogue(version: version, driver: .random(version), isRandom: true)
        for _ in 0..<RandomSequence.length {
            let step = make(&random)
            steps.append(step)
            guard try !dialogue.run(step) else { continue }
            let needed = try shortest(steps, version)
            let again = try Dialogue(version: version, driver: .random(version), isRandom: true)
            for step in needed { try again.run(step) }
            let shown = again.isEqual ? dialogue.transcript(last: 30) : again.transcript(last: 60)
            Issue.record(
                "RESP\(version), BROKER_RANDOM_SEED=\(seed), command \(steps.count)\n\(shown)",
                sourceLocation: sourceLocation)
            break
        }
    }
}

extension LoopUnderTest {
    /// Random sequences take one driver in each version of the protocol: they are long, and differ every time.
    fileprivate static func random(_ version: Int) -> LoopUnderTest {
        version == 2 ? allCases[0] : allCases[allCases.count - 1]
    }
}

/// The steps, without as many as can be left out while the last one's replies still differ.
private func shortest(_ steps: [Step], _ version: Int) throws -> [Step] {
    var steps = steps
    var chunk = max(steps.count / 2, 1)
    var attempts = 400
    // Of a long sequence fewer are made: by commands, not by attempts, they take their time.
    var commands = 4_000_000
    while attempts > 0, commands > 0 {
        var index = 0
        while index < steps.count - 1, attempts > 0, commands > 0 {
            let end = min(index + chunk, steps.count - 1)
            let candidate = Array(steps[..<index] + steps[end...])
            attempts -= 1
            commands -= candidate.count
            if try differsAtEnd(candidate, version) { steps = candidate } else { index = end }
        }
        if chunk == 1 { break }
        chunk = max(chunk / 2, 1)
    }
    return steps
}

private func differsAtEnd(_ steps: [Step], _ version: Int) throws -> Bool {
    let dialogue = try Dialogue(version: version, driver: .random(version), isRandom: true)
    for (index, step) in steps.enumerated() {
        if try !dialogue.run(step) { return index == steps.count - 1 }
    }
    return false
}
