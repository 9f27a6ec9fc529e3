import BrokerModel
import CacheEmulator
import EventLoop
import ProviderKit

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What is in the files comes into the cache before anybody can use it.
extension DurableCache {
    /// Loads what the folder has into the empty cache, and writes down what changes from now on. Where the folder has
    /// nothing, the cache may be filled: then that is on disk when this returns.
    static func open(
        _ cache: LoopBound<CacheEmulator>, on loop: any EventLoop, folder: String, isFilled: Bool = false,
        isAlways: Bool = false, limits: Limits = Limits(), report: @escaping Report = { _ in }
    ) async throws(BrokerError) -> DurableCache {
        let files = DurableFiles(folder: folder)
        try files.makeFolder()
        try files.refusePipes()
        let found = try files.current()
        // A cache that is to be filled was not yet, whatever is there.
        if found == nil, !isFilled { try files.refuseUnnamed() }
        let generation = found ?? DurableFiles.Generation(number: 1, hasBase: false)
        let target: LoopBound<TargetOnLoop> = try await loop.answer { answer in
            answer.give(.success(LoopBound(TargetOnLoop(cache.value, on: loop), on: loop)))
        }
        let end = EmulatorTarget(target, on: loop)
        do throws(BrokerError) {
            if generation.hasBase { try await loadBase(files.base(generation.number), into: end) }
            let changes = try await loadChanges(
                files.changes(generation.number), into: end, mayLack: found == nil, report)
            let source: EmulatorSource
            do throws(BrokerError) {
                if found == nil, !isFilled { try files.commit(generation) }
                // Before keys may end again: that they have ended has to be told.
                source = try await self.source(of: cache, on: loop, readsSnapshot: false)
            } catch {
                changes.close()
                throw error
            }
            await end.close()
            files.removeOthers(than: generation)
            if isAlways {
                let _: Void = try await loop.answer { answer in answer.give(.success(cache.value.holdReplies())) }
            }
            let made = DurableCache(
                files, cache, loop, limits, generation, changes, source, isAlways: isAlways, report: report)
            if found == nil, isFilled { try await made.keepContents() }
            await made.start()
            return made
        } catch {
            await end.close()
            throw error
        }
    }

    private static func loadBase(_ path: String, into target: EmulatorTarget) async throws(BrokerError) {
        var reader = try DurableContents.BaseReader(path: path)
        while let batch = try reader.next() { try await apply(batch, to: target, of: path, "a value") }
    }

    /// What cannot be taken of a file of this cache's own was changed since it was written.
    private static func apply(
        _ batch: CopyBatch, to target: EmulatorTarget, of path: String, _ place: String
    ) async throws(BrokerError) {
        do throws(BrokerError) {
            try await target.apply(batch)
        } catch {
            guard error.code == .unsupported else { throw error }
            throw DurableFiles.corrupt(path, "\(place): \(error.what): \(error.why)")
        }
    }

    private static func loadChanges(
        _ path: String, into target: EmulatorTarget, mayLack: Bool, _ report: Report
    ) async throws(BrokerError) -> AppendFile {
        guard !mayLack else { return try AppendFile(path: path, isNew: true) }
        var reader = try DurableContents.Reader(path: path)
        var begin = reader.end
        while let batch = try reader.next() {
            try await apply(batch, to: target, of: path, "in the part behind byte \(begin)")
            begin = reader.end
        }
        var file = try AppendFile(path: path)
        guard file.size > reader.end else { return file }
        do throws(BrokerError) {
            try cut(&file, path, behind: reader.end, report)
            return file
        } catch {
            file.close()
            throw error
        }
    }

    /// Cuts off the beginning of a transaction that a daemon which was killed has left, and keeps it in a file beside.
    ///
    /// Transactions are written one behind the other, so that behind a torn one there is nothing: where the end of one
    /// follows, it is a length that is damaged, and all behind it would be lost. Nothing is cut then, also where a torn
    /// transaction has a value with these very bytes in it. A file whose end was never written, as zeros behind a loss of
    /// power are, is torn as well.
    private static func cut(
        _ file: inout AppendFile, _ path: String, behind end: Int, _ report: Report
    ) throws(BrokerError) {
        guard try !DurableContents.endsTransaction(path, behind: end) else {
            throw DurableFiles.corrupt(path, "behind byte \(end): a length is wrong, since whole transactions follow")
        }
        var kept = "\(path).cut-\(end)"
        var number = 1
        while access(kept, F_OK) == 0 {
            number += 1
            kept = "\(path).cut-\(end)-\(number)"
        }
        let size = file.size - end
        try DurableContents.copy(path, from: end, to: kept)
        try file.truncate(to: end)
        report(.noted("\(size) bytes behind byte \(end) of \"\(path)\" were no whole change: they are in \"\(kept)\""))
    }

    static func source(
        of cache: LoopBound<CacheEmulator>, on loop: any EventLoop, readsSnapshot: Bool
    ) async throws(BrokerError) -> EmulatorSource {
        let source: LoopBound<SourceOnLoop> = try await loop.answer { answer in
            let made = SourceOnLoop(cache.value, on: loop, readsSnapshot: readsSnapshot)
            answer.give(.success(LoopBound(made, on: loop)))
        }
        return EmulatorSource(source, on: loop)
    }
}
