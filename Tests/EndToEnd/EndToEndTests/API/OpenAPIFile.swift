import Foundation
import Testing

/// `docs/reference/openapi.json`, as who writes a client reads it.
struct OpenAPIFile {
    /// A method and a path of the file.
    struct Operation {
        let name: String
        let content: JSON
        fileprivate let file: JSON

        /// The statuses that it says to answer with.
        var statuses: [String] { content["responses"].properties.keys.sorted() }

        /// What a request's body has to be; nil where it takes none.
        var body: JSONSchema? {
            let body = content["requestBody"]
            return body == .null ? nil : JSONSchema(schema: body["content"]["application/json"]["schema"])
        }

        /// The parameters of a place (`path`, `query`, `header`) by name.
        func parameters(in place: String) -> [String: JSON] {
            let all = content["parameters"].items.filter { $0["in"].string == place }
            return Dictionary(all.map { ($0["name"].string ?? "", $0) }) { first, _ in first }
        }

        /// What an answer of a status and a media type has to be; nil where the file has none.
        func answer(_ status: Int, _ mediaType: String) -> JSONSchema? {
            var response = content["responses"]["\(status)"]
            if let reference = response["$ref"].string {
                response = reference.split(separator: "/").dropFirst().reduce(file) { $0[String($1)] }
            }
            let schema = response["content"][mediaType]["schema"]
            return schema == .null ? nil : JSONSchema(schema: schema)
        }
    }

    private let content: JSON

    init() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../../docs/reference/openapi.json").standardizedFileURL
        content = try JSONDecoder().decode(JSON.self, from: Data(contentsOf: page))
    }

    /// All of them, as `GET /v1/version`.
    var names: Set<String> {
        Set(
            content["paths"].properties.flatMap { path, operations in
                operations.properties.keys.map { "\($0.uppercased()) \(path)" }
            })
    }

    /// Throws where the file has none of that method and path.
    func operation(_ method: String, _ path: String) throws -> Operation {
        let found = content["paths"][path][method.lowercased()]
        try #require(found != .null, "openapi.json has no \(method) \(path)")
        return Operation(name: "\(method) \(path)", content: found, file: content)
    }
}
