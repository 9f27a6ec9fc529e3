import EventLoop
import Synchronization
import TestKit
import Testing

@Suite struct SmallPartsTests {
    @Test func `addresses and failures read as one writes them`() {
        let ip4 = SocketAddress.tcp(host: "127.0.0.1", port: 21000)
        #expect(ip4.description == "127.0.0.1:21000")
        #expect(SocketAddress.tcp(host: "::1", port: 21000).description == "[::1]:21000")
        #expect(SocketAddress.unix(path: "/run/a.sock").description == "/run/a.sock")
        let error = SocketError(call: "bind", address: ip4, errno: addressInUse, reason: "Address already in use")
        #expect(error.description == "bind 127.0.0.1:21000: Address already in use")
    }

    @Test func `durations become nanoseconds that saturate`() {
        #expect(Duration.milliseconds(3).nanoseconds == 3_000_000)
        #expect(Duration.zero.nanoseconds == 0)
        #expect(Duration.seconds(-1).nanoseconds == 0)
        #expect(Duration.nanoseconds(-1).nanoseconds == 0)
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect((Duration.seconds(18_446_744_073) + .milliseconds(999)).nanoseconds == .max)
        #expect(UInt64.max.saturatingAdd(1) == .max)
        #expect((1 as UInt64).saturatingAdd(2) == 3)
    }

    @Test func `an inbox asks for one wake-up, keeps the order and closes with what it has accepted`() {
        let inbox = Inbox()
        let log = EventLog()
        #expect(inbox.onEnd { log.add(.note("ended")) })
        #expect(inbox.add { log.add(.note("1")) } == .first)
        #expect(inbox.add { log.add(.note("2")) } == .more)
        for work in inbox.takeAll() { work() }
        #expect(inbox.add { log.add(.note("3")) } == .first)
        for work in inbox.close() { work() }
        #expect(inbox.takeAll().isEmpty)
        #expect(inbox.add {} == .refused)
        #expect(inbox.onEnd { log.add(.note("ended too")) })
        inbox.announceEnd()
        #expect(!inbox.onEnd {})
        #expect(log.events == ["1", "2", "3", "ended", "ended too"].map { .note($0) })
    }

    @Test func `a loop's value opened off its loop stops the program`() async {
        await #expect(processExitsWith: .failure) {
            let loop = try #require(LoopUnderTest.allCases.first).make()
            let bound = LoopBound(1, on: loop)
            _ = bound.value
        }
    }
}
