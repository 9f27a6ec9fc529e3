#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What a short-lived program printed, and how it ended.
package struct ProgramOutput: Sendable {
    package let status: ExitStatus
    /// Standard output and standard error, as they came; cut off at the limit.
    package let text: String

    /// Runs `command` to its end; one that runs longer than `timeout` is killed. What others, which it has started, would
    /// still print after that is not waited for.
    package static func collect(
        _ command: ProcessCommand, atMost limit: Int = 16 << 10, within timeout: Duration
    ) async throws(SpawnError) -> ProgramOutput {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .failed(call: "pipe", subject: command.program, errno: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var command = command
        command.output = .descriptor(ends[1])
        command.error = .descriptor(ends[1])
        let child: ChildProcess
        do throws(SpawnError) {
            child = try ChildProcess.spawn(command)
        } catch {
            for end in ends { close(end) }
            throw error
        }
        close(ends[1])
        let source = ends[0]
        async let text = read(source, atMost: limit, until: .now + timeout)
        let status =
            if let status = await child.exit(within: timeout) { status } else { await child.terminate(grace: .zero) }
        return ProgramOutput(status: status, text: await text)
    }

    /// Reads until nobody writes any more, the limit is reached or the time is over, and closes the pipe.
    private static func read(
        _ descriptor: Int32, atMost limit: Int, until deadline: ContinuousClock.Instant
    ) async -> String {
        await withCheckedContinuation { continuation in
            DetachedThread.run {
                var bytes: [UInt8] = []
                while bytes.count < limit, isReadable(descriptor, until: deadline) {
                    let part = readPart(descriptor)
                    if part.isEmpty { break }
                    bytes += part
                }
                close(descriptor)
                continuation.resume(returning: String(decoding: bytes.prefix(limit), as: UTF8.self))
            }
        }
    }
}

private func isReadable(_ descriptor: Int32, until deadline: ContinuousClock.Instant) -> Bool {
    while true {
        let left = max((deadline - .now) / .milliseconds(1), 0)
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let result = poll(&entry, 1, Int32(min(left.rounded(.up), 60_000)))
        if result > 0 { return true }
        if result < 0, errno != EINTR { return false }
        if left <= 0 { return false }
    }
}

private func readPart(_ descriptor: Int32) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        return Array(buffer.prefix(max(count, 0)))
    }
}
