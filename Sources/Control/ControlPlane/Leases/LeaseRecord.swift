import BrokerModel
import Logging
import ProviderKit
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A leased resource with a file or a process, written down in a file of its own before it is made: what a killed daemon
/// has left is found by the next one and removed. Nothing secret is in it.
final class LeaseRecord: Sendable {
    private struct Contents: Codable {
        var backing: BackingID
        var resource: ResourceID
        var provider: String
        var serviceClass: ServiceClass
        var memory: [String: String]
    }

    private let path: String
    private let contents: Mutex<Contents>

    private init(path: String, _ contents: Contents) {
        self.path = path
        self.contents = Mutex(contents)
    }

    /// Nil for what lives in the daemon alone, and where `folder` is nil. Throws `diskFull` or `unsafe`.
    static func begin(
        _ backing: Backing, _ serviceClass: ServiceClass, _ plan: Plan, in folder: String?
    ) throws(BrokerError) -> LeaseRecord? {
        guard let folder, !backing.provider.isInMemory(serviceClass, plan) else { return nil }
        let record = LeaseRecord(
            path: "\(folder)/\(backing.id).json",
            Contents(
                backing: backing.id, resource: backing.resource, provider: backing.provider.description,
                serviceClass: serviceClass, memory: backing.memory))
        try record.write()
        return record
    }

    /// What a provider needs to find its server again.
    var memory: [String: String] { contents.withLock { $0.memory } }

    func remember(_ memory: [String: String]) throws(BrokerError) {
        contents.withLock { $0.memory.merge(memory) { _, new in new } }
        try write()
    }

    func remove() {
        // A record of what is gone does no harm: the next daemon removes it.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// What former daemons have left in the folder: each with its record.
    static func left(in folder: String) -> [(backing: Backing, serviceClass: ServiceClass, record: LeaseRecord)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".json") }.compactMap { name in
            let path = "\(folder)/\(name)"
            guard let data = try? Data(contentsOf: URL(filePath: path)),
                let contents = try? JSONDecoder().decode(Contents.self, from: data),
                let provider = try? ProviderReference(contents.provider)
            else { return nil }
            let backing = Backing(
                id: contents.backing, resource: contents.resource, provider: provider, secret: Secret(""),
                memory: contents.memory)
            return (backing, contents.serviceClass, LeaseRecord(path: path, contents))
        }
    }

    private func write() throws(BrokerError) {
        do {
            let data = try contents.withLock { try JSONEncoder().encode($0) }
            try data.write(to: URL(filePath: path), options: .atomic)
        } catch let error as CocoaError where error.code == .fileWriteOutOfSpace {
            throw BrokerError(
                .diskFull, "there is no room for \"\(path)\"", why: "a lease with files or processes is written down",
                fix: "df -h \(ShellWord.quoted(path))")
        } catch {
            throw BrokerError(
                .unsafe, "cannot write \"\(path)\"", why: "a lease with files or processes is written down: \(error)",
                fix: "ls -l \(ShellWord.quoted(path))")
        }
    }
}

extension ControlPlane {
    /// Removes what leases of a killed daemon have left: processes and files.
    func removeLeftLeases() async {
        guard let folder = settings.leaseRecords else { return }
        for (backing, serviceClass, record) in LeaseRecord.left(in: folder) {
            do throws(BrokerError) {
                let provider = try providers.provider(for: backing.provider)
                _ = try await provider.deprovision(DeprovisionRequest(backing: backing, serviceClass: serviceClass))
                record.remove()
                log.info("removed what a lease had left", metadata: ["backing": "\(backing.id)"])
            } catch {
                log.error("what a lease had left was not removed", metadata: ["error": "\(error)"])
            }
        }
    }
}
