extension RDBStream {
    /// Some consecutive entries as Redis keeps them: a listpack, deleted entries included. Who keeps streams in such nodes
    /// hands them over without taking them apart.
    public struct Node: Equatable, Sendable {
        /// Of the first entry.
        public let master: ID
        /// The whole listpack.
        let listpack: [UInt8]

        init(master: ID, listpack: [UInt8]) {
            self.master = master
            self.listpack = listpack
        }

        /// `elements` are those behind the numbers of live and deleted entries; `elementCount` counts these two too.
        public init(master: ID, live: Int, deleted: Int, elementCount: Int, elements: UnsafeRawBufferPointer) {
            var builder = ListpackBuilder()
            builder.append(Int64(live))
            builder.append(Int64(deleted))
            builder.append(encoded: elements, count: elementCount - 2)
            self.init(master: master, listpack: builder.finish())
        }

        /// Calls `body` with the elements behind the numbers of live and deleted entries, and how many they are.
        public func withElements<Result>(_ body: (UnsafeRawBufferPointer, _ count: Int) -> Result) -> Result {
            listpack.withUnsafeBytes { bytes in
                var offset = ListpackIterator.headerSize
                // Of a listpack that has been read to its end: both numbers are there.
                for _ in 0..<2 { offset += Self.integerSize(bytes[offset]) }
                var count = -2
                if var iterator = try? ListpackIterator(bytes.bindMemory(to: UInt8.self)) {
                    while (try? iterator.next()) != nil { count += 1 }
                }
                return body(UnsafeRawBufferPointer(rebasing: bytes[offset..<(bytes.count - 1)]), count)
            }
        }

        /// What a number's element takes, by its first byte.
        private static func integerSize(_ first: UInt8) -> Int {
            switch first {
            case 0x00..<0x80: 2
            case 0xc0..<0xe0: 3
            case 0xf1: 4
            case 0xf2: 5
            case 0xf3: 6
            default: 10
            }
        }
    }

    /// The nodes of a stream's payload, which `RDBValue.decode` has found to be right.
    public static func nodes(
        of payload: UnsafeRawBufferPointer, limits: RDBLimits = RDBLimits()
    ) throws(RDBError) -> [Node] {
        var cursor = ByteCursor(payload.bindMemory(to: UInt8.self))
        _ = try cursor.byte()
        var nodes: [Node] = []
        for _ in 0..<(try cursor.count(limits)) {
            let master = try cursor.withString(limits) { key throws(RDBError) in
                var key = ByteCursor(key)
                let milliseconds = try key.big(UInt64.self)
                return ID(milliseconds, try key.big(UInt64.self))
            }
            nodes.append(Node(master: master, listpack: try cursor.string(limits)))
        }
        return nodes
    }
}
