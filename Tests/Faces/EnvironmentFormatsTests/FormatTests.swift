import BrokerModel
import Foundation
import Testing

@testable import EnvironmentFormats

/// Values that some reader of some format is known to get wrong.
private let awkward: [String: String] = [
    "T_EMPTY": "", "T_PLAIN": "redis://u-1:s_3cret@127.0.0.1:21000/0", "T_SPACE": "a b", "T_EDGES": " a ",
    "T_HASH": "a#b", "T_COMMENT": "a #b", "T_DOLLAR": "a$X", "T_BRACES": "a${X}b", "T_DOUBLE": "say \"x\"",
    "T_SINGLE": "it's", "T_BOTH": "it's \"x\"", "T_BACKSLASH": "a\\b", "T_BACKSLASHES": "a\\\\b", "T_LAST": "a\\",
    "T_ESCAPE": "a\\nb", "T_QUOTED": "a\\'b", "T_NEWLINE": "a\nb", "T_CR": "a\rb", "T_TAB": "a\tb", "T_TICK": "a`id`b",
    "T_PARENS": "$(id)", "T_BANG": "it's!", "T_TILDE": "~root", "T_LIST": "x:~root", "T_SEMICOLON": "a;b&c|d<e>f",
    "T_JSON": "{\"a\":\"b c\"}", "T_UNICODE": "grüße 🐈", "T_EQUALS": "=a=", "T_STAR": "* ? [a]",
    "T_EXPORT": "export A=b", "T_PERCENT": "%41",
]

/// Every ASCII character but NUL, one value each.
private let everyCharacter: [String: String] = Dictionary(
    uniqueKeysWithValues: (1...127).map { ("T_\($0)", "a\(Character(Unicode.Scalar(UInt8($0))))b") })

@Suite struct FormatTests {
    @Test(arguments: Reader.shells)
    func `sh is read back as it was, every character but NUL`(reader: Reader) throws {
        try #require(reader.isInstalled, "\(reader.name) is not installed")
        for variables in [awkward, everyCharacter] {
            #expect(try reader.read(ShellFormat.render(variables)) == variables)
        }
    }

    @Test(arguments: Reader.dotenv)
    func `dotenv is read back as it was, or refused`(reader: Reader) throws {
        try #require(reader.isInstalled, "\(reader.name) is not installed")
        for variables in [awkward, everyCharacter] {
            let writable = variables.filter { (try? DotenvFormat.render([$0.key: $0.value])) != nil }
            #expect(writable.count > variables.count / 2)
            #expect(try reader.read(DotenvFormat.render(writable)) == writable)
        }
    }

    @Test(arguments: ["T_BRACES", "T_BOTH", "T_NEWLINE", "T_CR", "T_BACKSLASHES", "T_LAST"])
    func `dotenv refuses what readers disagree about, and names the variable`(name: String) {
        let error = #expect(throws: BrokerError.self) { try DotenvFormat.render([name: awkward[name] ?? ""]) }
        #expect(error?.code == .unsupported)
        #expect(error?.what.contains(name) == true)
        #expect(error?.fix != nil)
    }

    @Test func `json is one flat object with sorted keys`() throws {
        let text = try JSONFormat.render(awkward)
        #expect(try JSONDecoder().decode([String: String].self, from: Data(text.utf8)) == awkward)
        #expect(try JSONFormat.render(["B": "2", "A": "/"]) == "{\n  \"A\" : \"/\",\n  \"B\" : \"2\"\n}\n")
    }

    @Test(arguments: EnvironmentFormats.all.map { $0.name })
    func `no format writes a NUL or a name that shells do not know`(name: String) throws {
        let format = try EnvironmentFormats.named(name)
        for variables in [["A": "a\0b"], ["a-b": "c"], ["1A": "b"], ["": "a"], ["A B": "c"]] {
            #expect(throws: BrokerError.self) { try format.render(variables) }
        }
    }

    @Test(arguments: EnvironmentFormats.all.map { $0.name })
    func `an error does not repeat the value`(name: String) throws {
        let format = try EnvironmentFormats.named(name)
        let error = #expect(throws: BrokerError.self) { try format.render(["A": "canary\0'\"${X}"]) }
        #expect(error.map { "\($0)".contains("canary") } == false)
    }

    @Test func `no variables make no lines`() throws {
        #expect(try ShellFormat.render([:]).isEmpty)
        #expect(try DotenvFormat.render([:]).isEmpty)
    }

    @Test func `every format file has its line in the list`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Sources/Faces/EnvironmentFormats").standardizedFileURL
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix("Format.swift") && $0 != "EnvironmentFormat.swift" }
            .map { $0.replacing(".swift", with: "") }
        let listed = EnvironmentFormats.all.map { "\($0)" }
        for file in files { #expect(listed.contains(file), "\(file) is not in EnvironmentFormats.all") }
        #expect(listed.count == files.count)
    }

    @Test func `an unknown format is refused with the ones there are`() {
        let error = #expect(throws: BrokerError.self) { try EnvironmentFormats.named("yaml") }
        #expect(error?.code == .invalidRequest)
        #expect(error?.why == "the formats are dotenv, json, sh")
    }
}
