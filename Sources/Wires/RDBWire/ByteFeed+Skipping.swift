/// Passing over values without taking them apart, which needs no more than their lengths.
extension ByteFeed where Self: ~Copyable {
    mutating func skipString(_ limits: RDBLimits) throws(RDBError) {
        switch try stringHeader(limits) {
        case .plain(let count): try skip(count)
        case .integer: break
        case .compressed(let packed, _): try skip(packed)
        }
    }

    private mutating func skipStrings(_ count: Int, _ limits: RDBLimits) throws(RDBError) {
        for _ in 0..<count { try skipString(limits) }
    }

    /// The body of a value, behind its type.
    mutating func skipValue(_ type: RDBType, _ limits: RDBLimits) throws(RDBError) {
        switch type {
        case .string, .hashZipmap, .listZiplist, .setIntset, .sortedSetZiplist, .hashZiplist, .hashListpack,
            .sortedSetListpack, .setListpack:
            try skipString(limits)
        case .list, .set, .listQuicklist: try skipStrings(try count(limits), limits)
        case .hash:
            for _ in 0..<(try count(limits)) { try skipStrings(2, limits) }
        case .sortedSet:
            for _ in 0..<(try count(limits)) {
                try skipString(limits)
                let length = try byte()
                // 253 to 255 are not a number and the infinities.
                if length < 253 { try skip(Int(length)) }
            }
        case .sortedSet2:
            for _ in 0..<(try count(limits)) {
                try skipString(limits)
                try skip(8)
            }
        case .listQuicklist2:
            for _ in 0..<(try count(limits)) {
                _ = try length()
                try skipString(limits)
            }
        case .module: throw .unsupported("value of a module of the first format")
        case .module2:
            _ = try length()
            try skipModuleData(limits)
        case .streamListpacks, .streamListpacks2, .streamListpacks3: try skipStream(type, limits)
        }
    }

    /// What a module wrote, up to its end mark.
    mutating func skipModuleData(_ limits: RDBLimits) throws(RDBError) {
        while true {
            switch try length() {
            case RDBFormat.ModuleOpcode.end: return
            case RDBFormat.ModuleOpcode.signed, RDBFormat.ModuleOpcode.unsigned: _ = try length()
            case RDBFormat.ModuleOpcode.float: try skip(4)
            case RDBFormat.ModuleOpcode.double: try skip(8)
            case RDBFormat.ModuleOpcode.string: try skipString(limits)
            default: throw .malformed("data of a module")
            }
        }
    }

    private mutating func skipStream(_ type: RDBType, _ limits: RDBLimits) throws(RDBError) {
        for _ in 0..<(try count(limits)) { try skipStrings(2, limits) }
        // Length and last id; then first id, largest deleted id and the number of entries ever added.
        try skipLengths(type == .streamListpacks ? 3 : 8)
        for _ in 0..<(try count(limits)) {
            try skipString(limits)
            try skipLengths(type == .streamListpacks ? 2 : 3)
            for _ in 0..<(try count(limits)) {
                try skip(16 + 8)
                _ = try length()
            }
            for _ in 0..<(try count(limits)) {
                try skipString(limits)
                try skip(type == .streamListpacks3 ? 16 : 8)
                for _ in 0..<(try count(limits)) { try skip(16) }
            }
        }
    }

    private mutating func skipLengths(_ count: Int) throws(RDBError) {
        for _ in 0..<count { _ = try length() }
    }
}
