/// Fills a server with values of all types, of sizes on both sides of every threshold.
struct RandomDatabase {
    private var random: RandomNumbers
    private var commands: [[[UInt8]]] = []
    private var keys = 0

    init(seed: UInt64) {
        random = RandomNumbers(seed: seed)
    }

    /// The commands of `databases`, with `rounds` values of each kind.
    mutating func build(databases: [Int], rounds: Int) -> [[[UInt8]]] {
        for database in databases {
            add(["SELECT", "\(database)"])
            for _ in 0..<rounds {
                addString()
                addList()
                addSet()
                addHash()
                addSortedSet()
                addStream()
            }
        }
        return commands
    }

    private mutating func add(_ words: [String]) {
        commands.append(words.map(\.bytes))
    }

    private mutating func add(_ name: String, _ key: [UInt8], _ words: [[UInt8]]) {
        commands.append([name.bytes, key] + words)
    }

    /// What the key begins with says how exactly its bytes are known: `=` to the byte, `~` by their meaning.
    private mutating func key(_ kind: String, isExact: Bool) -> [UInt8] {
        keys += 1
        var key = "\(isExact ? "=" : "~")\(kind):\(keys)".bytes
        if random.once(in: 8) { key += random.bytes(random.number(0...300)) }
        return key
    }

    private mutating func maybeExpire(_ key: [UInt8]) {
        guard random.once(in: 3) else { return }
        add("PEXPIREAT", key, ["\(4_000_000_000_000 + random.number(0...1_000_000))".bytes])
    }

    private mutating func addString() {
        let key = key("string", isExact: true)
        switch random.number(0...3) {
        case 0: add("SET", key, ["\(random.integer())".bytes])
        case 1: add("APPEND", key, [random.bytes(random.number(1...12))])
        default: add("SET", key, [random.bytes(random.once(in: 10) ? 100_000 : random.length())])
        }
        maybeExpire(key)
    }

    private mutating func addList() {
        let count = random.pick([1, 2, 10, 100, 500, 3000])
        let isExact = !random.once(in: 4)
        let key = key("list", isExact: isExact)
        for _ in 0..<count {
            let element = count > 100 ? random.bytes(random.number(0...40)) : random.bytes(random.length())
            add(isExact || random.once(in: 2) ? "RPUSH" : "LPUSH", key, [element])
        }
        if !isExact { add("LREM", key, ["1".bytes, random.bytes(3)]) }
        maybeExpire(key)
    }

    private mutating func addSet() {
        let isOfIntegers = !random.once(in: 3)
        let count = random.pick([1, 3, 100, 511, 512, 513, 700])
        // 513 random integers may be fewer, and are a set of integers then.
        let key = key("set", isExact: isOfIntegers && count <= 512)
        let width = Int64(1) << Int64(random.pick([7, 14, 15, 16, 30, 31, 32, 60]))
        for _ in 0..<count {
            let member =
                isOfIntegers
                ? "\(Int64.random(in: -width...width, using: &random))".bytes : random.bytes(random.length())
            add("SADD", key, [member])
        }
        maybeExpire(key)
    }

    private mutating func addHash() {
        let count = random.pick([1, 5, 127, 128, 129, 511, 512, 513])
        let hasLongValue = random.once(in: 3)
        let key = key("hash", isExact: count <= 512 && !hasLongValue)
        for index in 0..<count {
            let name = random.once(in: 2) ? "\(index)".bytes : "field-\(index)".bytes
            let longest = hasLongValue && index == 0 ? random.pick([65, 66, 1000]) : random.number(0...64)
            add("HSET", key, [name, Array(random.bytes(longest).prefix(longest))])
        }
        maybeExpire(key)
    }

    private mutating func addSortedSet() {
        let count = random.pick([1, 2, 60, 127, 128, 129, 400])
        let hasLongMember = random.once(in: 4)
        let key = key("zset", isExact: true)
        for index in 0..<count {
            let member =
                hasLongMember && index == 0 ? random.bytes(64) + [0] : "\(random.number(0...9))member-\(index)".bytes
            let score =
                switch random.number(0...6) {
                case 0: "inf"
                case 1: "-inf"
                case 2: "\(random.integer())"
                case 3: "\(random.number(-5...5))"
                case 4: "\(Double(random.integer()) * 1e-7)"
                case 5: "-0"
                default: "\(Double(bitPattern: random.next() & ~(1 << 62)))"
                }
            add("ZADD", key, [score.bytes, member])
        }
        maybeExpire(key)
    }

    private mutating func addStream() {
        let isExact = random.once(in: 2)
        let key = key("stream", isExact: isExact)
        let count = random.pick([0, 1, 5, 99, 100, 101, 250])
        if count == 0 {
            commands.append(["XGROUP".bytes, "CREATE".bytes, key, "only".bytes, "$".bytes, "MKSTREAM".bytes])
        }
        let names = (0...random.number(0...5)).map { "name-\($0)".bytes }
        var time = random.number(1...2_000_000_000_000)
        var sequence = random.number(0...70_000)
        var ids: [[UInt8]] = []
        for _ in 0..<count {
            time += random.once(in: 3) ? random.number(1...100_000) : 0
            sequence = random.once(in: 10) ? sequence + 100_000 : sequence + 1
            let id = "\(time)-\(sequence)".bytes
            var words = [id]
            let longest = random.once(in: 60) ? 6000 : 40
            if random.once(in: 5) {
                for _ in 0...random.number(0...3) {
                    words += [random.bytes(5), random.bytes(random.number(0...longest))]
                }
            } else {
                for name in names { words += [name, random.bytes(random.number(0...longest))] }
            }
            add("XADD", key, words)
            ids.append(id)
        }
        if !isExact, count > 0 {
            for _ in 0...random.number(0...count) { add("XDEL", key, [random.pick(ids)]) }
            if random.once(in: 3) { add("XTRIM", key, ["MAXLEN".bytes, "\(random.number(0...count))".bytes]) }
            if random.once(in: 3) {
                let last = "\(time + 5)-7".bytes
                add(
                    "XSETID", key, [last] + ["ENTRIESADDED", "\(count + 50)", "MAXDELETEDID", "\(time)-3"].map(\.bytes))
            }
        }
        if count > 0 { addGroups(key, ids) }
        maybeExpire(key)
    }

    private mutating func addGroups(_ key: [UInt8], _ ids: [[UInt8]]) {
        for index in 0..<random.number(0...3) {
            let group = "group-\(random.number(0...99))-\(index)".bytes
            let begin = random.pick(["0".bytes, "$".bytes, random.pick(ids)])
            commands.append(["XGROUP".bytes, "CREATE".bytes, key, group, begin])
            let readers = (0...random.number(0...4)).map { "reader-\($0)".bytes }
            for _ in 0...random.number(0...8) {
                commands.append(
                    ["XREADGROUP".bytes, "GROUP".bytes, group, random.pick(readers), "COUNT".bytes]
                        + ["\(random.number(1...20))".bytes, "STREAMS".bytes, key, ">".bytes])
            }
            for _ in 0...random.number(0...8) { commands.append(["XACK".bytes, key, group, random.pick(ids)]) }
            commands.append(
                ["XCLAIM".bytes, key, group, random.pick(readers), "0".bytes, random.pick(ids), "RETRYCOUNT".bytes]
                    + [
                        "\(random.number(0...100_000))".bytes, "TIME".bytes,
                        "\(random.number(0...2_000_000_000))".bytes,
                    ])
            commands.append(["XGROUP".bytes, "CREATECONSUMER".bytes, key, group, "idle".bytes])
            if random.once(in: 3) {
                commands.append(["XGROUP".bytes, "DELCONSUMER".bytes, key, group, random.pick(readers)])
            }
        }
    }
}
