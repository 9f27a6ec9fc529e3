/// Carries a value that belongs to a loop through code that runs elsewhere; only the loop can open it.
///
/// Safety of `@unchecked Sendable`: the value is read in one place, which stops the program off the loop's thread.
public struct LoopBound<Value>: @unchecked Sendable {
    private let stored: Value
    private let loop: any EventLoop

    public init(_ value: Value, on loop: any EventLoop) {
        self.stored = value
        self.loop = loop
    }

    public var value: Value {
        precondition(loop.isCurrent, "a loop's value was opened off its loop")
        return stored
    }
}
