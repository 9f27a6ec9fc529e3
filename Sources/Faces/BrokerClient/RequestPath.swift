/// The path and query of a request, every part percent-encoded.
struct RequestPath: ExpressibleByArrayLiteral {
    /// As it goes into the URL.
    private(set) var text: String

    init(_ segments: [String]) {
        text = segments.map { "/" + Self.encoded($0) }.joined()
    }

    init(arrayLiteral segments: String...) {
        self.init(segments)
    }

    /// The path with one more query item; without a value it stays as it is.
    func query(_ name: String, _ value: String?) -> RequestPath {
        guard let value else { return self }
        var longer = self
        longer.text += "\(text.contains("?") ? "&" : "?")\(name)=\(Self.encoded(value))"
        return longer
    }

    /// RFC 3986: all but the unreserved characters as %XX.
    static func encoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"):
                encoded.append(Character(Unicode.Scalar(byte)))
            default:
                encoded += byte < 16 ? "%0" : "%"
                encoded += String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}
