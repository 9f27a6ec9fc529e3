import Testing

extension Step {
    /// EVAL of a script, with one key and two arguments unless others are named.
    static func eval(_ script: String, _ rest: String = "1 k a1 a2", command: String = "EVAL") -> Step {
        Step("\(command) \(quoted(script)) \(rest)")
    }

    /// A word as a command line has it.
    static func quoted(_ text: String) -> String {
        var line = "\""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): line += "\\" + String(UnicodeScalar(byte))
            case 32..<127: line += String(UnicodeScalar(byte))
            default:
                let digits = String(byte, radix: 16)
                line += "\\x" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return line + "\""
    }
}

/// Runs the scripts one after the other on both servers.
func compareScripts(_ scripts: [String], sourceLocation: SourceLocation = #_sourceLocation) throws {
    try compare(scripts.map { Step.eval($0) }, sourceLocation: sourceLocation)
}
