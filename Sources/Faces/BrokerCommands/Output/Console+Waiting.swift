extension Console {
    private static let patience = Duration.seconds(1)

    /// Runs `body`, and on a terminal tells every second what `progress` says; nil says nothing.
    func watching<Value>(
        _ progress: @escaping @Sendable () async -> String?, _ body: () async throws -> Value
    ) async rethrows -> Value {
        guard isTerminal else { return try await body() }
        let notice = Task {
            while (try? await ContinuousClock().sleep(for: Self.patience)) != nil {
                if let text = await progress(), !Task.isCancelled { narrate(text) }
            }
        }
        defer { notice.cancel() }
        return try await body()
    }

    /// Runs `body`, and on a terminal says after a second what it waits for.
    func patiently<Value>(_ what: String, _ body: () async throws -> Value) async rethrows -> Value {
        guard isTerminal else { return try await body() }
        let notice = Task {
            guard (try? await ContinuousClock().sleep(for: Self.patience)) != nil else { return }
            narrate("waiting   for \(what)")
        }
        defer { notice.cancel() }
        return try await body()
    }
}
