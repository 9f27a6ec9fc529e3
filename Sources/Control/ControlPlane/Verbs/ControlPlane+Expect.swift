public import BrokerModel
import ProviderKit

extension ControlPlane {
    private static let longestWait = 3_600_000
    private static let pause = Duration.milliseconds(5)

    /// Looks whether a resource holds what a test expects, until it does or the time is over.
    ///
    /// Throws `invalidRequest` for what cannot be expected, `unsupported` for what the resource's class does not have.
    public func expect(
        _ request: ExpectRequest, of resource: String, in workspace: WorkspaceName
    ) async throws(BrokerError) -> ExpectDocument {
        let expectation = try Expectation(request)
        guard (0...Self.longestWait).contains(request.within ?? 0) else {
            throw BrokerError(
                .invalidRequest, "cannot wait \(request.within ?? 0) ms", why: "an hour is the most", fix: "wait less")
        }
        let live = try await live(try ResourceReference(resource), in: workspace)
        guard let provider = try providers.provider(for: live.backing.provider) as? any AnswersQuestions else {
            throw BrokerError(
                .unsupported, "\(live.backing.provider) cannot be asked", why: "its provider answers no questions",
                fix: "broker status")
        }
        let began = ContinuousClock.now
        let deadline = began + .milliseconds(request.within ?? 0)
        while true {
            let (isMet, saw) = try await expectation.look { kind async throws(BrokerError) in
                try await provider.ask(
                    Question(backing: live.backing, serviceClass: live.serviceClass, kind: kind))
            }
            if isMet || ContinuousClock.now >= deadline || isStopping {
                return ExpectDocument(
                    met: isMet, expected: expectation.text, saw: saw,
                    took: began.duration(to: .now).milliseconds)
            }
            guard (try? await ContinuousClock().sleep(for: Self.pause)) != nil else {
                throw BrokerError(.timedOut, "the wait was given up", why: "who asked has gone", fix: nil)
            }
        }
    }
}
