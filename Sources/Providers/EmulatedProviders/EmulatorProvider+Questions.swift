public import BrokerModel
import CacheEmulator
import EventLoop
public import ProviderKit
import QueueEmulator

extension EmulatorProvider: AnswersQuestions {
    public func ask(_ question: Question) async throws(BrokerError) -> Answer {
        switch (question.kind, question.serviceClass) {
        case (.command(let words), .redis):
            guard let cache = shelf.cache(question.backing.id) else { throw Self.notServed }
            let request = words.map { Array($0.utf8) }
            let reply = try await cache.loop.answer { answer in
                answer.give(.success(cache.emulator.value.answer(to: request)))
            }
            return try RESPAnswer.read(reply)
        case (.tube(let tube), .beanstalk):
            guard let queue = shelf.queue(question.backing.id) else { throw Self.notServed }
            return try await queue.loop.answer { answer in
                let jobs = queue.emulator.value.jobs(in: tube)
                answer.give(
                    .success(
                        .jobs(
                            Answer.Jobs(
                                ready: jobs.ready, reserved: jobs.reserved, delayed: jobs.delayed, buried: jobs.buried))
                    ))
            }
        case (.query(let query), .sqlite):
            let file = storeFile(of: question.backing.id)
            return try await Self.blocking { () throws(BrokerError) in try file.answer(to: query) }
        default: throw Question.unsupported(question.serviceClass, question.kind)
        }
    }
}

/// Replies of RESP2 as answers.
enum RESPAnswer {
    /// Throws `invalidRequest` with the words of an error reply.
    static func read(_ bytes: [UInt8]) throws(BrokerError) -> Answer {
        var rest = bytes[...]
        return try read(&rest)
    }

    private static func read(_ rest: inout ArraySlice<UInt8>) throws(BrokerError) -> Answer {
        guard let kind = rest.popFirst(), let end = rest.firstIndex(of: UInt8(ascii: "\r")) else { throw incomplete }
        let line = String(decoding: rest[..<end], as: UTF8.self)
        rest = rest[end...].dropFirst(2)
        switch kind {
        case UInt8(ascii: "+"): return .text(line)
        case UInt8(ascii: ":"): return .integer(Int64(line) ?? 0)
        case UInt8(ascii: "$"):
            guard let length = Int(line), length >= 0 else { return .null }
            guard rest.count >= length + 2 else { throw incomplete }
            defer { rest = rest.dropFirst(length + 2) }
            return .text(String(decoding: rest.prefix(length), as: UTF8.self))
        case UInt8(ascii: "*"):
            guard let count = Int(line), count >= 0 else { return .null }
            var list: [Answer] = []
            for _ in 0..<count { list.append(try read(&rest)) }
            return .list(list)
        default:
            throw BrokerError(
                .invalidRequest, "the resource refuses the question", why: line, fix: "broker expect --help")
        }
    }

    private static let incomplete = BrokerError(
        .internalFailure, "the answer of the resource is not whole", why: "this is a fault of broker",
        fix: "broker logs")
}

extension StoreFile {
    /// The first column of the first row. The file is opened for reading only.
    func answer(to query: String) throws(BrokerError) -> Answer {
        do throws(SQLProblem) {
            return try SQLQuestion.ask(query, of: path)
        } catch {
            throw BrokerError(
                .invalidRequest, "SQLite refuses the query", why: error.words, fix: "broker expect --help")
        }
    }
}
