/// All tubes, jobs and clients of one queue, and what can be done with them. It knows no connection and no bytes.
///
/// Every job that becomes ready goes at once to a client that waits for it. Hence, between two calls, no tube that is
/// not paused has both a ready job and a waiting client, and nothing ever has to be searched for.
final class QueueEngine {
    static let second: UInt64 = 1_000_000_000

    let limits: QueueLimits
    let clock: QueueClock
    let startedAt: UInt64
    var tubes: TubeTable
    var jobs = JobTable()
    var totals = EngineTotals()
    /// While set, new jobs are refused.
    var isDraining = false

    /// Tubes and clients by the time at which they must act, or earlier: a later time is found when they are woken.
    var alarms = IndexedHeap<Sleeper>()
    /// When the clock's timer will call, and how to forget it.
    var timer: (time: UInt64, cancel: () -> Void)?

    private let defaultTube: Tube
    var lastJobID: UInt64 = 0
    /// Those who are connected.
    private(set) var clients: [UInt64: Client] = [:]
    private var lastClientNumber: UInt64 = 0
    private var lastSequence: UInt64 = 0

    init(limits: QueueLimits, clock: QueueClock) {
        self.limits = limits
        self.clock = clock
        startedAt = clock.now()
        var tubes = TubeTable()
        defaultTube = Array("default".utf8).withUnsafeBytes { tubes.findOrMake($0) }
        defaultTube.references = 1
        self.tubes = tubes
    }

    deinit {
        timer?.cancel()
    }

    var now: UInt64 { clock.now() }

    // MARK: clients

    func connect() -> Client {
        lastClientNumber += 1
        let client = Client(number: lastClientNumber, tube: defaultTube)
        clients[client.number] = client
        defaultTube.references += 2
        defaultTube.using += 1
        defaultTube.watching += 1
        totals.connections += 1
        totals.connectionsEver += 1
        return client
    }

    /// Takes a client out, once; its reservations go back to ready, in the order they were made.
    func disconnect(_ client: Client) {
        clients[client.number] = nil
        if let job = client.incoming {
            client.incoming = nil
            forget(job)
        }
        totals.connections -= 1
        if client.isProducer { totals.producers -= 1 }
        if client.isWorker { totals.workers -= 1 }
        stopWaiting(client)
        while let job = client.reserved.first {
            takeReserved(job, of: client)
            enqueue(job, after: 0)
        }
        alarms.remove(client)
        while !client.watched.isEmpty { unwatch(client, at: 0) }
        client.used.using -= 1
        release(client.used)
    }

    func use(_ name: UnsafeRawBufferPointer, by client: Client) {
        let tube = tubes.findOrMake(name)
        tube.references += 1
        tube.using += 1
        client.used.using -= 1
        release(client.used)
        client.used = tube
    }

    func watch(_ name: UnsafeRawBufferPointer, by client: Client) {
        let tube = tubes.findOrMake(name)
        guard !client.watched.contains(where: { $0.tube === tube }) else { return }
        tube.references += 1
        tube.watching += 1
        client.watched.append(Client.Watch(tube: tube))
    }

    /// False when it is the last tube that the client watches.
    func ignore(_ name: UnsafeRawBufferPointer, by client: Client) -> Bool {
        guard let tube = tubes.find(name), let index = client.watched.firstIndex(where: { $0.tube === tube }) else {
            return true
        }
        guard client.watched.count > 1 else { return false }
        unwatch(client, at: index)
        return true
    }

    /// The last watched tube takes the place of the one that is given up, as in 1.12.
    private func unwatch(_ client: Client, at index: Int) {
        let tube = client.watched[index].tube
        let last = client.watched.removeLast()
        if index < client.watched.count { client.watched[index] = last }
        tube.watching -= 1
        release(tube)
    }

    // MARK: tubes and jobs, as the topics need them

    /// Gives up one reference; the last one ends the tube.
    func release(_ tube: Tube) {
        tube.references -= 1
        guard tube.references == 0 else { return }
        alarms.remove(tube)
        tubes.remove(tube)
    }

    /// A new job in the table, its body still to come.
    func makeJob(_ tube: Tube, priority: UInt32, delay: UInt32, timeToRun: UInt32, bodySize: Int) -> Job {
        lastJobID += 1
        let job = Job(
            id: lastJobID, tube: tube, priority: priority, delay: delay, timeToRun: timeToRun, bodySize: bodySize,
            createdAt: now)
        tube.references += 1
        totals.memory += job.body.size
        jobs.insert(job)
        return job
    }

    /// Removes a job that stands in no heap or list.
    func forget(_ job: Job) {
        let tube = job.tube
        totals.memory -= job.body.size
        jobs.remove(job.id)
        release(tube)
    }

    /// Breaks the tie between equal deadlines: who came first.
    func nextSequence() -> UInt64 {
        lastSequence += 1
        return lastSequence
    }

    // MARK: alarms

    /// Makes sure that `sleeper` is woken when it must act. Being woken too early is harmless.
    func settle(_ sleeper: Sleeper) {
        guard let time = sleeper.wakeTime else { return }
        if sleeper.heapIndex < 0 {
            alarms.insert(sleeper, key: time)
        } else if time < alarms.key(of: sleeper) {
            alarms.move(sleeper, key: time)
        } else {
            return
        }
        arm()
    }

    /// Sets the clock's timer, unless it comes early enough already.
    func arm() {
        guard let time = alarms.firstKey else { return }
        if let timer {
            guard time < timer.time else { return }
            timer.cancel()
        }
        let now = now
        let clock = clock
        let token = clock.schedule(time > now ? time - now : 0) { [weak self] in
            guard let self else { return }
            timer = nil
            advance()
            arm()
        }
        timer = (time, { clock.cancel(token) })
    }
}
