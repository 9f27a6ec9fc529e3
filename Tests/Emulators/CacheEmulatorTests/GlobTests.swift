import RESPWire
import Testing

@testable import CacheEmulator

struct GlobTests {
    private static let cases: [(String, String, Bool)] = [
        ("", "", true), ("*", "", false), ("**", "", false), ("a*", "a", true), ("*", "abc", true), ("a*", "abc", true),
        ("a*c", "abc", true),
        ("a*d", "abc", false),
        ("?", "a", true), ("?", "", false), ("[ab]", "b", true), ("[^ab]", "b", false), ("[a-c]x", "bx", true),
        ("[c-a]x", "bx", true), ("\\*", "*", true), ("\\*", "a", false), ("*a*a*", "banana", true), ("[a", "a", true),
        ("a\\", "a\\", true), ("[\\]]", "]", true), ("**", "x", true), ("h[^e]llo", "hallo", true),
    ]

    @Test(arguments: cases) func `A pattern matches as Redis has it`(pattern: String, text: String, expected: Bool) {
        let matches = Array(pattern.utf8).withBytes { pattern in
            Array(text.utf8).withBytes { Glob.matches(pattern, $0) }
        }
        #expect(matches == expected)
    }
}
