@testable import CacheEmulator

/// Listens to an emulator, and shows its effects as lines: `0: SET key value`.
final class EffectsListener {
    private let emulator: CacheEmulator
    let log: EffectLog

    init(_ emulator: CacheEmulator, limit: Int = 64 << 20) {
        self.emulator = emulator
        log = emulator.openEffects(limit: limit)
    }

    func close() {
        emulator.closeEffects(log)
    }

    /// What has come since the last call.
    func lines() -> [String] {
        log.take(.max).flatMap { segment in
            Self.commands(segment.bytes).map { "\(segment.database): " + $0.joined(separator: " ") }
        }
    }

    /// The commands in some bytes.
    private static func commands(_ bytes: [UInt8]) -> [[String]] {
        var rest = bytes[...]
        func number() -> Int {
            rest = rest.dropFirst()
            let digits = rest.prefix { $0 != 13 }
            rest = rest.dropFirst(digits.count + 2)
            return Int(String(decoding: digits, as: UTF8.self)) ?? 0
        }
        var commands: [[String]] = []
        while !rest.isEmpty {
            commands.append(
                (0..<number()).map { _ in
                    let count = number()
                    defer { rest = rest.dropFirst(count + 2) }
                    return String(decoding: rest.prefix(count), as: UTF8.self)
                })
        }
        return commands
    }
}
