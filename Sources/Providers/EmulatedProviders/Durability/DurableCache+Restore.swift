import BrokerModel
import CacheEmulator
import EventLoop
import ProviderKit

/// Going back to an image: its keys are written as a new snapshot while the cache goes on as it is; then, within one turn
/// of the loop, the cache goes back and its former changes end, and the new snapshot counts. A daemon that is killed
/// before finds what was there before, and writes that were answered in the moment until the manifest is written are gone
/// with the rest. Where the disk is full, nothing has changed.
extension DurableCache {
    /// Returns when the files have it.
    func restore(_ image: LoopBound<KeyspaceImage>) async throws(BrokerError) {
        let result: Result<Void, BrokerError> = await withCheckedContinuation { continuation in
            restores.add(RestoreRequests.Restoring(image: image) { continuation.resume(returning: $0) })
            hurry()
        }
        return try result.get()
    }

    func prepare(_ restoring: RestoreRequests.Restoring) async {
        defer { rewriting = nil }
        do throws(BrokerError) {
            rewritten = try await writeBase(of: restoring)
            hurry()
        } catch {
            restoring.answer(.failure(error))
            files.removeOthers(than: generation)
        }
    }

    private func writeBase(of restoring: RestoreRequests.Restoring) async throws(BrokerError) -> DurableBase {
        lastNumber += 1
        let number = lastNumber
        let keys: LoopBound<SourceOnLoop> = try await loop.answer { [cache, loop] answer in
            let source = SourceOnLoop(of: restoring.image.value, by: cache.value, on: loop)
            answer.give(.success(LoopBound(source, on: loop)))
        }
        let source = EmulatorSource(keys, on: loop)
        do throws(BrokerError) {
            let size = try await writeKeys(files.base(number), of: source)
            let changes = try AppendFile(path: files.changes(number), isNew: true)
            return DurableBase(
                number: number, size: size, changes: changes, reached: 0, source: source, restoring: restoring)
        } catch {
            await source.close()
            throw error
        }
    }

    /// Where what changes behind the image comes from.
    func goBack(_ restoring: RestoreRequests.Restoring) async throws(BrokerError) -> EmulatorSource {
        let end = source.end
        let fresh: LoopBound<SourceOnLoop> = try await loop.answer { [loop] answer in
            answer.give(end.value.restore(restoring.image.value).map { LoopBound($0, on: loop) })
        }
        return EmulatorSource(fresh, on: loop)
    }

    /// Has the work go on at once.
    private func hurry() {
        let end = source.end
        loop.post { end.value.stopPatience() }
    }

    /// Writes the keys of a snapshot; returns the size of the file, which is on disk.
    func writeKeys(_ path: String, of source: EmulatorSource) async throws(BrokerError) -> Int {
        var writer = try DurableContents.BaseWriter(path: path)
        do throws(BrokerError) {
            var isComplete = false
            while !isComplete {
                let batch = try await source.next()
                try writer.append(batch)
                isComplete = batch.position != nil
            }
            let (file, size) = try writer.finish()
            if let failure = await failure(of: file, on: snapshotWorker) { throw failure }
            writer.close()
            return size
        } catch {
            writer.close()
            throw error
        }
    }
}
