import EventLoop
import RDBWire
import RESPWire
import TestKit
import Testing

@testable import CacheEmulator

/// Images, branches, going back: what each sees is its own, and all memory comes back.
struct ImageTests {
    @Test func `a branch has what the image holds, and neither sees what the other writes`() {
        let source = EmulatorAtHand()
        source.run("SET a 1")
        source.run("RPUSH l x y")
        let image = source.emulator.image()
        let branch = EmulatorAtHand(from: image, beside: source)
        source.run("SET a 2")
        branch.run("RPUSH l z")
        branch.run("DEL a")
        #expect(source.run("GET a") == "$1\r\n2\r\n")
        #expect(source.run("LLEN l") == ":2\r\n")
        #expect(branch.run("EXISTS a") == ":0\r\n")
        #expect(branch.run("LRANGE l 0 -1") == "*3\r\n$1\r\nx\r\n$1\r\ny\r\n$1\r\nz\r\n")
        let other = EmulatorAtHand(from: image, beside: source)
        #expect(other.run("GET a") == "$1\r\n1\r\n")
        #expect(other.run("DBSIZE") == ":2\r\n")
        #expect(image.keys == 2)
    }

    @Test func `an image outlives its source, and the source's memory goes with the last one`() {
        var source: EmulatorAtHand? = EmulatorAtHand()
        source?.run("SET a \(String(repeating: "x", count: 100_000))")
        source?.run("HSET h f v")
        weak let memory = source?.emulator.memory
        var image = source?.emulator.image()
        var branch = image.flatMap { image in source.map { EmulatorAtHand(from: image, beside: $0) } }
        source = nil
        image = nil
        #expect(memory != nil)
        #expect(branch?.run("STRLEN a") == ":100000\r\n")
        var second = branch?.emulator.image()
        branch?.run("SET a short")
        #expect(branch?.run("HGET h f") == "$1\r\nv\r\n")
        branch = nil
        #expect(memory != nil)
        #expect(second?.keys == 2)
        second = nil
        #expect(memory == nil)
    }

    @Test func `a branch's memory is reckoned as that of a copy`() {
        let source = EmulatorAtHand()
        for number in 0..<2000 { source.run("SET key:\(number) \(String(repeating: "v", count: 200))") }
        let used = source.emulator.memory.inUse
        let branch = EmulatorAtHand(from: source.emulator.image(), beside: source)
        #expect(branch.emulator.memory.inUse == used)
        #expect(branch.emulator.memory.arena.used == 0)
        #expect(branch.emulator.usedMemory == used)
        for number in 0..<2000 { branch.run("DEL key:\(number)") }
        #expect(branch.emulator.memory.inUse <= branch.emulator.startMemory + 4096)
        branch.run("FLUSHALL")
        #expect(branch.emulator.memory.inUse == branch.emulator.startMemory)
        #expect(branch.emulator.memory.borrowed == 0)
        #expect(source.run("DBSIZE") == ":2000\r\n")
    }

    @Test func `a branch evicts what is the image's`() {
        let source = EmulatorAtHand()
        for number in 0..<500 { source.run("SET key:\(number) \(String(repeating: "v", count: 200))") }
        let branch = EmulatorAtHand(from: source.emulator.image(), beside: source)
        branch.run("CONFIG SET maxmemory-policy allkeys-random")
        branch.run("CONFIG SET maxmemory \(branch.emulator.memory.inUse)")
        for number in 0..<1000 { branch.run("SET other:\(number) \(String(repeating: "v", count: 200))") }
        #expect(branch.emulator.statistics.evictedKeys > 500)
        #expect(branch.emulator.memory.inUse <= branch.emulator.limit.bytes + 8192)
        #expect(source.run("DBSIZE") == ":500\r\n")
        branch.run("FLUSHALL")
        #expect(branch.emulator.memory.inUse == branch.emulator.startMemory)
    }

    @Test func `a key that has ended in one branch ends by itself in others`() {
        let source = EmulatorAtHand()
        for number in 0..<8 { source.run("SET key:\(number) v PX \(1000 + number * 1000)") }
        let image = source.emulator.image()
        let early = EmulatorAtHand(from: image, beside: source)
        let late = EmulatorAtHand(from: image, beside: source)
        early.emulator.advanceTime(by: 5500)
        _ = early.emulator.databases[0].expireDue(budget: 1 << 20)
        #expect(early.emulator.databases[0].count == 3)
        #expect(late.emulator.databases[0].count == 8)
        late.emulator.advanceTime(by: 5500)
        late.emulator.readClock()
        _ = late.emulator.databases[0].expireDue(budget: 1 << 20)
        #expect(late.emulator.databases[0].count == 3)
        #expect(source.emulator.databases[0].count == 8)
    }

    @Test func `libraries of functions are the image's, and a reset forgets them`() throws {
        let source = EmulatorAtHand()
        let code = "#!lua name=lib\nredis.register_function('f', function() return 7 end)"
        source.run(["FUNCTION", "LOAD", code].map { Array($0.utf8) })
        let image = source.emulator.image()
        let branch = EmulatorAtHand(from: image, beside: source)
        #expect(branch.run("FCALL f 0") == ":7\r\n")
        try branch.emulator.reset()
        #expect(branch.run("FUNCTION LIST") == "*0\r\n")
        try branch.emulator.restore(image)
        #expect(branch.run("FCALL f 0") == ":7\r\n")
        #expect(branch.run("EVAL return(1) 0") == ":1\r\n")
    }

    @Test func `a cache goes back to its own image as often as one likes`() throws {
        let engine = EmulatorAtHand()
        engine.run("SET a 1")
        let image = engine.emulator.image()
        for number in 0..<20 {
            engine.run("SET a 2")
            engine.run("SET b\(number) 2")
            try engine.emulator.restore(image)
            #expect(engine.run("GET a") == "$1\r\n1\r\n")
            #expect(engine.run("DBSIZE") == ":1\r\n")
        }
        #expect(engine.emulator.origin === image)
        try engine.emulator.reset()
        #expect(engine.run("DBSIZE") == ":0\r\n")
        #expect(engine.emulator.origin == nil)
    }

    @Test func `whoever watches, tracks or waits is told`() throws {
        let engine = EmulatorAtHand()
        engine.run("RPUSH l x")
        engine.run("SET w 1")
        let image = engine.emulator.image()
        engine.run("FLUSHALL")
        engine.run("WATCH w")
        #expect(engine.run("BLPOP nothing other l 0") == "")
        try engine.emulator.restore(image)
        #expect(engine.reply(toWaiting: 0) == "*2\r\n$1\r\nl\r\n$1\r\nx\r\n")
        engine.run("WATCH w")
        engine.run("MULTI")
        engine.run("GET w")
        try engine.emulator.restore(image)
        #expect(engine.run("EXEC") == "*-1\r\n")
        #expect(engine.run("BLPOP none 0") == "")
        try engine.emulator.reset()
        #expect(engine.reply(toWaiting: 1) == "", "it waits on")
        engine.run("RPUSH none y")
        #expect(engine.reply(toWaiting: 1) == "*2\r\n$4\r\nnone\r\n$1\r\ny\r\n")
    }

    @Test func `tracking clients are told as by FLUSHALL`() throws {
        let engine = EmulatorAtHand()
        engine.withClient { client in
            client.version = 3
            engine.emulator.startTracking(client, ClientTracking())
        }
        engine.run("SET a 1")
        engine.run("GET a")
        let image = engine.emulator.image()
        try engine.emulator.restore(image)
        #expect(engine.run("PING").contains(">2\r\n$10\r\ninvalidate\r\n_\r\n"))
    }

    @Test func `going back is refused to a cache that is followed or filled`() throws {
        let engine = EmulatorAtHand()
        let image = engine.emulator.image()
        let log = engine.emulator.openEffects(limit: 1 << 20)
        #expect(throws: CacheEmulator.BeginRefusal.followed) { try engine.emulator.restore(image) }
        try engine.emulator.restore(image, apartFrom: log)
        engine.run("SET a 1")
        try engine.emulator.reset()
        let told = log.take(.max).map { String(decoding: $0.bytes, as: UTF8.self) }.joined()
        #expect(told.hasSuffix("*1\r\n$8\r\nFLUSHALL\r\n"))
        engine.emulator.closeEffects(log)
        let intake = CommandIntake(into: engine.emulator)
        #expect(throws: CacheEmulator.BeginRefusal.filling) { try engine.emulator.reset() }
        #expect(throws: CacheEmulator.BeginRefusal.filling) { try engine.emulator.restore(image) }
        intake.close()
        try engine.emulator.restore(image)
    }

    @Test func `a snapshot that is read goes on while its cache begins anew`() throws {
        let engine = EmulatorAtHand()
        for number in 0..<500 { engine.run("SET key:\(number) v") }
        let snapshot = engine.emulator.snapshot()
        _ = snapshot.nextEntry()
        try engine.emulator.reset()
        engine.run("SET other v")
        var rest = 0
        while snapshot.nextEntry() != nil { rest += 1 }
        #expect(rest == 499)
        snapshot.close()
        #expect(engine.run("DBSIZE") == ":1\r\n")
    }

    /// The tree of emulators, images and snapshots that random steps have made, each with what it must hold.
    private struct Forest {
        var random: SeededRandom
        var writes: WriteCommands
        var engines: [(engine: EmulatorAtHand, contents: [String: Held])]
        var images: [(image: KeyspaceImage, contents: [String: Held])] = []
        var snapshots: [(snapshot: KeyspaceSnapshot, keys: Int)] = []
        var memories: [WeakMemory] = []

        init(seed: UInt64) {
            random = SeededRandom(seed: seed)
            writes = WriteCommands(seed: seed &+ 100, life: 50...60_000)
            engines = [(EmulatorAtHand(), [:])]
        }

        mutating func step() throws {
            let place = random.below(engines.count)
            let engine = engines[place].engine
            let image = images.isEmpty ? nil : images[random.below(images.count)]
            switch random.below(16) {
            case 0, 1: images.append((engine.emulator.image(), Self.contents(engine)))
            case 2, 3:
                if let image { engines.append((EmulatorAtHand(from: image.image, beside: engine), image.contents)) }
            case 4:
                if let image {
                    try engine.emulator.restore(image.image)
                    engines[place].contents = image.contents
                }
            case 5 where random.oneIn(3):
                try engine.emulator.reset()
                engines[place].contents = [:]
            case 6: snapshots.append((engine.emulator.snapshot(), engine.emulator.keyCounts.values.reduce(0, +)))
            case 7: if !snapshots.isEmpty { close(snapshots.remove(at: random.below(snapshots.count))) }
            case 8: if images.count > 3 { images.remove(at: random.below(images.count)) }
            case 9: if engines.count > 3 { engines.remove(at: random.below(engines.count)) }
            case 10: engine.time += Int64(random.below(2000))
            default:
                for _ in 0..<random.below(80) {
                    let command = writes.next()
                    if !command.isEmpty { engine.run(command) }
                }
                // Going back would serve them, which changes what is there.
                engine.forgetWaiting()
                engines[place].contents = Self.contents(engine)
            }
            for (engine, _) in engines { memories.append(WeakMemory(engine.emulator.memory)) }
            for (image, _) in images { memories.append(WeakMemory(image.memory)) }
        }

        private static func contents(_ engine: EmulatorAtHand) -> [String: Held] {
            engine.contents().mapValues { Held(value: $0.value, expiry: $0.expiry) }
        }

        private func close(_ open: (snapshot: KeyspaceSnapshot, keys: Int)) {
            var keys = 0
            while open.snapshot.nextEntry() != nil { keys += 1 }
            #expect(keys == open.keys)
            open.snapshot.close()
        }

        func check() {
            for (engine, contents) in engines {
                let now = engine.time
                let living = contents.filter { $0.value.expiry.map { $0 > now } ?? true }
                let found = Self.contents(engine)
                let others = Set(found.keys).union(living.keys).filter { found[$0] != living[$0] }
                if !others.isEmpty { Issue.record("\(others.sorted()) are not what they were") }
            }
        }

        mutating func end() {
            while !snapshots.isEmpty { close(snapshots.remove(at: random.below(snapshots.count))) }
            while !images.isEmpty || !engines.isEmpty {
                check()
                if !images.isEmpty, random.oneIn(2) { images.remove(at: random.below(images.count)) }
                guard !engines.isEmpty, random.oneIn(2) else { continue }
                let engine = engines.remove(at: random.below(engines.count)).engine
                engine.run("FLUSHALL")
                while !engine.emulator.memory.freeDiscarded(1000) {}
                let memory = engine.emulator.memory
                #expect(memory.inUse == engine.emulator.startMemory)
                #expect(memory.borrowed == 0)
                if !memory.hasSnapshots { #expect(memory.arena.used == engine.emulator.startMemory) }
            }
            #expect(memories.allSatisfy { $0.memory == nil }, "a memory is left")
        }
    }

    private struct Held: Equatable {
        var value: RDBValue
        var expiry: Int64?
    }

    private struct WeakMemory {
        weak var memory: Memory?

        init(_ memory: Memory) { self.memory = memory }
    }

    @Test(arguments: 1...12) func `random images, branches and writes never meet`(seed: UInt64) throws {
        var forest = Forest(seed: seed)
        for _ in 0..<250 {
            try forest.step()
            forest.check()
        }
        forest.end()
    }

    @Test func `what it takes`() throws {
        let engine = EmulatorAtHand()
        let value = [UInt8](repeating: 118, count: 1000)
        for number in 0..<100_000 { engine.run([Array("SET".utf8), Array("key:\(number)".utf8), value]) }
        var image: KeyspaceImage?
        var branch: EmulatorAtHand?
        let whole = ContinuousClock().measure {
            let taken = engine.emulator.image()
            branch = EmulatorAtHand(from: taken, beside: engine)
            image = taken
        }
        let back = try ContinuousClock().measure { try engine.emulator.restore(#require(image)) }
        let writes = ContinuousClock().measure {
            for number in 0..<1000 { branch?.run([Array("SET".utf8), Array("key:\(number)".utf8), value]) }
        }
        let few = EmulatorAtHand()
        for number in 0..<10_000 { few.run([Array("SET".utf8), Array("key:\(number)".utf8), value]) }
        let reset = try ContinuousClock().measure { try few.emulator.reset() }
        print(
            "image and branch of \(engine.emulator.usedMemory) bytes: \(whole); restore: \(back);",
            "1000 writes to the branch: \(writes); reset of 10,000 keys: \(reset)")
        #expect(branch?.run("DBSIZE") == ":100000\r\n")
    }
}
