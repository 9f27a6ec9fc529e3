import AsyncHTTPClient
public import BrokerModel
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension BrokerClient {
    /// All leases of a workspace; secrets are masked.
    public func leases(in workspace: WorkspaceName) async throws(BrokerError) -> LeasesDocument {
        try await call(.GET, Self.path(workspace, "leases"))
    }

    /// One lease, secrets in the clear.
    public func lease(_ id: String, in workspace: WorkspaceName) async throws(BrokerError) -> LeaseDocument {
        try await call(.GET, Self.path(workspace, "leases", id))
    }

    /// Makes resources that live until the lease ends: by its time, by `endLease`, or with the lease under which it is.
    public func lease(
        _ request: LeaseRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> LeaseDocument {
        try await call(.POST, Self.path(workspace, "leases"), body: request, within: timeouts.slow)
    }

    /// The same; it ends with the connection that `HeldLease` keeps, at the latest with this process.
    public func holdLease(
        _ request: LeaseRequest, in workspace: WorkspaceName
    ) async throws(BrokerError) -> HeldLease {
        let path = Self.path(workspace, "leases").query("hold", "true")
        let answer = try await stream(path, body: request)
        let (first, arrival) = AsyncStream.makeStream(of: LeaseDocument.self)
        let reading = Task {
            defer { arrival.finish() }
            var line: [UInt8]? = []
            for try await part in answer where line != nil {
                line?.append(contentsOf: part.readableBytesView)
                guard let read = line, let end = read.firstIndex(of: UInt8(ascii: "\n")) else { continue }
                line = nil
                arrival.yield(try JSONDecoder().decode(LeaseDocument.self, from: Data(read[..<end])))
            }
        }
        for await document in first { return HeldLease(document: document, reading: reading) }
        throw BrokerError(
            .daemonEnded, "the daemon ended while it made the lease", why: "its answer is not whole",
            fix: "broker status")
    }

    /// Has a lease end `ttl` seconds from now.
    public func renewLease(
        _ id: String, ttl: Int?, in workspace: WorkspaceName
    ) async throws(BrokerError) -> LeaseDocument {
        try await call(.POST, Self.path(workspace, "leases", id, "renew"), body: LeaseTerm(ttl: ttl))
    }

    /// Has a lease live on for `ttl` seconds when its connection ends.
    public func keepLease(
        _ id: String, ttl: Int?, in workspace: WorkspaceName
    ) async throws(BrokerError) -> LeaseDocument {
        try await call(.POST, Self.path(workspace, "leases", id, "keep"), body: LeaseTerm(ttl: ttl))
    }

    /// Names the process that is ended where this one goes without giving the lease back.
    public func guardProcess(
        _ process: LeaseProcess, with id: String, in workspace: WorkspaceName
    ) async throws(BrokerError) -> LeaseDocument {
        try await call(.POST, Self.path(workspace, "leases", id, "process"), body: process)
    }

    /// Gives a lease back.
    public func endLease(_ id: String, in workspace: WorkspaceName) async throws(BrokerError) -> LeaseEndDocument {
        try await call(.DELETE, Self.path(workspace, "leases", id), within: timeouts.slow)
    }
}

/// A lease and the connection that holds it: the lease ends when this is let go, and when the process ends, however.
public final class HeldLease: Sendable {
    public let document: LeaseDocument
    /// Reads the empty lines that follow, so that the connection stays.
    private let reading: Task<Void, any Error>

    init(document: LeaseDocument, reading: Task<Void, any Error>) {
        self.document = document
        self.reading = reading
    }

    deinit {
        reading.cancel()
    }
}
