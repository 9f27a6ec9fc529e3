import TestKit
import Testing

/// The transcripts, played against the emulator on a manual clock, against it over TCP, and against beanstalkd 1.12.
@Suite struct TranscriptTests {
    private func check(_ heard: [TranscriptPlayer.Heard], _ who: String, _ transcript: Transcript) {
        for line in heard where !line.isExpected {
            Issue.record("\(transcript.name):\(line.number): \(who) said \(line.line.debugDescription)")
        }
    }

    @Test func `there are transcripts`() {
        #expect(Transcript.all.count >= 10)
    }

    @Test(arguments: Transcript.all)
    func `the emulator answers as written`(_ transcript: Transcript) throws {
        check(try TranscriptPlayer(transcript: transcript, server: FakeServer()).play(), "the emulator", transcript)
    }

    #if os(Linux)
    @Test(.requires(.beanstalkd), arguments: Transcript.all, LoopUnderTest.allCases)
    func `the emulator over TCP and beanstalkd give the same replies`(
        _ transcript: Transcript, driver: LoopUnderTest
    ) async throws {
        let theirs = try playReal(transcript)
        check(theirs, "beanstalkd", transcript)

        let local = try await LocalQueue(driver)
        let ours = try play(transcript, at: SocketServer(port: local.port, drain: local.drain), "the emulator")
        await local.stop()
        check(ours, "the emulator", transcript)

        #expect(ours.count == theirs.count)
        for (our, their) in zip(ours, theirs) {
            let isSame = our.hasMask ? our.ending == their.ending : our.line == their.line
            #expect(isSame, "\(transcript.name):\(our.number): \(our.line.debugDescription)")
        }
    }

    /// beanstalkd now and then sleeps past the end of a delay, until somebody writes to it: then it is asked anew.
    private func playReal(_ transcript: Transcript) throws -> [TranscriptPlayer.Heard] {
        for _ in 0..<2 {
            let real = try RealBeanstalkd()
            let server = SocketServer(port: real.port, drain: real.drain)
            if let heard = try? play(transcript, at: server, "beanstalkd") { return heard }
        }
        let real = try RealBeanstalkd()
        return try play(transcript, at: SocketServer(port: real.port, drain: real.drain), "beanstalkd")
    }

    /// Where a reply does not come, whose it is is told.
    private func play(
        _ transcript: Transcript, at server: SocketServer, _ name: String
    ) throws -> [TranscriptPlayer.Heard] {
        do {
            return try TranscriptPlayer(transcript: transcript, server: server).play()
        } catch {
            throw SocketFailure("\(name), \(error)")
        }
    }
    #endif
}
