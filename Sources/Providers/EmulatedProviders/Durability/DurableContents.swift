import BrokerModel
import CacheEmulator
import ProviderKit
import RDBWire
import ReplicationWire

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What stands in the files of a durable cache, as the batches of a copy.
enum DurableContents {
    // MARK: changes

    /// A batch as a transaction: it counts whole or not at all.
    static func transaction(_ batch: CopyBatch) -> [UInt8] {
        var bytes = multi
        for segment in batch.segments {
            bytes += ReplicatedCommand("SELECT", "\(segment.database)").bytes
            bytes += segment.bytes
        }
        return bytes + exec
    }

    private static let multi = ReplicatedCommand("MULTI").bytes
    private static let exec = ReplicatedCommand("EXEC").bytes

    /// Whether a transaction ends anywhere behind a place.
    static func endsTransaction(_ path: String, behind place: Int) throws(BrokerError) -> Bool {
        let file = try InputFile(path: path, from: place)
        var window: [UInt8] = []
        while true {
            let part = try file.read(256 << 10)
            if part.isEmpty { return false }
            window += part
            if window.contains(exec) { return true }
            window = Array(window.suffix(exec.count - 1))
        }
    }

    static func endsInZero(_ path: String) throws(BrokerError) -> Bool {
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_size > 0 else { return false }
        return try InputFile(path: path, from: Int(facts.st_size) - 1).read(1) == [0]
    }

    /// Copies what stands behind a place to a new file, which is on disk then.
    static func copy(_ path: String, from place: Int, to other: String) throws(BrokerError) {
        let file = try InputFile(path: path, from: place)
        var copy = try AppendFile(path: other, isNew: true)
        defer { copy.close() }
        while true {
            let part = try file.read(256 << 10)
            if part.isEmpty { return try copy.sync() }
            try copy.append(part)
        }
    }

    /// What was written here may be larger than what a master hands out: all that a client may send, and whole values.
    static let limits = {
        var limits = ReplicationLimits()
        (limits.bulkBytes, limits.arguments, limits.commandBytes) = (1 << 40, Int(Int32.max), 1 << 41)
        return limits
    }()

    /// Reads the transactions of a file of changes, in the order in which they were made.
    struct Reader {
        private let path: String
        private let file: InputFile
        private var stream = CommandStream(offset: 0, limits: DurableContents.limits)
        /// Behind the last whole transaction.
        private(set) var end = 0

        init(path: String) throws(BrokerError) {
            self.path = path
            file = try InputFile(path: path)
        }

        /// The next transaction; nil behind the last whole one. What a daemon that was killed has left half is none.
        mutating func next() throws(BrokerError) -> CopyBatch? {
            var batch: CopyBatch?
            while let command = try nextCommand() {
                let name = command.nameText.uppercased()
                switch (name, batch) {
                case ("MULTI", nil): batch = CopyBatch()
                case ("EXEC", let whole?):
                    end = Int(stream.offset)
                    return whole
                case ("SELECT", .some):
                    guard let text = command.argument(1), let number = Int(String(decoding: text, as: UTF8.self)) else {
                        throw corrupt("SELECT without a number")
                    }
                    batch?.segments.append(CopyBatch.Segment(database: number))
                case (_, .some) where batch?.segments.isEmpty == false:
                    let last = (batch?.segments.count ?? 1) - 1
                    batch?.segments[last].bytes += command.bytes
                    batch?.segments[last].commands += 1
                default: throw corrupt("\(name.prefix(20)) stands outside of a transaction")
                }
            }
            return nil
        }

        private mutating func nextCommand() throws(BrokerError) -> ReplicatedCommand? {
            while true {
                do throws(ReplicationError) {
                    if let command = try stream.next() { return command }
                } catch {
                    // Zeros that nobody has written behind the last whole transaction.
                    if try DurableContents.endsInZero(path), try !DurableContents.endsTransaction(path, behind: end) {
                        return nil
                    }
                    throw corrupt("\(error)")
                }
                let part = try file.read(256 << 10)
                if part.isEmpty { return nil }
                stream.append(part)
            }
        }

        private func corrupt(_ why: String) -> BrokerError {
            DurableFiles.corrupt(path, "behind byte \(end): \(why)")
        }
    }

    // MARK: the snapshot

    /// Writes a snapshot, batch by batch.
    struct BaseWriter: ~Copyable {
        private var writer: RDBWriter
        private let path: String
        private let file: AppendFile
        private var database: Int?
        private var isBegun = false

        init(path: String) throws(BrokerError) {
            self.path = path
            let file = try AppendFile(path: path, isNew: true)
            self.file = file
            writer = RDBWriter { (bytes) throws(RDBError) in
                if let number = file.write(bytes) { throw RDBError.transfer(code: number) }
            }
        }

        /// - Parameter batch: FUNCTION LOAD and RESTORE commands as a snapshot of an emulator hands them out.
        mutating func append(_ batch: CopyBatch) throws(BrokerError) {
            try begin()
            for segment in batch.segments {
                var stream = CommandStream(offset: 0, limits: DurableContents.limits)
                stream.append(segment.bytes)
                while let command = try next(&stream) {
                    if command.nameText.uppercased() == "FUNCTION", let code = command.argument(3) {
                        do throws(RDBError) { try writer.function(code: Array(code)) } catch { throw failure(error) }
                        continue
                    }
                    guard let key = command.argument(1), let time = command.argument(2), let dump = command.argument(3),
                        let expiry = Int64(String(decoding: time, as: UTF8.self))
                    else { continue }
                    let entry = RDBEntry(
                        key: Array(key), payload: Array(dump.dropLast(DumpPayload.footerSize)),
                        expiry: expiry == 0 ? nil : expiry)
                    do throws(RDBError) {
                        if database != segment.database { try writer.selectDatabase(segment.database) }
                        try writer.entry(entry)
                    } catch {
                        throw failure(error)
                    }
                    database = segment.database
                }
            }
        }

        /// Ends the file, which is to be synced and closed.
        mutating func finish() throws(BrokerError) -> (file: AppendFile, size: Int) {
            try begin()
            do throws(RDBError) {
                try writer.end()
            } catch {
                throw failure(error)
            }
            return (file, writer.bytesWritten)
        }

        private mutating func begin() throws(BrokerError) {
            guard !isBegun else { return }
            isBegun = true
            do throws(RDBError) {
                try writer.auxiliary("redis-ver", "\(CacheEmulator.redisVersion)")
                try writer.auxiliary("aof-base", "1")
            } catch {
                throw failure(error)
            }
        }

        private func next(_ stream: inout CommandStream) throws(BrokerError) -> ReplicatedCommand? {
            do throws(ReplicationError) {
                return try stream.next()
            } catch {
                throw DurableFiles.corrupt(path, "\(error)")
            }
        }

        func close() {
            file.close()
        }

        private func failure(_ error: RDBError) -> BrokerError {
            guard case .transfer(let code) = error else { return DurableFiles.corrupt(path, "\(error)") }
            return DurableFiles.failure(path, "write", code)
        }
    }

    /// Reads a snapshot, in batches of about 256 kB.
    struct BaseReader: ~Copyable {
        private var reader: RDBReader
        private let path: String
        private var database = 0
        private var isAtEnd = false

        init(path: String) throws(BrokerError) {
            self.path = path
            let file = try InputFile(path: path)
            reader = RDBReader { (buffer) throws(RDBError) -> Int in
                guard let count = file.read(into: buffer) else { throw RDBError.transfer(code: errno) }
                return count
            }
        }

        /// Nil behind the end.
        mutating func next() throws(BrokerError) -> CopyBatch? {
            guard !isAtEnd else { return nil }
            var batch = CopyBatch()
            while batch.size < 256 << 10 {
                switch try item() {
                case .end:
                    isAtEnd = true
                    return batch
                case .selectDatabase(let number): database = number
                case .entry(let entry):
                    let words = [
                        Array("RESTORE".utf8), entry.key, Array("\(entry.expiry ?? 0)".utf8),
                        DumpPayload.seal(entry.payload), Array("REPLACE".utf8), Array("ABSTTL".utf8),
                    ]
                    batch.append(words, in: database)
                case .auxiliary, .sizes, .moduleAuxiliary: break
                case .function(let code):
                    batch.append(["FUNCTION", "LOAD", "REPLACE"].map { Array($0.utf8) } + [code], in: 0)
                }
            }
            return batch
        }

        private mutating func item() throws(BrokerError) -> RDBItem {
            do throws(RDBError) {
                return try reader.next()
            } catch {
                throw DurableFiles.corrupt(path, "behind byte \(reader.bytesConsumed): \(error)")
            }
        }
    }
}

extension CopyBatch {
    mutating func append(_ words: [[UInt8]], in database: Int) {
        if segments.last?.database != database { segments.append(Segment(database: database)) }
        segments[segments.count - 1].bytes += ReplicatedCommand(words).bytes
        segments[segments.count - 1].commands += 1
    }
}

/// A file that is read from its beginning to its end, and closed with its last reader.
final class InputFile {
    private let path: String
    private let descriptor: Int32

    init(path: String, from place: Int = 0) throws(BrokerError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DurableFiles.failure(path, "open", errno) }
        lseek(descriptor, off_t(place), SEEK_SET)
    }

    deinit {
        close(descriptor)
    }

    func read(_ most: Int) throws(BrokerError) -> [UInt8] {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            let read = self.read(into: UnsafeMutableRawBufferPointer(buffer))
            failed = read == nil
            count = read ?? 0
        }
        if failed { throw DurableFiles.failure(path, "read", errno) }
        return bytes
    }

    /// How much was read, 0 at the end; nil where it cannot be.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        while true {
            let count = Self.read(descriptor, buffer)
            if count >= 0 { return count }
            guard errno == EINTR else { return nil }
        }
    }

    private static func read(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Darwin)
        Darwin.read(descriptor, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
        Musl.read(descriptor, buffer.baseAddress, buffer.count)
        #else
        Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }
}
