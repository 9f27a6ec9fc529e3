public import BrokerModel
public import ProviderKit
import TLSTunnel

extension ExecProvider: AnswersQuestions {
    public func ask(_ question: Question) async throws(BrokerError) -> Answer {
        try await ServerQuestions.ask(question, login(of: question.backing))
    }
}

extension URLProvider: AnswersQuestions {
    public func ask(_ question: Question) async throws(BrokerError) -> Answer {
        let url = try Self.url(of: question.backing.provider)
        let tunnel = try await tunnels.tunnel(to: url)
        var login = RedisLogin(url)
        login.tunnel = tunnel?.path
        return try await ServerQuestions.ask(question, login)
    }
}

/// Questions to real servers: each over a connection of its own.
enum ServerQuestions {
    static func ask(_ question: Question, _ login: RedisLogin) async throws(BrokerError) -> Answer {
        guard case .command(let words) = question.kind else {
            throw Question.unsupported(question.serviceClass, question.kind)
        }
        do throws(RedisProblem) {
            return try await RedisAdmin.run { () throws(RedisProblem) in
                Answer(try RedisAdmin.connect(login, timeout: .seconds(5)).ask(words))
            }
        } catch .refused(let words) {
            throw BrokerError(
                .invalidRequest, "the resource refuses the question", why: words, fix: "broker expect --help")
        } catch {
            throw BrokerError(
                .serverUnreachable, "\(question.backing.provider) could not be asked", why: "\(error)",
                fix: "broker status")
        }
    }
}

extension Answer {
    init(_ answer: RedisAnswer) {
        self =
            switch answer {
            case .text(let text): .text(text)
            case .integer(let number): .integer(number)
            case .error(let text): .text(text)
            case .null: .null
            case .list(let list): .list(list.map(Answer.init))
            }
    }
}
