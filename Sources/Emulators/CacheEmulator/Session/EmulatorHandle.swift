import EventLoop

/// Where what may outlive the emulator finds it: timers, and who writes files for it. Of the emulator's loop alone.
///
/// A weak reference would give the emulator a side table, through which each retain and release goes then: 6 % of a
/// command's time in a pipeline.
final class EmulatorHandle {
    /// Nil once it is gone. Safety of `unowned(unsafe)`: it takes itself out as it goes, on the loop that reads this.
    unowned(unsafe) var emulator: CacheEmulator?
}

extension CacheEmulator {
    /// Has the loop call `body` after so many nanoseconds, or in its next turn, unless the emulator is gone by then.
    @discardableResult
    func later(after delay: UInt64 = 0, _ body: @escaping (CacheEmulator) -> Void) -> TimerToken {
        loop.schedule(after: delay) { [handle] in
            if let emulator = handle.emulator { body(emulator) }
        }
    }
}
