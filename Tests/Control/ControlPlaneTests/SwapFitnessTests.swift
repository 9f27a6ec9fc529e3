import BrokerModel
import Processes
import ProviderKit
import Testing

@testable import ControlPlane

/// What is looked at before a swap, where no server is needed to see it.
struct SwapFitnessTests {
    private func problems(to target: String, clients: Int, filesLeft: Int) throws -> [String] {
        let resource = Resource(
            id: .random(), workspace: try WorkspaceName("test"), name: try ResourceName("cache"), serviceClass: .redis,
            provider: .emulator, plan: .ephemeral, port: 21000, state: .ready)
        let fitness = SwapFitness(
            resource: resource, target: try ProviderReference(target), source: BackingSurvey(keys: [:]),
            offer: BackingSurvey(keys: [:]), used: [:], clients: clients, mode: .copy, filesLeft: filesLeft)
        return fitness.problems.map(\.description)
    }

    @Test func `a swap for which the daemon may not open enough files is refused, with the figures`() throws {
        #expect(try problems(to: "exec:redis-server", clients: 100, filesLeft: 104) == [])
        let refusal = try problems(to: "exec:redis-server", clients: 100, filesLeft: 103)
        #expect(refusal.count == 1)
        #expect(refusal.first?.contains("100 clients are connected, which takes 104 more, and 103 are left") == true)
        // A connection over TLS goes through a tunnel of two more.
        #expect(try problems(to: "rediss://localhost", clients: 100, filesLeft: 304) == [])
        #expect(try problems(to: "rediss://localhost", clients: 100, filesLeft: 303).count == 1)
        #expect(try problems(to: "emulator", clients: 100, filesLeft: 4) == [])
    }

    @Test func `the files that are left are told`() {
        let left = OpenDescriptors.left
        #expect(left > 0 && left < 10_000_000)
    }
}
