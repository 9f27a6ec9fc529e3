import BrokerModel

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

#if canImport(Glibc)
let streamType = Int32(SOCK_STREAM.rawValue)
#else
let streamType = Int32(SOCK_STREAM)
#endif

/// An address as the system's calls take it.
struct SystemAddress {
    private var storage = sockaddr_storage()
    private var size: socklen_t

    var family: Int32 { Int32(storage.ss_family) }

    /// Those of a place, the preferred one first. This asks the system's resolver, and may take its time.
    static func all(of place: ProviderURL.Place) throws(RedisProblem) -> [SystemAddress] {
        switch place {
        case .unix(let path): [try SystemAddress(path: path)]
        case .tcp(let host, let port): try resolve(host, port)
        }
    }

    /// The numeric address of the other side; nil where it has none.
    static func peer(of descriptor: Int32) -> String? {
        var address = SystemAddress()
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let result = withUnsafeMutablePointer(to: &address.storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                getpeername(descriptor, generic, &address.size) == 0
                    ? getnameinfo(generic, address.size, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) : -1
            }
        }
        guard result == 0, address.family != AF_UNIX else { return nil }
        return String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func connect(_ descriptor: Int32) -> Int32 {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { systemConnect(descriptor, $0, size) }
        }
    }

    private init() {
        size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    }

    private init(path: String) throws(RedisProblem) {
        var local = sockaddr_un()
        local.sun_family = sa_family_t(AF_UNIX)
        let isFitting = withUnsafeMutableBytes(of: &local.sun_path) { bytes in
            guard path.utf8.count < bytes.count else { return false }
            bytes.copyBytes(from: path.utf8)
            return true
        }
        guard isFitting else { throw .unreachable("the path of its socket is too long") }
        size = socklen_t(MemoryLayout<sockaddr_un>.size)
        withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: local, as: sockaddr_un.self) }
    }

    private init?(_ info: addrinfo) {
        guard let address = info.ai_addr, info.ai_addrlen <= MemoryLayout<sockaddr_storage>.size else { return nil }
        size = info.ai_addrlen
        withUnsafeMutableBytes(of: &storage) { bytes in
            bytes.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen)))
        }
    }

    private static func resolve(_ host: String, _ port: UInt16) throws(RedisProblem) -> [SystemAddress] {
        var hints = addrinfo()
        hints.ai_socktype = streamType
        var first: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, "\(port)", &hints, &first)
        guard result == 0 else { throw .unreachable(String(cString: gai_strerror(result))) }
        defer { freeaddrinfo(first) }
        return sequence(first: first) { $0?.pointee.ai_next }.compactMap { $0.flatMap { SystemAddress($0.pointee) } }
    }
}

private func systemConnect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Int32 {
    #if canImport(Darwin)
    Darwin.connect(descriptor, address, size)
    #elseif canImport(Musl)
    Musl.connect(descriptor, address, size)
    #else
    Glibc.connect(descriptor, address, size)
    #endif
}
