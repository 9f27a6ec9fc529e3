extension QueueEmulator {
    /// A tube's jobs by their state; all 0 where there is no such tube.
    public func jobs(in tube: String) -> (ready: Int, reserved: Int, delayed: Int, buried: Int) {
        let found = Array(tube.utf8).withUnsafeBytes { engine.tubes.find($0) }
        guard let found else { return (0, 0, 0, 0) }
        return (found.ready.count, found.reserved, found.delayed.count, found.buried.count)
    }
}
