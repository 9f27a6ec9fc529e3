import Foundation
import Processes

/// What makes a server read another time than this machine's: a library of a few lines, loaded in front of it. Linux only.
public enum ShiftedClock {
    /// The calls by which programs ask for the time of day; timers and time-outs run as ever.
    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <sys/time.h>
        #include <time.h>

        int gettimeofday(struct timeval *time, void *zone) {
            static int (*real)(struct timeval *, void *);
            if (!real) real = dlsym(RTLD_NEXT, "gettimeofday");
            int result = real(time, zone);
            if (time) time->tv_sec += AHEAD;
            return result;
        }

        int clock_gettime(clockid_t clock, struct timespec *time) {
            static int (*real)(clockid_t, struct timespec *);
            if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
            int result = real(clock, time);
            if (clock == CLOCK_REALTIME) time->tv_sec += AHEAD;
            return result;
        }

        time_t time(time_t *result) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (result) *result = now.tv_sec;
            return now.tv_sec;
        }
        """

    /// The environment of a server whose clock is ahead by so many seconds; the library is built in `folder`.
    public static func environment(
        ahead seconds: Int, in folder: TemporaryDirectory
    ) async throws -> [String: String] {
        let (file, library) = (folder.file("clock\(seconds).c"), folder.file("clock\(seconds).so"))
        try source.write(toFile: file, atomically: true, encoding: .utf8)
        var command = ProcessCommand(
            "cc", ["-shared", "-fPIC", "-DAHEAD=(\(seconds))", file, "-o", library, "-ldl"],
            environment: ProcessInfo.processInfo.environment, workingDirectory: folder.path)
        command.error = .append(path: folder.file("cc.log"))
        let compiler = try ChildProcess.spawn(command)
        guard await compiler.exit(within: .seconds(60)) == .code(0) else {
            let log = try? String(contentsOfFile: folder.file("cc.log"), encoding: .utf8)
            throw RealServer.Failure(description: "cc: \(log ?? "no end within 60 s")")
        }
        return ["LD_PRELOAD": library]
    }
}
