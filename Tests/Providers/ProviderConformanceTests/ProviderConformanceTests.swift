import BrokerModel
import EmulatedProviders
import EventLoop
import Foundation
import Processes
import ProviderConformance
import ServerProviders
import TestKit
import Testing

/// Our own providers keep the contract.
@Suite struct ProviderConformanceTests {
    @Test(arguments: [
        (ServiceClass.redis, Plan.ephemeral), (.redis, .durable), (.beanstalk, .ephemeral), (.sqlite, .durable),
    ])
    func `the emulator keeps the contract`(serviceClass: ServiceClass, plan: Plan) async throws {
        let folder = try TemporaryDirectory()
        try await LoopUnderTest.allCases[0].run { loop in
            @Sendable func provider() -> EmulatorProvider {
                EmulatorProvider(loops: LoopPool(of: loop), folders: folder.path)
            }
            var aids = ConformanceAids()
            aids.plan = plan
            aids.leftovers = { Set(try FileManager.default.contentsOfDirectory(atPath: folder.path)) }
            aids.successor = { provider() }
            let outcomes = try await ProviderConformance(
                provider(), reference: .emulator, serviceClass: serviceClass, aids: aids
            ).run()
            // A cache that is durable has its plan remembered.
            let remembers: Set<ContractCheck> = serviceClass == .redis && plan == .durable ? [.memoryHasNoSecret] : []
            #expect(Self.inapplicable(outcomes).union(remembers) == Self.ofEmulator[serviceClass])
        }
    }

    @Test(.requires(.redisServer))
    func `a server process keeps the contract`() async throws {
        let folder = try TemporaryDirectory()
        @Sendable func provider() -> ExecProvider {
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            return ExecProvider(folders: folder.path, runtime: folder.path, path: path)
        }
        var aids = ConformanceAids()
        aids.successor = { provider() }
        aids.unservable = .exec(program: "no-such-server")
        aids.endServer = { backing in
            let pid = try #require(backing.memory["pid"].flatMap { Int32($0) })
            kill(pid, SIGKILL)
        }
        aids.connects = Self.connects
        aids.leftovers = {
            Set(try FileManager.default.contentsOfDirectory(atPath: folder.path)).union(Self.processes(of: folder.path))
        }
        let outcomes = try await ProviderConformance(
            provider(), reference: .exec(program: "redis-server"), serviceClass: .redis, aids: aids
        ).run()
        #expect(
            Self.inapplicable(outcomes) == [
                .frozenTimeStandsStill, .timeMovesAsFarAsAsked, .timesAreApart, .restoreGoesBack,
                .branchBeginsWithSnapshot, .resetEmpties, .lostSnapshotIsTold, .badSeedChangesNothing,
            ])
    }

    @Test(.requires(.redisServer), arguments: [nil, "pr0vider"], [RealServer.Place.port, .unixSocket])
    func `a server elsewhere keeps the contract`(secret: String?, place: RealServer.Place) async throws {
        try await RealServer.run(.redisServer, at: place, secret: secret) { server in
            let account = secret.map { ":\($0)@" } ?? ""
            func reference(_ database: Int) throws -> ProviderReference {
                switch server.address {
                case .tcp(let host, let port): try ProviderReference("redis://\(account)\(host):\(port)/\(database)")
                case .unix(let path): try ProviderReference("unix://\(account)\(path)?db=\(database)")
                }
            }
            var aids = ConformanceAids()
            aids.other = try reference(4)
            aids.unservable = try ProviderReference("redis://127.0.0.1:1/0")
            aids.connects = Self.connects
            let address = server.address
            aids.leftovers = { try Self.contents(of: address, secret) }
            let outcomes = try await ProviderConformance(
                URLProvider(runtime: "/nowhere"), reference: try reference(3), serviceClass: .redis, aids: aids
            ).run()
            #expect(
                Self.inapplicable(outcomes) == [
                    .memoryHasNoSecret, .endOfServerIsReported, .frozenTimeStandsStill, .timeMovesAsFarAsAsked,
                    .timesAreApart, .restoreGoesBack, .branchBeginsWithSnapshot, .resetEmpties, .lostSnapshotIsTold,
                    .badSeedChangesNothing, .suspendedComesBack, .suspendedComesBackInNextDaemon, .fencedIsShutOut,
                    .liftedCredentialsAreTheSame,
                ])
        }
    }

    // MARK: parts

    private static func inapplicable(_ outcomes: [ContractCheck: ContractOutcome]) -> Set<ContractCheck> {
        Set(outcomes.filter { $0.value != .kept }.keys)
    }

    /// What is not looked at of the emulator, by class.
    private static let ofEmulator: [ServiceClass: Set<ContractCheck>] = {
        let always: Set<ContractCheck> = [
            .memoryHasNoSecret, .errorsSayWhatHelps, .endOfServerIsReported, .unboundIsShutOut, .fencedIsShutOut,
            .liftedCredentialsAreTheSame,
        ]
        let direct: Set<ContractCheck> = [
            .maskedURLHidesSecret, .attachmentsHaveTheirOwnCredentials, .credentialsAreNewAfterUnbind,
        ]
        let copies: Set<ContractCheck> = [
            .copyArrivesAsItWas, .changesFollowTheCopy, .surveyCountsKeys, .sourceDoesNotBlock,
        ]
        let times: Set<ContractCheck> = [.frozenTimeStandsStill, .timeMovesAsFarAsAsked, .timesAreApart]
        return [
            .redis: always.union(direct),
            .beanstalk: always.union(direct).union(copies)
                .union([.suspendedComesBack, .suspendedComesBackInNextDaemon]),
            .sqlite: always.union(copies).union(times),
        ]
    }()

    /// Logs in as a client does that has nothing but the URL.
    private static func connects(_ url: Secret) async throws -> Bool {
        guard case .url(let url) = try url.reveal({ try ProviderReference($0) }) else { return false }
        let address: SocketAddress =
            switch url.place {
            case .tcp(let host, let port): .tcp(host: host, port: port)
            case .unix(let path): .unix(path: path)
            }
        let client = try SocketClient(to: address)
        let account = [url.user, url.secret?.reveal { $0 }].compactMap { $0 }.joined(separator: " ")
        if !account.isEmpty { try client.send("AUTH \(account)\r\n") }
        try client.send("PING\r\nQUIT\r\n")
        return String(decoding: try client.receiveToEnd(), as: UTF8.self).contains("+PONG")
    }

    /// The processes that were started with something of a folder.
    private static func processes(of folder: String) -> Set<String> {
        let pids = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return Set(
            pids.compactMap { pid in
                guard Int(pid) != nil, let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else {
                    return nil
                }
                return String(decoding: line, as: UTF8.self).contains(folder) ? "process \(pid)" : nil
            })
    }

    /// Users and the number of keys of a server.
    private static func contents(of address: SocketAddress, _ secret: String?) throws -> Set<String> {
        let client = try SocketClient(to: address)
        if let secret { try client.send("AUTH \(secret)\r\n") }
        try client.send("ACL USERS\r\nSELECT 3\r\nDBSIZE\r\nSELECT 4\r\nDBSIZE\r\nQUIT\r\n")
        let text = String(decoding: try client.receiveToEnd(), as: UTF8.self)
        return Set(text.split(separator: "\r\n").enumerated().map { "line \($0.offset): \($0.element)" })
    }
}
