import BrokerModel
import ProviderKit

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Something that a backing can hold: a key, a job in a tube, a table.
struct Mark: Sendable {
    let name: String

    init(_ name: String) {
        self.name = name
    }

    var key: String { "broker-conformance:\(name)" }

    private var table: String { "mark_\(name)" }

    /// Asks whether it is there.
    func question(_ serviceClass: ServiceClass) -> Question.Kind {
        switch serviceClass {
        case .redis: .command(["GET", key])
        case .beanstalk: .tube(name)
        case .sqlite: .query("SELECT count(*) FROM sqlite_master WHERE name = '\(table)'")
        }
    }

    /// What the question is answered with where it is there.
    func answer(_ serviceClass: ServiceClass) -> Answer {
        switch serviceClass {
        case .redis: .text(name)
        case .beanstalk: .jobs(Answer.Jobs(ready: 1))
        case .sqlite: .integer(1)
        }
    }

    /// A file that brings it.
    func file(_ serviceClass: ServiceClass) -> (format: SeedRequest.Format, text: String) {
        switch serviceClass {
        case .redis: (.resp, RESPText.commands([["SET", key, name]]))
        case .beanstalk: (.json, "{\"body\":\"x\",\"tube\":\"\(name)\"}\n")
        case .sqlite: (.sql, "CREATE TABLE \(table) (a);\n")
        }
    }
}

/// Commands as they travel.
enum RESPText {
    static func commands(_ commands: [[String]]) -> String {
        commands.map { words in
            "*\(words.count)\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
        }.joined()
    }

    static func batch(_ list: [[String]]) -> CopyBatch {
        CopyBatch(segments: [.init(database: 0, bytes: Array(commands(list).utf8), commands: list.count)])
    }
}

extension ProviderConformance {
    /// Throws `DoesNotApply` where the provider has no way to.
    func write(_ mark: Mark, to checked: CheckedBacking) async throws {
        if let filled = provider as? any Snapshots {
            let (format, text) = mark.file(serviceClass)
            try await seed(text, format, filled, checked)
        } else if let copied = provider as? any CopiesData, serviceClass == .redis {
            try await apply([["SET", mark.key, mark.name]], copied, checked)
        } else {
            throw DoesNotApply("the provider has no way to write")
        }
    }

    func seed(
        _ text: String, _ format: SeedRequest.Format, _ filled: any Snapshots, _ checked: CheckedBacking
    ) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "broker-conformance-\(BackingID.random())")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        _ = try await filled.seed(
            SeedRequest(backing: checked.backing, serviceClass: serviceClass, path: file.path, format: format))
    }

    func apply(_ commands: [[String]], _ copied: any CopiesData, _ checked: CheckedBacking) async throws {
        let target = try await copied.openTarget(
            CopyTargetRequest(backing: checked.backing, serviceClass: serviceClass))
        do {
            try await target.apply(RESPText.batch(commands))
        } catch {
            await target.close()
            throw error
        }
        await target.close()
    }

    /// Throws `DoesNotApply` where the provider has no way to tell.
    func holds(_ mark: Mark, _ checked: CheckedBacking) async throws -> Bool {
        if let asked = provider as? any AnswersQuestions {
            let question = Question(
                backing: checked.backing, serviceClass: serviceClass, kind: mark.question(serviceClass))
            return try await asked.ask(question) == mark.answer(serviceClass)
        }
        guard let copied = provider as? any CopiesData, serviceClass == .redis else {
            throw DoesNotApply("the provider has no way to read")
        }
        let end = try await copied.openTarget(CopyTargetRequest(backing: checked.backing, serviceClass: serviceClass))
        let digests = try await end.digests(of: [CopyKey(database: 0, name: Array(mark.key.utf8))])
        await end.close()
        return digests.first.flatMap { $0 } != nil
    }

    /// Gives a server that was there before back what a check has written.
    func erase(_ keys: [String], _ checked: CheckedBacking) async throws {
        guard isStanding, let copied = provider as? any CopiesData else { return }
        try await apply(keys.map { ["DEL", $0] }, copied, checked)
    }
}
