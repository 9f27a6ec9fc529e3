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
        let real = try RealBeanstalkd()
        let theirs = try TranscriptPlayer(
            transcript: transcript, server: SocketServer(port: real.port, drain: real.drain)
        ).play()
        check(theirs, "beanstalkd", transcript)

        let local = try await LocalQueue(driver)
        let ours = try TranscriptPlayer(
            transcript: transcript, server: SocketServer(port: local.port, drain: local.drain)
        ).play()
        await local.stop()
        check(ours, "the emulator", transcript)

        #expect(ours.count == theirs.count)
        for (our, their) in zip(ours, theirs) {
            let isSame = our.hasMask ? our.ending == their.ending : our.line == their.line
            #expect(isSame, "\(transcript.name):\(our.number): \(our.line.debugDescription)")
        }
    }
    #endif
}
