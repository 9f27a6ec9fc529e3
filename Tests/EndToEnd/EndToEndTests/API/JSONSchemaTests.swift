import Foundation
import Testing

/// The checker finds what it is there to find.
@Suite struct JSONSchemaTests {
    private func violations(_ schema: String, _ document: String) throws -> [String] {
        let read = { (text: String) in try JSONDecoder().decode(JSON.self, from: Data(text.utf8)) }
        return JSONSchema(schema: try read(schema)).violations(of: try read(document))
    }

    @Test(arguments: [
        (#"{"type":"string"}"#, #""a""#, "7"), (#"{"type":"string"}"#, #""""#, "null"),
        (#"{"type":"boolean"}"#, "true", "1"), (#"{"type":"integer"}"#, "1", "true"),
        (#"{"type":"integer"}"#, "7", "7.5"), (#"{"type":"number"}"#, "7.5", #""7""#),
        (#"{"type":["string","null"]}"#, "null", "7"), (#"{"type":"array","items":{"type":"string"}}"#, "[]", "{}"),
        (#"{"type":"array","items":{"type":"string"}}"#, #"["a"]"#, #"["a",1]"#),
        (#"{"type":"string","enum":["a","b"]}"#, #""b""#, #""c""#),
        (#"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}"#, #"{"a":1}"#, "{}"),
        (#"{"type":"object","properties":{"a":{"type":"integer"}}}"#, "{}", #"{"a":"b"}"#),
        (#"{"type":"object","properties":{"a":{"type":"integer"}}}"#, #"{"a":1}"#, #"{"a":1,"b":2}"#),
        (#"{"type":"object","additionalProperties":{"type":"integer"}}"#, #"{"x":1}"#, #"{"x":"y"}"#),
        (#"{"type":"object","minProperties":1,"maxProperties":1}"#, #"{"x":1}"#, #"{"x":1,"y":2}"#),
        (#"{"type":"object","minProperties":1,"maxProperties":1}"#, #"{"x":1}"#, "{}"),
        (#"{"anyOf":[{"type":"string"},{"type":"integer"}]}"#, "1", "true"),
        (#"{"type":"integer","minimum":1}"#, "1", "0"), (#"{"type":"integer","format":"int32"}"#, "7", "2147483648"),
        (#"{"type":"integer","format":"int64"}"#, "9223372036854775807", "9223372036854775808"),
        (#"{"type":"string","pattern":"^[a-z]{1,3}$"}"#, #""abc""#, #""abcd""#),
    ])
    func `a document that fits is told from one that does not`(schema: String, good: String, bad: String) throws {
        #expect(try violations(schema, good) == [])
        #expect(try !violations(schema, bad).isEmpty, "\(schema) takes \(bad)")
    }

    @Test func `a keyword and a format that the checker does not know are told`() throws {
        #expect(try violations(#"{"oneOf":[]}"#, "1") == [#"$: the schema's "oneOf" is not known"#])
        #expect(try violations(#"{"type":"integer","format":"int7"}"#, "1") == [#"$: the format "int7" is not known"#])
    }

    @Test func `the place of what is wrong is told`() throws {
        let schema = #"{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}}}}"#
        #expect(try violations(schema, #"{"a":[1,"x"]}"#) == [#"$.a[1]: text("x") is no integer"#])
    }
}
