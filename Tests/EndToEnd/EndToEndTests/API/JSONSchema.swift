/// So much of JSON Schema as `docs/reference/openapi.json` uses; a keyword that is not known here is a violation itself.
///
/// It is stricter than the standard in one thing: an object whose properties are listed has no others.
struct JSONSchema {
    let schema: JSON

    private static let keywords: Set<String> = [
        "type", "properties", "required", "items", "additionalProperties", "enum", "anyOf", "minProperties",
        "maxProperties", "minimum", "format", "pattern", "description",
    ]

    /// What is wrong with a document, each with its place in it; nothing where it fits.
    func violations(of value: JSON, at place: String = "$") -> [String] {
        var found = schema.properties.keys.filter { !Self.keywords.contains($0) }.sorted().map {
            "\(place): the schema's \"\($0)\" is not known"
        }
        if schema["type"] != .null {
            let types = schema["type"].string.map { [$0] } ?? schema["type"].items.compactMap(\.string)
            guard types.contains(where: { Self.is(value, $0) }) else {
                return found + ["\(place): \(value) is no \(types.joined(separator: " or "))"]
            }
        }
        if schema["enum"] != .null, !schema["enum"].items.contains(value) {
            found.append("\(place): \(value) is none of \(schema["enum"].items)")
        }
        let choices = schema["anyOf"].items
        if !choices.isEmpty, !choices.contains(where: { JSONSchema(schema: $0).violations(of: value).isEmpty }) {
            found.append("\(place): \(value) is none of what it may be")
        }
        switch value {
        case .object(let object): found += objects(object, place)
        case .list(let list):
            let item = JSONSchema(schema: schema["items"])
            for (number, value) in list.enumerated() { found += item.violations(of: value, at: "\(place)[\(number)]") }
        case .text(let text): found += texts(text, place)
        case .integer(let integer): found += numbers(Double(integer), whole: integer, place)
        case .number(let number): found += numbers(number, whole: Int64(exactly: number), place)
        case .null, .flag: break
        }
        return found
    }

    private func objects(_ object: [String: JSON], _ place: String) -> [String] {
        var found: [String] = []
        for name in schema["required"].items.compactMap(\.string) where object[name] == nil {
            found.append("\(place): it has no \"\(name)\"")
        }
        let listed = schema["properties"].properties
        let others = schema["additionalProperties"]
        for (name, value) in object.sorted(by: { $0.key < $1.key }) {
            if let property = listed[name] {
                found += JSONSchema(schema: property).violations(of: value, at: "\(place).\(name)")
            } else if others != .null {
                found += JSONSchema(schema: others).violations(of: value, at: "\(place).\(name)")
            } else if schema["properties"] != .null {
                found.append("\(place): \"\(name)\" is not listed")
            }
        }
        if case .integer(let least) = schema["minProperties"], object.count < least {
            found.append("\(place): it has \(object.count) properties, \(least) at least are expected")
        }
        if case .integer(let most) = schema["maxProperties"], object.count > most {
            found.append("\(place): it has \(object.count) properties, \(most) at most are expected")
        }
        return found
    }

    private func texts(_ text: String, _ place: String) -> [String] {
        guard let pattern = schema["pattern"].string else { return [] }
        guard let regex = try? Regex(pattern) else { return ["\(place): the pattern \(pattern) cannot be read"] }
        return (try? regex.wholeMatch(in: text)) == nil ? ["\(place): \"\(text)\" is not of the form \(pattern)"] : []
    }

    /// `whole` is the same number, where it is one of 64 bits.
    private func numbers(_ number: Double, whole: Int64?, _ place: String) -> [String] {
        var found: [String] = []
        let least: Double? =
            switch schema["minimum"] {
            case .integer(let integer): Double(integer)
            case .number(let number): number
            default: nil
            }
        if let least, number < least { found.append("\(place): \(number) is less than \(least)") }
        switch schema["format"].string {
        case "int32": if whole.flatMap(Int32.init(exactly:)) == nil { found.append("\(place): \(number) is no int32") }
        case "int64": if whole == nil { found.append("\(place): \(number) is no int64") }
        case nil: break
        case let format?: found.append("\(place): the format \"\(format)\" is not known")
        }
        return found
    }

    private static func `is`(_ value: JSON, _ type: String) -> Bool {
        switch (value, type) {
        case (.null, "null"), (.flag, "boolean"), (.integer, "integer"), (.integer, "number"), (.number, "number"),
            (.text, "string"), (.list, "array"), (.object, "object"):
            true
        case (.number(let number), "integer"): number.rounded() == number
        default: false
        }
    }
}
