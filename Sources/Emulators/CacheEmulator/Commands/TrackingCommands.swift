public import RESPWire

/// CLIENT TRACKING and what belongs to it: the front, which owns the connection, hands them here.
extension CacheEmulator {
    /// CLIENT TRACKING ON|OFF [REDIRECT id] [PREFIX prefix]… [BCAST] [OPTIN] [OPTOUT] [NOLOOP]
    public func track(
        _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, for client: CacheClient, _ reply: ReplyWriter
    ) {
        var wanted = ClientTracking()
        if let problem = read(arguments, count, into: &wanted) { return reply.error(problem) }
        if arguments[2].isWord("off") {
            stopTracking(client)
            return reply.ok()
        }
        guard arguments[2].isWord("on") else { return reply.error(ErrorText.syntax) }
        if let problem = Self.conflict(wanted, with: client.tracking) { return reply.error(problem) }
        if wanted.isBroadcast, let problem = Self.overlap(&wanted, client.tracking?.prefixes ?? []) {
            return reply.error(problem)
        }
        wanted.isCachingGiven = client.tracking?.isCachingGiven ?? false
        startTracking(client, wanted)
        reply.ok()
    }

    /// CLIENT CACHING YES|NO
    public func setCaching(_ mode: Bytes, for client: CacheClient, _ reply: ReplyWriter) {
        guard let options = client.tracking else {
            return reply.error(
                """
                ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode \
                enabled
                """)
        }
        if mode.isWord("yes") {
            guard options.isOptIn else {
                return reply.error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
            }
        } else if mode.isWord("no") {
            guard options.isOptOut else {
                return reply.error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
            }
        } else {
            return reply.error(ErrorText.syntax)
        }
        client.tracking?.isCachingGiven = true
        reply.ok()
    }

    /// CLIENT TRACKINGINFO
    public func replyTracking(of client: CacheClient, _ reply: ReplyWriter) {
        let options = client.tracking
        var flags: [StaticString] = [options == nil ? "off" : "on"]
        if let options {
            if options.isBroadcast { flags.append("bcast") }
            if options.isOptIn { flags += options.isCachingGiven ? ["optin", "caching-yes"] : ["optin"] }
            if options.isOptOut { flags += options.isCachingGiven ? ["optout", "caching-no"] : ["optout"] }
            if options.skipsOwn { flags.append("noloop") }
            if options.isBroken { flags.append("broken_redirect") }
        }
        reply.map(3)
        reply.bulk("flags")
        reply.set(flags.count)
        for flag in flags { reply.bulk(flag) }
        reply.bulk("redirect")
        reply.integer(options?.redirect ?? -1)
        reply.bulk("prefixes")
        let prefixes = (options?.isBroadcast == true ? options?.prefixes : nil) ?? []
        reply.array(prefixes.count)
        for prefix in prefixes { prefix.withBytes { reply.bulk($0) } }
    }

    func startTracking(_ client: CacheClient, _ options: ClientTracking) {
        tracking.remove(client)
        client.tracking = options
        tracking.add(client)
        look()
    }

    func stopTracking(_ client: CacheClient) {
        guard client.tracking != nil else { return }
        tracking.remove(client)
        client.tracking = nil
        look()
    }

    // MARK: arguments

    private func read(
        _ arguments: UnsafeMutablePointer<Bytes>, _ count: Int, into wanted: inout ClientTracking
    ) -> String? {
        var index = 3
        while index < count {
            let hasMore = index + 1 < count
            if arguments[index].isWord("redirect"), hasMore {
                index += 1
                if wanted.redirect != 0 { return "ERR A client can only redirect to a single other client" }
                guard let id = arguments[index].integer else { return "\(ErrorText.notAnInteger)" }
                // Redis looks for the client before the rest is read.
                guard clients[id] != nil else { return "ERR The client ID you want redirect to does not exist" }
                wanted.redirect = id
            } else if arguments[index].isWord("bcast") {
                wanted.isBroadcast = true
            } else if arguments[index].isWord("optin") {
                wanted.isOptIn = true
            } else if arguments[index].isWord("optout") {
                wanted.isOptOut = true
            } else if arguments[index].isWord("noloop") {
                wanted.skipsOwn = true
            } else if arguments[index].isWord("prefix"), hasMore {
                index += 1
                wanted.prefixes.append(arguments[index].array)
            } else {
                return "\(ErrorText.syntax)"
            }
            index += 1
        }
        return nil
    }

    private static func conflict(_ wanted: ClientTracking, with now: ClientTracking?) -> String? {
        if !wanted.isBroadcast, !wanted.prefixes.isEmpty {
            return "ERR PREFIX option requires BCAST mode to be enabled"
        }
        if let now, now.isBroadcast != wanted.isBroadcast {
            return """
                ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling \
                it with a different mode.
                """
        }
        if wanted.isBroadcast, wanted.isOptIn || wanted.isOptOut {
            return "ERR OPTIN and OPTOUT are not compatible with BCAST"
        }
        if wanted.isOptIn, wanted.isOptOut { return "ERR You can't specify both OPTIN mode and OPTOUT mode" }
        if let now, wanted.isOptIn && now.isOptOut || wanted.isOptOut && now.isOptIn {
            return """
                ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling \
                it with a different mode.
                """
        }
        return nil
    }

    /// Adds the prefixes that the client has; where none is named every key is meant, beside them.
    private static func overlap(_ wanted: inout ClientTracking, _ present: [[UInt8]]) -> String? {
        func overlaps(_ a: [UInt8], _ b: [UInt8]) -> Bool { a.starts(with: b) || b.starts(with: a) }
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
        for (place, prefix) in wanted.prefixes.enumerated() {
            if let other = present.first(where: { overlaps($0, prefix) }) {
                return """
                    ERR Prefix '\(text(prefix))' overlaps with an existing prefix '\(text(other))'. Prefixes for a \
                    single client must not overlap.
                    """
            }
            if let other = wanted.prefixes[(place + 1)...].first(where: { overlaps($0, prefix) }) {
                return """
                    ERR Prefix '\(text(prefix))' overlaps with another provided prefix '\(text(other))'. Prefixes for a \
                    single client must not overlap.
                    """
            }
        }
        if wanted.prefixes.isEmpty, !present.contains([]) { wanted.prefixes = [[]] }
        wanted.prefixes = (present + wanted.prefixes).sorted { $0.lexicographicallyPrecedes($1) }
        return nil
    }
}
