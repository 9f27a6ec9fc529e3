import BrokerModel
import ProviderKit

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Keys with their values in one object of JSON.
enum KeySeed {
    /// What stands behind a key, or in an array or an object.
    private enum Value: Decodable {
        case text(String)
        case list([String])
        case hash([String: String])

        init(from decoder: any Decoder) throws {
            if let text = try? Self.text(decoder.singleValueContainer()) {
                self = .text(text)
            } else if var list = try? decoder.unkeyedContainer() {
                var elements: [String] = []
                while !list.isAtEnd { elements.append(try list.decode(Scalar.self).text) }
                self = .list(elements)
            } else {
                let fields = try decoder.singleValueContainer().decode([String: Scalar].self)
                self = .hash(fields.mapValues(\.text))
            }
        }

        static func text(_ container: any SingleValueDecodingContainer) throws -> String {
            if let text = try? container.decode(String.self) { return text }
            if let flag = try? container.decode(Bool.self) { return "\(flag)" }
            if let number = try? container.decode(Int64.self) { return "\(number)" }
            return "\(try container.decode(Double.self))"
        }
    }

    private struct Scalar: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            text = try Value.text(decoder.singleValueContainer())
        }
    }

    /// Commands that make the keys, in their order; an empty list or hash is no key.
    static func batch(of bytes: [UInt8], path: String) throws(BrokerError) -> (CopyBatch, keys: Int) {
        var batch = CopyBatch()
        let values = try decode(bytes, path)
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            let words: [String]
            switch value {
            case .text(let text): words = ["SET", key, text]
            case .list(let elements): words = elements.isEmpty ? [] : ["RPUSH", key] + elements
            case .hash(let fields):
                let pairs = fields.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
                words = fields.isEmpty ? [] : ["HSET", key] + pairs
            }
            batch.append(["DEL", key].map { Array($0.utf8) }, in: 0)
            if !words.isEmpty { batch.append(words.map { Array($0.utf8) }, in: 0) }
        }
        return (batch, values.count)
    }

    private static func decode(_ bytes: [UInt8], _ path: String) throws(BrokerError) -> [String: Value] {
        do {
            return try JSONDecoder().decode([String: Value].self, from: Data(bytes))
        } catch {
            throw .badSeed(path, SeedProblem.text(error))
        }
    }
}

/// Jobs, one in each line.
enum JobSeed {
    struct Job: Decodable, Sendable {
        var body: String
        var tube: String
        var priority: UInt32
        var delay: UInt32
        var timeToRun: UInt32

        private enum CodingKeys: String, CodingKey {
            case body, tube, priority, delay
            case timeToRun = "ttr"
        }

        init(from decoder: any Decoder) throws {
            let object = try decoder.container(keyedBy: CodingKeys.self)
            body = try object.decode(String.self, forKey: .body)
            tube = try object.decodeIfPresent(String.self, forKey: .tube) ?? "default"
            priority = try object.decodeIfPresent(UInt32.self, forKey: .priority) ?? 1024
            delay = try object.decodeIfPresent(UInt32.self, forKey: .delay) ?? 0
            timeToRun = try object.decodeIfPresent(UInt32.self, forKey: .timeToRun) ?? 60
        }

        /// As beanstalkd takes it: the limits of 1.12.
        var problem: String? {
            if body.utf8.count > 65_535 { return "a body of more than 65535 bytes" }
            let letters = tube.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                default: "-+/;.$_()".utf8.contains(byte)
                }
            }
            let isName = letters && !tube.isEmpty && tube.utf8.count <= 200 && !tube.hasPrefix("-")
            return isName ? nil : "\"\(tube)\" is no name of a tube"
        }
    }

    static func jobs(of bytes: [UInt8], path: String) throws(BrokerError) -> [Job] {
        var jobs: [Job] = []
        for (number, line) in bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
            guard !line.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 13 }) else { continue }
            let job: Job
            do {
                job = try JSONDecoder().decode(Job.self, from: Data(line))
            } catch {
                throw .badSeed(path, "line \(number + 1): \(SeedProblem.text(error))")
            }
            if let problem = job.problem { throw .badSeed(path, "line \(number + 1): \(problem)") }
            jobs.append(job)
        }
        return jobs
    }
}

/// What a decoder says, in the words of the file.
private enum SeedProblem {
    static func text(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        switch error {
        case .keyNotFound(let key, _): return "\"\(key.stringValue)\" is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            let place = context.codingPath.map(\.stringValue).joined(separator: ".")
            return place.isEmpty ? "it is no object" : "the value of \"\(place)\" is none that can be taken"
        case .dataCorrupted(let context):
            let place = context.codingPath.map(\.stringValue).joined(separator: ".")
            let detail = context.underlyingError.map { "\($0)" } ?? context.debugDescription
            return place.isEmpty ? "it is no JSON: \(detail)" : "the value of \"\(place)\": \(detail)"
        @unknown default: return "\(error)"
        }
    }
}
