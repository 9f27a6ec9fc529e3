import BrokerModel
import Foundation

/// Finds out what JSON a type reads, by having it read from a decoder that writes down what it is asked for.
enum SchemaReader {
    /// Stands in a schema where a type could not be understood.
    static let unknown = "x-unknown"

    /// A JSON schema of OpenAPI 3.1.
    static func schema(of type: any Decodable.Type) -> [String: Any] {
        if let plain = plain(type) { return plain }
        if let choice = type as? any Choice.Type { return ["type": "string", "enum": choice.words.sorted()] }
        if type == Fault.self { return FaultSchema.fault }
        let recorder = Recorder()
        // It cannot be made of nothing: what it has asked for until then, or has got, is written down.
        _ = try? type.init(from: recorder)
        if recorder.isUnknown { return [unknown: "\(type)"] }
        if let item = recorder.item { return ["type": "array", "items": item] }
        if recorder.isMap { return ["type": "object", "additionalProperties": recorder.mapValue ?? [:]] }
        // Whatever else is nil is left away.
        if type == ResourceStatus.self { recorder.writesNull(for: ["host", "port"]) }
        // Read leniently, and always written.
        if type == BrokerError.self { recorder.required.insert("why") }
        var schema: [String: Any] = ["type": "object", "properties": recorder.properties]
        if !recorder.required.isEmpty { schema["required"] = recorder.required.sorted() }
        return schema
    }

    private static func plain(_ type: any Decodable.Type) -> [String: Any]? {
        switch type {
        case is String.Type, is WorkspaceName.Type: ["type": "string"]
        case is Bool.Type: ["type": "boolean"]
        case is Double.Type: ["type": "number"]
        case is Int.Type, is Int64.Type: ["type": "integer", "format": "int64"]
        case is Int32.Type: ["type": "integer", "format": "int32"]
        case is UInt64.Type: ["type": "integer", "minimum": 0]
        default: nil
        }
    }
}

/// Written by hand, since a fault reads its parts one after the other and ends at the first that is wrong.
private enum FaultSchema {
    static var fault: [String: Any] {
        let words: [String: Any] = ["type": "array", "items": text]
        return object(
            [
                "commands": words, "key": text, "client": text, "nth": count, "first": count, "every": count,
                "count": count, "for": count, "seed": ["type": "integer", "minimum": 0], "probability": share,
                "toxicity": share, "effect": effect,
            ], ["effect"])
    }

    private static var effect: [String: Any] {
        let direction: [String: Any] = ["type": "string", "enum": ["down", "up"]]
        let when: [String: Any] = ["type": "string", "enum": ["after", "before"]]
        let effects: [String: Any] = [
            "error": ["anyOf": [text, object(["text": text], ["text"])]],
            "delay": object(["ms": amount, "jitter": amount], ["ms"]), "cut": object(["bytes": amount], ["bytes"]),
            "reset": object(["when": when], ["when"]), "drop": object(["executed": ["type": "boolean"]]),
            "latency": object(["ms": amount, "jitter": amount, "direction": direction], ["ms"]),
            "bandwidth": object(["rate": count, "direction": direction], ["rate"]),
            "timeout": object(["ms": amount, "direction": direction]),
            "slow-close": object(["ms": amount, "direction": direction], ["ms"]),
            "reset-peer": object(["ms": amount]),
            "slicer": object(
                ["size": count, "variation": amount, "delay": amount, "direction": direction], ["size"]),
            "limit-data": object(["bytes": amount, "direction": direction], ["bytes"]), "down": object([:]),
            "maxclients": object([:]),
        ]
        var schema = object(effects)
        (schema["minProperties"], schema["maxProperties"]) = (1, 1)
        schema["description"] = "One key, the effect's name, with an object of what it needs: docs/guides/faults.md."
        return schema
    }

    private static var text: [String: Any] { ["type": "string"] }
    private static var count: [String: Any] { ["type": "integer", "minimum": 1] }
    private static var amount: [String: Any] { ["type": "integer", "minimum": 0] }
    private static var share: [String: Any] { ["type": "number", "minimum": 0] }

    private static func object(_ properties: [String: Any], _ required: [String] = []) -> [String: Any] {
        var schema: [String: Any] = ["type": "object", "properties": properties]
        if !required.isEmpty { schema["required"] = required }
        return schema
    }
}

/// An enumeration of words.
private protocol Choice {
    static var words: [String] { get }
}

extension ClockRequest.Action: Choice {
    fileprivate static var words: [String] { allCases.map(\.rawValue) }
}

extension SwapRequest.Verification: Choice {
    fileprivate static var words: [String] { allCases.map(\.rawValue) }
}

extension SwapRequest.ExistingData: Choice {
    fileprivate static var words: [String] { ["overwrite", "adopt"] }
}

extension ResourceStatus.Swap.Phase: Choice {
    fileprivate static var words: [String] { ["comparing", "copying", "moving"] }
}

private final class Recorder: Decoder {
    var properties: [String: Any] = [:]
    var required: Set<String> = []
    var item: [String: Any]?
    var isMap = false
    var mapValue: [String: Any]?
    /// It was asked for a single value: a type that `SchemaReader` has to know by name.
    var isUnknown = false
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    struct Nothing: Error {}

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        // A dictionary's keys are any words.
        if Key(stringValue: "any word at all") != nil { isMap = true }
        return KeyedDecodingContainer(Keyed<Key>(recorder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { List(recorder: self) }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        isUnknown = true
        throw Nothing()
    }

    func writesNull(for names: [String]) {
        for name in names {
            guard var schema = properties[name] as? [String: Any], let type = schema["type"] as? String else {
                continue
            }
            schema["type"] = [type, "null"]
            properties[name] = schema
            required.insert(name)
        }
    }

    /// Something of the type to go on with.
    static func value<Value: Decodable>(_ type: Value.Type) throws -> Value {
        switch type {
        case is String.Type: return "" as! Value
        case is Bool.Type: return false as! Value
        case is Double.Type: return 0.0 as! Value
        case is Int.Type: return 0 as! Value
        case is Int32.Type: return Int32(0) as! Value
        case is Int64.Type: return Int64(0) as! Value
        case is UInt64.Type: return UInt64(0) as! Value
        case is ClockRequest.Action.Type: return ClockRequest.Action.show as! Value
        case is Fault.Type: return Fault(.down) as! Value
        default: return try Value(from: Recorder())
        }
    }

    private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let recorder: Recorder
        var codingPath: [any CodingKey] { [] }
        /// A dictionary has one, so that its values are seen.
        var allKeys: [Key] { recorder.isMap ? [Key(stringValue: "any word at all")].compactMap { $0 } : [] }

        func contains(_: Key) -> Bool { true }
        func decodeNil(forKey _: Key) throws -> Bool { false }

        private func note<Value: Decodable>(_ type: Value.Type, _ key: Key, isRequired: Bool) throws -> Value {
            if recorder.isMap {
                recorder.mapValue = SchemaReader.schema(of: type)
            } else {
                recorder.properties[key.stringValue] = SchemaReader.schema(of: type)
                if isRequired { recorder.required.insert(key.stringValue) }
            }
            return try Recorder.value(type)
        }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            try note(type, key, isRequired: true)
        }

        func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
            try? note(type, key, isRequired: false) as Value
        }

        func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try note(type, key, isRequired: true) }
        func decode(_ type: String.Type, forKey key: Key) throws -> String { try note(type, key, isRequired: true) }
        func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try note(type, key, isRequired: true) }
        func decode(_ type: Float.Type, forKey key: Key) throws -> Float { throw Nothing() }
        func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try note(type, key, isRequired: true) }
        func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { throw Nothing() }
        func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { throw Nothing() }
        func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try note(type, key, isRequired: true) }
        func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try note(type, key, isRequired: true) }
        func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { throw Nothing() }
        func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { throw Nothing() }
        func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { throw Nothing() }
        func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { throw Nothing() }
        func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try note(type, key, isRequired: true) }

        func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
            try note(type, key, isRequired: false)
        }
        func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
            try note(type, key, isRequired: false)
        }
        func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
            try note(type, key, isRequired: false)
        }
        func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
            try note(type, key, isRequired: false)
        }
        func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? {
            try note(type, key, isRequired: false)
        }
        func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? {
            try note(type, key, isRequired: false)
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy _: Nested.Type, forKey _: Key
        ) throws -> KeyedDecodingContainer<Nested> { throw Nothing() }
        func nestedUnkeyedContainer(forKey _: Key) throws -> any UnkeyedDecodingContainer { throw Nothing() }
        func superDecoder() throws -> any Decoder { throw Nothing() }
        func superDecoder(forKey _: Key) throws -> any Decoder { throw Nothing() }
    }

    private struct List: UnkeyedDecodingContainer {
        let recorder: Recorder
        var codingPath: [any CodingKey] { [] }
        var count: Int? { 1 }
        var currentIndex = 0
        var isAtEnd: Bool { currentIndex > 0 }

        mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            currentIndex += 1
            recorder.item = SchemaReader.schema(of: type)
            return try Recorder.value(type)
        }

        mutating func decodeNil() throws -> Bool { false }
        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy _: Nested.Type
        ) throws -> KeyedDecodingContainer<Nested> { throw Nothing() }
        mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Nothing() }
        mutating func superDecoder() throws -> any Decoder { throw Nothing() }
    }
}
