// The benchmarks use the parts of TestKit that are no tests; where the Swift runtime is linked in, there is no Testing.
#if canImport(Testing)
import Foundation
public import Testing

extension Trait where Self == ConditionTrait {
    /// Skips where the server is not installed; with `BROKER_REQUIRE_SERVERS=1` the test runs then, and fails.
    public static func requires(_ program: RealServer.Program) -> Self {
        .enabled(
            "\(program.rawValue) is not on PATH: .ci/bootstrap installs it",
            { program.path != nil || ProcessInfo.processInfo.environment["BROKER_REQUIRE_SERVERS"] == "1" })
    }
}
#endif
