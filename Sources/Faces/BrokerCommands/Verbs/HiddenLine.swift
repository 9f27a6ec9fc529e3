#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Asks a person at a terminal for something that the terminal must not show.
enum HiddenLine {
    /// The line that was typed, without its end; nil where stdin is no terminal.
    ///
    /// As in getpass(3) the terminal's keys send no signals meanwhile: an end in between would leave it silent. A Ctrl-C
    /// in the line counts when the line ends.
    static func read(asking question: String) -> [UInt8]? {
        var former = termios()
        guard isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &former) == 0 else { return nil }
        var hidden = former
        hidden.c_lflag &= ~tcflag_t(ECHO | ISIG)
        // Before the question: what is typed at once, as by a program, would be shown and then thrown away.
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
        show(question)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &former)
            show("\n")
        }
        var line: [UInt8] = []
        var byte: UInt8 = 0
        let interrupt: UInt8 = 3
        while line.count <= 4096 {
            let count = systemRead(STDIN_FILENO, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1, byte != UInt8(ascii: "\n") else { break }
            line.append(byte)
        }
        guard !line.contains(interrupt) else {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &former)
            raise(SIGINT)
            return []
        }
        return line
    }

    private static func show(_ text: String) {
        var bytes = Array(text.utf8)
        _ = write(STDERR_FILENO, &bytes, bytes.count)
    }
}

/// The system's `read`, which the method of that name hides.
private func systemRead(_ descriptor: Int32, _ byte: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    read(descriptor, byte, count)
}
