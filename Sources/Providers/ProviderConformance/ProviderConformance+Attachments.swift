import BrokerModel
import ProviderKit

/// The checks of `bind` and `unbind`.
extension ProviderConformance {
    func bindingAgainAnswersTheSame() async throws {
        try await withServingBacking { checked in
            for mode in try offering().modes {
                let id = AttachmentID.random()
                let first = try await bind(checked, id, mode)
                for _ in 0..<2 {
                    let again = try await bind(checked, id, mode)
                    try require(again == first, "in mode \(mode) it answers something else the second time")
                }
                _ = try await unbind(checked, id, mode)
            }
        }
    }

    func directModeAloneHasURL() async throws {
        try await withServingBacking { checked in
            for mode in try offering().modes {
                let id = AttachmentID.random()
                let direct = try await bind(checked, id, mode)
                switch mode {
                case .direct: try require(direct != nil, "direct mode has no URL")
                case .endpoint: try require(direct == nil, "endpoint mode has a URL past the endpoint")
                }
                _ = try await unbind(checked, id, mode)
            }
        }
    }

    func maskedURLHidesSecret() async throws {
        try await withDirect { checked, id in
            let direct = try await bindDirect(checked, id)
            let shows = checked.backing.secret.reveal { direct.masked.contains($0) }
            try require(!shows, "the backing's secret is in it")
            guard let password = Self.password(of: direct) else { return }
            try require(!direct.masked.contains(password), "the password is in it")
        }
    }

    func attachmentsHaveTheirOwnCredentials() async throws {
        try await withDirect { checked, one in
            let two = AttachmentID.random()
            let (first, second) = (try await bindDirect(checked, one), try await bindDirect(checked, two))
            let warning = try await unbind(checked, two, .direct).warning
            guard warning == nil else { return }
            let password = try require(Self.password(of: first), "a URL has no password")
            try require(password != Self.password(of: second), "two attachments have one password")
            let own = checked.backing.secret.reveal { $0 }
            try require(password != own, "an attachment has the backing's own secret")
        }
    }

    func credentialsAreNewAfterUnbind() async throws {
        try await withDirect { checked, id in
            let first = try await bindDirect(checked, id)
            let warning = try await unbind(checked, id, .direct).warning
            let again = try await bindDirect(checked, id)
            guard warning == nil else { return }
            try require(Self.password(of: again) != Self.password(of: first), "the password is the former one")
        }
    }

    func unboundIsShutOut() async throws {
        let connects = try wayToConnect()
        try await withDirect { checked, id in
            let stays = AttachmentID.random()
            let (url, other) = (try await bindDirect(checked, id).url, try await bindDirect(checked, stays).url)
            try require(try await connects(url), "nobody is let in by the URL at all")
            let warning = try await unbind(checked, id, .direct).warning
            try require(try await connects(other), "another attachment is shut out, too")
            if warning == nil { try require(try await !connects(url), "who comes by the URL is still let in") }
            _ = try await unbind(checked, stays, .direct)
        }
    }

    func unbindingAgainAnswersTheSame() async throws {
        try await withServingBacking { checked in
            for mode in try offering().modes {
                let id = AttachmentID.random()
                // What was never bound has nobody who could have kept something; only that it succeeds is asked.
                _ = try await unbind(checked, id, mode)
                _ = try await bind(checked, id, mode)
                let first = try await unbind(checked, id, mode)
                let again = try await unbind(checked, id, mode)
                try require(again == first, "in mode \(mode) it answers \(again) after \(first)")
            }
        }
    }

    // MARK: parts

    func wayToConnect() throws -> @Sendable (Secret) async throws -> Bool {
        guard let connects = aids.connects else { throw DoesNotApply("no way was given to connect by a URL") }
        return connects
    }

    func bind(_ checked: CheckedBacking, _ id: AttachmentID, _ mode: AttachmentMode) async throws -> DirectURL? {
        let request = BindRequest(backing: checked.backing, serviceClass: serviceClass, attachment: id, mode: mode)
        return try await provider.bind(request).direct
    }

    func bindDirect(_ checked: CheckedBacking, _ id: AttachmentID) async throws -> DirectURL {
        try require(try await bind(checked, id, .direct), "direct mode has no URL")
    }

    func unbind(_ checked: CheckedBacking, _ id: AttachmentID, _ mode: AttachmentMode) async throws -> UnbindResponse {
        try await provider.unbind(
            UnbindRequest(backing: checked.backing, serviceClass: serviceClass, attachment: id, mode: mode))
    }

    /// Gives `body` a backing that serves and the id of a direct attachment, which is taken back behind it.
    func withDirect(_ body: (CheckedBacking, AttachmentID) async throws -> Void) async throws {
        guard try offering().modes.contains(.direct) else { throw DoesNotApply("nobody is attached directly") }
        try await withServingBacking { checked in
            let id = AttachmentID.random()
            try await body(checked, id)
            _ = try await unbind(checked, id, .direct)
        }
    }

    /// What stands between the first colon behind the scheme and the last `@`; nil where there is none.
    static func password(of direct: DirectURL) -> String? {
        direct.url.reveal { url in
            guard let start = url.firstRange(of: "://")?.upperBound else { return nil }
            let authority = url[start...].prefix { $0 != "/" && $0 != "?" }
            guard let end = authority.lastIndex(of: "@"), let colon = authority[..<end].firstIndex(of: ":") else {
                return nil
            }
            let password = authority[authority.index(after: colon)..<end]
            return password.isEmpty ? nil : String(password)
        }
    }
}
