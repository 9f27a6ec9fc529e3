/// A program to start, and what it is started with.
package struct ProcessCommand: Sendable {
    /// A name that is looked up on the environment's PATH, or a path (anything with a `/`).
    package var program: String
    /// Without the program's name in front.
    package var arguments: [String]
    /// All of the child's environment; nothing is inherited beside it.
    package var environment: [String: String]
    /// Nil is this process's own. The program and the files of the streams are looked up before it is entered.
    package var workingDirectory: String?
    package var input: Input = .null
    package var output: Output = .inherit
    package var error: Output = .inherit
    /// Whether the child leads a session of its own: signals of the terminal do not reach it.
    package var newSession = false
    /// Whether signals that this process ignores (`nohup`) are ignored by the child too. SIGPIPE never is.
    package var keepsIgnoredSignals = false
    /// Whether descriptors from 3 on that this process was given without close-on-exec reach the child too: a shell's
    /// `<(…)`, make's jobserver, a supervisor's sockets.
    package var keepsDescriptors = false

    package init(
        _ program: String, _ arguments: [String] = [], environment: [String: String],
        workingDirectory: String? = nil
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
    }

    /// Where the child reads from.
    package enum Input: Sendable {
        case inherit
        case null
        /// Stays open in this process.
        case descriptor(Int32)
    }

    /// Where the child writes to.
    package enum Output: Sendable {
        case inherit
        case null
        /// A file, made with mode 0600 when it is missing.
        case append(path: String)
        /// Stays open in this process.
        case descriptor(Int32)
    }
}
