extension Command {
    /// Reads what stands behind the command's word; nil when it is malformed. `put` is read by the decoder itself.
    init?(_ name: CommandName, _ line: LineArguments) {
        var arguments = line
        let command: Command? =
            switch name {
            case .put: nil
            case .use: arguments.lastTube().map { .use(tube: $0) }
            case .watch: arguments.lastTube().map { .watch(tube: $0) }
            case .ignore: arguments.lastTube().map { .ignore(tube: $0) }
            case .statsTube: arguments.lastTube().map { .statsTube(tube: $0) }
            case .reserve: arguments.isAtEnd ? .reserve : nil
            case .reserveWithTimeout: arguments.looseSigned32().map { .reserveWithTimeout(seconds: $0) }
            case .reserveJob: arguments.lastNumber().map { .reserveJob(id: $0) }
            case .delete: arguments.lastNumber().map { .delete(id: $0) }
            case .release: Self.release(&arguments)
            case .bury: Self.bury(&arguments)
            case .touch: arguments.lastNumber().map { .touch(id: $0) }
            case .peek: arguments.lastNumber().map { .peek(id: $0) }
            case .peekReady: arguments.isAtEnd ? .peekReady : nil
            case .peekDelayed: arguments.isAtEnd ? .peekDelayed : nil
            case .peekBuried: arguments.isAtEnd ? .peekBuried : nil
            case .kick: arguments.looseUnsigned32().map { .kick(bound: $0) }
            case .kickJob: arguments.lastNumber().map { .kickJob(id: $0) }
            case .stats: arguments.isAtEnd ? .stats : nil
            case .statsJob: arguments.lastNumber().map { .statsJob(id: $0) }
            case .listTubes: arguments.isAtEnd ? .listTubes : nil
            case .listTubeUsed: arguments.isAtEnd ? .listTubeUsed : nil
            case .listTubesWatched: arguments.isAtEnd ? .listTubesWatched : nil
            case .pauseTube: Self.pauseTube(&arguments)
            case .quit: .quit
            }
        guard let command else { return nil }
        self = command
    }

    private static func release(_ arguments: inout LineArguments) -> Command? {
        guard let id = arguments.number(upTo: .max), let priority = arguments.number32(),
            let delay = arguments.lastNumber32()
        else { return nil }
        return .release(id: id, priority: priority, delay: delay)
    }

    private static func bury(_ arguments: inout LineArguments) -> Command? {
        guard let id = arguments.number(upTo: .max), let priority = arguments.lastNumber32() else { return nil }
        return .bury(id: id, priority: priority)
    }

    private static func pauseTube(_ arguments: inout LineArguments) -> Command? {
        guard let tube = arguments.tubeWord(), let seconds = arguments.lastNumber32() else { return nil }
        return .pauseTube(tube: tube, seconds: seconds)
    }
}
