import ArgumentParser
import BrokerClient
import BrokerModel

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a shell offers while a name is typed. It asks a daemon that runs and never starts one: without one there is
/// nothing to offer.
enum NameCompletion {
    static let resources = CompletionKind.custom { words, _, _ in status(words)?.resources.map(\.name) ?? [] }

    static let apps = CompletionKind.custom { words, _, _ in status(words)?.apps.map(\.name) ?? [] }

    static let all = CompletionKind.custom { words, _, _ in
        status(words).map { $0.resources.map(\.name) + $0.apps.map(\.name) } ?? []
    }

    private static func status(_ words: [String]) -> StatusDocument? {
        let environment = ProcessInfo.processInfo.environment
        guard let places = try? BrokerPlaces(environment: environment),
            let workspace = try? WorkspaceResolution.resolve(
                option: option(in: words), environment: environment, directory: WorkingDirectory.current),
            let socket = DaemonFinder(places: places).announced
        else { return nil }
        return StatusPeek.status(of: workspace, socket: socket)
    }

    /// `--workspace NAME` or `--workspace=NAME` of the line that is typed.
    static func option(in words: [String]) -> String? {
        for (index, word) in words.enumerated() where word.hasPrefix("--workspace") {
            if word.hasPrefix("--workspace=") { return String(word.dropFirst("--workspace=".count)) }
            if word == "--workspace", index + 1 < words.count { return words[index + 1] }
        }
        return nil
    }
}
