#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What becomes the descriptors 0, 1 and 2 of a child, and what of it is to be closed here.
struct Streams {
    /// In the order of the child's descriptors.
    private(set) var descriptors: [Int32] = [0, 1, 2]
    private var opened: [Int32] = []

    mutating func open(_ command: ProcessCommand) throws(SpawnError) {
        switch command.input {
        case .inherit: break
        case .null: descriptors[0] = try open("/dev/null", O_RDONLY)
        case .descriptor(let number): descriptors[0] = try copy(number)
        }
        descriptors[1] = try output(command.output, inherited: 1)
        descriptors[2] = try output(command.error, inherited: 2)
    }

    mutating func close() {
        for descriptor in opened { closeDescriptor(descriptor) }
        opened = []
    }

    private mutating func output(_ output: ProcessCommand.Output, inherited: Int32) throws(SpawnError) -> Int32 {
        switch output {
        case .inherit: inherited
        case .null: try open("/dev/null", O_WRONLY)
        case .append(let path): try open(path, O_WRONLY | O_APPEND | O_CREAT)
        case .descriptor(let number): try copy(number)
        }
    }

    private mutating func open(_ path: String, _ flags: Int32) throws(SpawnError) -> Int32 {
        try keep(openFile(path, flags | O_CLOEXEC), "open", path)
    }

    /// A copy above 2, so that the child's three descriptors can be set in any order.
    private mutating func copy(_ number: Int32) throws(SpawnError) -> Int32 {
        try keep(fcntl(number, F_DUPFD_CLOEXEC, 3), "copy", "descriptor \(number)")
    }

    private mutating func keep(_ result: Int32, _ call: String, _ subject: String) throws(SpawnError) -> Int32 {
        guard result >= 0 else { throw .failed(call: call, subject: subject, errno: errno) }
        opened.append(result)
        guard result < 3 else { return result }
        // This process runs without one of the three itself.
        return try copy(result)
    }
}

private func openFile(_ path: String, _ flags: Int32) -> Int32 { open(path, flags, 0o600) }
private func closeDescriptor(_ descriptor: Int32) { close(descriptor) }
