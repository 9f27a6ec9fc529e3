import BrokerModel
import HTTPTypes
import Hummingbird
import NIOCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// One request, with what handlers take out of it.
struct AdminRequest {
    let request: Request
    let context: AdminContext

    /// The workspace in the path; throws `invalidName`.
    var workspace: WorkspaceName {
        get throws(BrokerError) { try WorkspaceName(parameter("W")) }
    }

    /// The resource in the path as it was sent: the control plane says what is wrong with it.
    var resource: String { parameter("R") }

    /// The app in the path as it was sent.
    var app: String { parameter("A") }

    /// The fault in the path as it was sent.
    var fault: String { parameter("F") }

    /// The snapshot in the path as it was sent.
    var snapshot: String { parameter("S") }

    /// The lease in the path as it was sent.
    var lease: String { parameter("L") }

    /// The operation's id: the header `Idempotency-Key`, else a fresh one. A retry with the same key converges.
    var operation: OperationID {
        get throws(BrokerError) {
            guard let name = HTTPField.Name("Idempotency-Key"), let key = request.headers[name] else {
                return .random()
            }
            let isPlain = key.utf8.allSatisfy {
                ($0 | 0x20 >= 97 && $0 | 0x20 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 45 || $0 == 95
            }
            guard isPlain, (1...64).contains(key.utf8.count) else {
                throw BrokerError(
                    .invalidRequest, "the Idempotency-Key cannot be used",
                    why: "1-64 letters, digits, '-' and '_' are expected",
                    fix: "send another Idempotency-Key, or none")
            }
            return OperationID(rawValue: key)
        }
    }

    /// A query item, percent-decoded; nil when it is missing.
    func query(_ name: String) -> String? {
        request.uri.queryParameters[name[...]].map(String.init)
    }

    /// A query item that is a number of at least 0; throws `invalidRequest`.
    func number(_ name: String) throws(BrokerError) -> Int? {
        guard let text = query(name) else { return nil }
        guard let number = Int(text), number >= 0 else {
            throw BrokerError(
                .invalidRequest, "\"\(name)\" is no number of at least 0", why: "it is \"\(text.prefix(40))\"",
                fix: "send a number, or leave \"\(name)\" away")
        }
        return number
    }

    /// The JSON body; throws `invalidRequest` when it is too long or something else.
    func body<Document: Decodable>(_: Document.Type = Document.self) async throws(BrokerError) -> Document {
        let bytes: ByteBuffer
        do {
            bytes = try await request.body.collect(upTo: Self.longestBody)
        } catch {
            throw BrokerError(
                .invalidRequest, "cannot take the request's body", why: "it may have \(Self.longestBody) bytes at most",
                fix: "send a shorter one")
        }
        do {
            return try JSONDecoder().decode(Document.self, from: Data(bytes.readableBytesView))
        } catch let error as BrokerError {
            throw error
        } catch {
            throw BrokerError(
                .invalidRequest, "cannot read the request's body", why: Self.reason(error),
                fix: "send the document that this version's route takes")
        }
    }

    /// No document of the API comes near it.
    private static let longestBody = 64 << 10

    private func parameter(_ name: String) -> String {
        // No valid name has a character that is percent-encoded: what has one is refused as it was sent.
        context.parameters.get(name) ?? ""
    }

    /// Where the decoding failed; the value itself is not repeated, since it may be a secret.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, _): "it has no \"\(key.stringValue)\""
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\" has the wrong type"
        default: "it is not the JSON document of this route"
        }
    }
}

extension Response {
    /// A JSON document.
    static func document(_ document: some Encodable, status: Int = 200) throws -> Response {
        Response(
            status: HTTPResponse.Status(code: status), headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try json(document))))
    }

    /// On one line, keys sorted.
    static func json(_ document: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(document)
    }
}
