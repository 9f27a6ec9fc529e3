import BrokerModel
import ProviderKit
import ReplicationWire

/// Commands of a file, in small batches: a failure says where.
struct CommandSeed {
    private let path: String
    private let size: Int
    private var stream = CommandStream(offset: 0, limits: DurableContents.limits)
    private var database = 0

    private static let batchSize = 16 << 10

    init(_ bytes: [UInt8], path: String) {
        self.path = path
        size = bytes.count
        stream.append(bytes)
    }

    /// Returns how many commands there were, SELECT left out.
    mutating func apply(to target: EmulatorTarget) async throws(BrokerError) -> Int {
        var count = 0
        while true {
            let first = stream.offset
            let batch = try nextBatch()
            guard !batch.segments.isEmpty else { break }
            count += batch.segments.reduce(0) { $0 + $1.commands }
            do throws(BrokerError) {
                try await target.apply(batch)
            } catch {
                throw .badSeed(path, "between byte \(first) and byte \(stream.offset): \(error.what): \(error.why)")
            }
        }
        guard stream.offset == size else {
            throw .badSeed(path, "behind byte \(stream.offset): it ends within a command")
        }
        return count
    }

    private mutating func nextBatch() throws(BrokerError) -> CopyBatch {
        var batch = CopyBatch()
        while batch.size < Self.batchSize {
            let place = stream.offset
            let next: ReplicatedCommand?
            do throws(ReplicationError) {
                next = try stream.next()
            } catch {
                throw .badSeed(path, "behind byte \(place): \(error)")
            }
            guard let command = next else { return batch }
            guard command.nameText.uppercased() == "SELECT" else {
                if batch.segments.last?.database != database {
                    batch.segments.append(CopyBatch.Segment(database: database))
                }
                batch.segments[batch.segments.count - 1].bytes += command.bytes
                batch.segments[batch.segments.count - 1].commands += 1
                continue
            }
            guard let text = command.argument(1), let number = Int(String(decoding: text, as: UTF8.self)),
                (0..<16).contains(number)
            else { throw .badSeed(path, "behind byte \(place): SELECT without a number of a database") }
            database = number
        }
        return batch
    }
}
