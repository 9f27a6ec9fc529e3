import Foundation

/// How long some threads have waited for a processor that others had, as Linux counts it (`schedstat`, the second number).
///
/// A machine of two cores that also runs the load keeps a server waiting without the server's doing; what is left of a
/// wait without this is the server's own.
struct RunQueueWait {
    private var files: [Int32] = []

    /// Of the thread that calls, and of the one of process `pid` that has worked most while `body` ran. Nil elsewhere
    /// than on Linux.
    init?(ofServer pid: Int32, busiestWhile body: () throws -> Void) throws {
        let folder = "/proc/\(pid)/task"
        guard let tasks = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return nil }
        let before = tasks.map { Self.numbers(in: "\(folder)/\($0)/schedstat").first ?? 0 }
        try body()
        let worked = zip(tasks, before).map { task, before in
            (task, (Self.numbers(in: "\(folder)/\(task)/schedstat").first ?? 0) - before)
        }
        guard let (busiest, _) = worked.max(by: { $0.1 < $1.1 }) else { return nil }
        files = ["\(folder)/\(busiest)/schedstat", "/proc/thread-self/schedstat"].map { (path: String) in
            open(path, O_RDONLY)
        }
        guard files.allSatisfy({ $0 >= 0 }) else {
            close()
            return nil
        }
    }

    /// In milliseconds, since the threads began.
    func sum() -> Double {
        files.reduce(0) { $0 + Double(Self.numbers(in: $1).dropFirst().first ?? 0) } / 1e6
    }

    func close() {
        for file in files where file >= 0 { Foundation.close(file) }
    }

    private static func numbers(in path: String) -> [Int] {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return [] }
        defer { Foundation.close(file) }
        return numbers(in: file)
    }

    private static func numbers(in file: Int32) -> [Int] {
        var buffer = [UInt8](repeating: 0, count: 96)
        let count = pread(file, &buffer, buffer.count, 0)
        return buffer.prefix(max(count, 0)).split(whereSeparator: { $0 == 32 || $0 == 10 }).compactMap {
            Int(String(decoding: $0, as: UTF8.self))
        }
    }
}
