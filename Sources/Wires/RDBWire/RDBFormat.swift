/// The numbers of the format: versions, opcodes, and the special encodings of strings.
public enum RDBFormat {
    /// What Redis 7.0 writes, and we.
    public static let writtenVersion = 10
    /// What Redis 7.2 writes; it differs from version 10 in the types 20 and 21 only.
    public static let newestReadable = 11

    enum Opcode {
        static let slotSizes: UInt8 = 244
        static let function: UInt8 = 245
        static let prereleaseFunction: UInt8 = 246
        static let moduleAuxiliary: UInt8 = 247
        static let idle: UInt8 = 248
        static let frequency: UInt8 = 249
        static let auxiliary: UInt8 = 250
        static let sizes: UInt8 = 251
        static let expiryMilliseconds: UInt8 = 252
        static let expirySeconds: UInt8 = 253
        static let selectDatabase: UInt8 = 254
        static let end: UInt8 = 255
    }

    /// The lower six bits of a string's first byte where its upper two are set.
    enum StringEncoding {
        static let int8: UInt64 = 0
        static let int16: UInt64 = 1
        static let int32: UInt64 = 2
        static let lzf: UInt64 = 3
    }

    /// What a module's data is made of.
    enum ModuleOpcode {
        static let end: UInt64 = 0
        static let signed: UInt64 = 1
        static let unsigned: UInt64 = 2
        static let float: UInt64 = 3
        static let double: UInt64 = 4
        static let string: UInt64 = 5
    }

    /// How a node of a quicklist of version 2 holds its elements.
    enum ListContainer {
        static let plain: UInt64 = 1
        static let packed: UInt64 = 2
    }
}

/// The first byte of a payload: what the value is, and in which encoding its body comes.
public enum RDBType: UInt8, Sendable {
    case string = 0
    case list = 1
    case set = 2
    /// Scores as text.
    case sortedSet = 3
    case hash = 4
    /// Scores as binary doubles.
    case sortedSet2 = 5
    case module = 6
    case module2 = 7
    case hashZipmap = 9
    case listZiplist = 10
    case setIntset = 11
    case sortedSetZiplist = 12
    case hashZiplist = 13
    /// A quicklist of ziplists.
    case listQuicklist = 14
    case streamListpacks = 15
    case hashListpack = 16
    case sortedSetListpack = 17
    /// A quicklist of listpacks and plain nodes.
    case listQuicklist2 = 18
    /// With the first id, the largest deleted id and the number of entries ever added.
    case streamListpacks2 = 19
    case setListpack = 20
    /// With the time at which a consumer was last active.
    case streamListpacks3 = 21
}
