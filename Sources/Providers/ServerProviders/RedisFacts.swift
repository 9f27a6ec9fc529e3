/// What a real server says about itself in INFO.
struct RedisFacts: Equatable, Sendable {
    /// `redis 7.0.15`
    var server: String?
    var processID: Int32?
    var isCluster = false
    var isReplica = false

    /// Reads INFO's lines of `name:value`; what is missing stays unknown.
    init(info: String) {
        for line in info.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = String(line[line.index(after: colon)...])
            switch line[..<colon] {
            case "redis_version" where server == nil: server = "redis \(value)"
            case "valkey_version": server = "valkey \(value)"
            case "process_id": processID = Int32(value)
            case "redis_mode": isCluster = value == "cluster"
            case "role": isReplica = value == "slave" || value == "replica"
            default: break
            }
        }
    }

    private init() {}

    /// Asks a server that is reachable and takes the credentials. INFO may be forbidden to the user: then little is
    /// known, and that is no error.
    static func ask(_ admin: borrowing RedisAdmin) throws(RedisProblem) -> RedisFacts {
        guard try admin.ask("PING") == .text("PONG") else { throw .otherProtocol("it does not answer PING with PONG") }
        do throws(RedisProblem) {
            guard case .text(let info) = try admin.ask("INFO") else { return RedisFacts() }
            return RedisFacts(info: info)
        } catch .refused {
            return RedisFacts()
        } catch {
            throw error
        }
    }
}
