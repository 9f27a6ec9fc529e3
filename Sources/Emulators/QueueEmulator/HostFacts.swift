#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What `stats` says about the process and the machine.
public struct HostFacts: Sendable {
    public var processID: Int32
    public var hostname: String
    /// The kernel's version, as `uname -v`.
    public var system: String
    /// The machine's architecture, as `uname -m`.
    public var platform: String
    /// Processor time that the process has used, asked for anew by each `stats`.
    public var processorTime: @Sendable () -> ProcessorTime

    public init(
        processID: Int32, hostname: String, system: String, platform: String,
        processorTime: @escaping @Sendable () -> ProcessorTime
    ) {
        self.processID = processID
        self.hostname = hostname
        self.system = system
        self.platform = platform
        self.processorTime = processorTime
    }

    /// The facts of this process.
    public static func current() -> HostFacts {
        var names = utsname()
        uname(&names)
        return HostFacts(
            processID: getpid(), hostname: text(of: names.nodename), system: text(of: names.version),
            platform: text(of: names.machine), processorTime: { ProcessorTime.ofThisProcess() })
    }

    /// A C string in a fixed array.
    private static func text(of field: some Any) -> String {
        withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// Processor time in microseconds.
public struct ProcessorTime: Equatable, Sendable {
    public var user: Int
    public var system: Int

    public init(user: Int, system: Int) {
        self.user = user
        self.system = system
    }

    static func ofThisProcess() -> ProcessorTime {
        var usage = rusage()
        #if canImport(Glibc)
        getrusage(RUSAGE_SELF.rawValue, &usage)
        #else
        getrusage(RUSAGE_SELF, &usage)
        #endif
        return ProcessorTime(user: microseconds(usage.ru_utime), system: microseconds(usage.ru_stime))
    }

    private static func microseconds(_ time: timeval) -> Int {
        Int(time.tv_sec) * 1_000_000 + Int(time.tv_usec)
    }
}
