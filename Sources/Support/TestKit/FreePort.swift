import Foundation
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Finds ports of 127.0.0.1 that nobody holds.
public enum FreePort {
    /// A free port. Whoever binds it next may be somebody else.
    public static func find() throws -> UInt16 {
        try range(of: 1).lowerBound
    }

    /// `count` neighbouring ports below the system's own range of outgoing ports, all free at the time of the call.
    /// Drawn at random, so that test runs at the same time seldom meet; within one run no port is given out twice as long
    /// as there are others.
    /// `BROKER_TEST_PORTS` (FIRST-LAST) keeps runs that are known to go side by side apart.
    public static func range(of count: Int) throws -> ClosedRange<UInt16> {
        for attempt in 0..<2000 {
            let first = UInt16.random(in: section.lowerBound...(section.upperBound - UInt16(count)))
            let range = first...(first + UInt16(count) - 1)
            let isNew = givenOut.withLock { given in
                guard given.isDisjoint(with: range) else { return false }
                given.formUnion(range)
                return true
            }
            if isNew || attempt >= 1000, range.allSatisfy(isFree) { return range }
        }
        throw RealServer.Failure(description: "there are no \(count) free ports")
    }

    private static let section: ClosedRange<UInt16> = {
        let ends = ProcessInfo.processInfo.environment["BROKER_TEST_PORTS"]?.split(separator: "-").compactMap {
            UInt16($0)
        }
        guard let ends, ends.count == 2, ends[1] > ends[0], ends[1] - ends[0] >= 1000 else { return 25_000...32_000 }
        return ends[0]...ends[1]
    }()

    private static let givenOut = Mutex<Set<UInt16>>([])

    /// Whether the port can be bound now.
    public static func isFree(_ port: UInt16) -> Bool {
        #if os(Linux)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
        let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
