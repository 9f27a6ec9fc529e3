public import BrokerModel
import CacheEmulator
import EventLoop
public import ProviderKit
import QueueEmulator

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Files that fill a resource. What is already there stays where the file says nothing of it.
///
/// - A cache takes commands (`resp`: `SELECT`, and what writes), a file of redis-server (`rdb`), or one object of JSON: a
///   text, a number, true or false is a string; an array a list; an object a hash. A key that is there is replaced.
/// - A queue takes a job in each line of JSON: `{"body": "…", "tube": "default", "priority": 1024, "delay": 0, "ttr": 60}`, of
///   which all but the body may be missing.
/// - A store takes statements of SQLite, with transactions of their own or without.
///
/// Where something cannot be taken, the resource goes back to what it was: also what others have written meanwhile is gone.
extension EmulatorProvider {
    public func seed(_ request: SeedRequest) async throws(BrokerError) -> SeedResponse {
        let path = request.path
        try await Self.check(path)
        switch (request.serviceClass, request.format) {
        case (.redis, .resp):
            let bytes = try await Self.bytes(of: path)
            return try await fill(request.backing) { (target) throws(BrokerError) in
                var seed = CommandSeed(bytes, path: path)
                return try await seed.apply(to: target)
            }
        case (.redis, .rdb):
            return try await fill(request.backing) { (target) throws(BrokerError) in
                var reader = try DurableContents.BaseReader(path: path)
                var count = 0
                while let batch = try reader.next() {
                    try await target.apply(batch)
                    count += batch.segments.reduce(0) { $0 + $1.commands }
                }
                return count
            }
        case (.redis, .json):
            let (batch, keys) = try KeySeed.batch(of: try await Self.bytes(of: path), path: path)
            return try await fill(request.backing) { (target) throws(BrokerError) in
                try await target.apply(batch)
                return keys
            }
        case (.beanstalk, .json):
            let jobs = try JobSeed.jobs(of: try await Self.bytes(of: path), path: path)
            let queue = try queueToBegin(request.backing)
            try await queue.loop.answer { (answer: LoopAnswer<Void>) in
                for job in jobs {
                    queue.emulator.value.put(
                        Array(job.body.utf8), into: Array(job.tube.utf8), priority: job.priority, delay: job.delay,
                        timeToRun: job.timeToRun)
                }
                answer.give(.success(()))
            }
            return SeedResponse(items: jobs.count)
        case (.sqlite, .sql):
            let script = try await Self.bytes(of: path)
            let file = storeFile(of: request.backing.id)
            return SeedResponse(
                items: try await Self.blocking { () throws(BrokerError) in try file.run(script: script, of: path) })
        default:
            throw BrokerError(
                .unsupported, "a \"\(request.serviceClass)\" cannot be filled from \"\(request.format.rawValue)\"",
                why: "a cache takes resp, rdb or json; a queue json; a store sql",
                fix: "name a file of one of these formats")
        }
    }

    /// Has a cache take something in, or be what it was.
    private func fill(
        _ backing: Backing, _ body: (EmulatorTarget) async throws(BrokerError) -> Int
    ) async throws(BrokerError) -> SeedResponse {
        let cache = try cacheToBegin(backing)
        let loop = cache.loop
        // It has to be able to go back. Of a durable cache the files follow, and a snapshot of them may be under way.
        let known = durables.cache(backing.id) == nil ? 0 : 2
        let before: LoopBound<KeyspaceImage> = try await loop.answer { answer in
            guard !cache.emulator.value.isFollowed(butFor: known) else {
                return answer.give(.failure(.cannotBegin(.followed)))
            }
            answer.give(.success(LoopBound(cache.emulator.value.image(), on: loop)))
        }
        let onLoop: LoopBound<TargetOnLoop> = try await loop.answer { answer in
            answer.give(.success(LoopBound(TargetOnLoop(cache.emulator.value, on: loop), on: loop)))
        }
        let target = EmulatorTarget(onLoop, on: loop)
        do throws(BrokerError) {
            let count = try await body(target)
            await target.close()
            return SeedResponse(items: count)
        } catch {
            await target.close()
            try await restore(cache, to: (before, loop), backing.id)
            throw error
        }
    }

    private static let largest = 1 << 30

    /// A pipe or a device would be waited for, or never end.
    private static func check(_ path: String) async throws(BrokerError) {
        try await blocking { () throws(BrokerError) in
            var facts = stat()
            guard stat(path, &facts) == 0 else { throw .badSeed(path, String(cString: strerror(errno))) }
            guard facts.st_mode & S_IFMT == S_IFREG else { throw .badSeed(path, "it is no file but something else") }
            guard facts.st_size <= largest else { throw .badSeed(path, "it has more than \(largest >> 20) MiB") }
        }
    }

    private static func bytes(of path: String) async throws(BrokerError) -> [UInt8] {
        try await blocking { () throws(BrokerError) in
            let file: InputFile
            do throws(BrokerError) {
                file = try InputFile(path: path)
            } catch {
                throw .badSeed(path, error.why)
            }
            var bytes: [UInt8] = []
            while true {
                let part = try file.read(1 << 20)
                if part.isEmpty { return bytes }
                bytes += part
            }
        }
    }
}

extension BrokerError {
    static func badSeed(_ path: String, _ why: String) -> BrokerError {
        BrokerError(
            .invalidRequest, "\"\(path)\" cannot be taken in", why: why,
            fix: "correct the file; what the resource held is as it was")
    }
}
