import BeanstalkWire

/// Which body carries out which command. The bodies stand by family in the files beside this one.
extension QueueSession {
    func perform(_ command: Command) {
        emulator.commandCounts.count(command.name)
        switch command {
        case .put(let header): put(header)
        case .oversizedPut: putOversized()
        case .use(let tube): use(tube)

        case .reserve: reserve(seconds: nil)
        case .reserveWithTimeout(let seconds): reserve(seconds: seconds < 0 ? nil : UInt64(seconds))
        case .reserveJob(let id): reserveJob(id)
        case .delete(let id): delete(id)
        case .release(let id, let priority, let delay): release(id, priority: priority, delay: delay)
        case .bury(let id, let priority): bury(id, priority: priority)
        case .touch(let id): touch(id)
        case .watch(let tube): watch(tube)
        case .ignore(let tube): ignore(tube)

        case .peek(let id): peek(engine.jobs[id])
        case .peekReady: peek(client.used.ready.first)
        case .peekDelayed: peek(client.used.delayed.first)
        case .peekBuried: peek(client.used.buried.first)
        case .kick(let bound): kick(bound)
        case .kickJob(let id): kickJob(id)
        case .pauseTube(let tube, let seconds): pauseTube(tube, seconds: seconds)

        case .stats: stats()
        case .statsJob(let id): statsJob(id)
        case .statsTube(let tube): statsTube(tube)
        case .listTubes: listTubes()
        case .listTubeUsed: listTubeUsed()
        case .listTubesWatched: listTubesWatched()
        case .quit: quit()
        }
    }
}
