/// The YAML that `stats` and `list` commands answer with: one dictionary of scalars, or one list of names.
public struct YAMLDocument {
    /// Without the CR LF that ends the reply.
    public private(set) var bytes: [UInt8]

    public init() {
        bytes = Array("---\n".utf8)
        bytes.reserveCapacity(1024)
    }

    public mutating func entry(_ key: StaticString, _ value: some BinaryInteger) {
        entry(key, String(value))
    }

    public mutating func entry(_ key: StaticString, _ value: String) {
        begin(key)
        bytes.append(contentsOf: value.utf8)
        bytes.append(0x0a)
    }

    public mutating func entry(_ key: StaticString, name: UnsafeRawBufferPointer) {
        begin(key)
        bytes.append(contentsOf: name)
        bytes.append(0x0a)
    }

    public mutating func item(name: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: "- ".utf8)
        bytes.append(contentsOf: name)
        bytes.append(0x0a)
    }

    private mutating func begin(_ key: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
        bytes.append(contentsOf: ": ".utf8)
    }
}
