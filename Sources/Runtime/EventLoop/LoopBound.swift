/// Carries a value that belongs to a loop through code that runs elsewhere; only the loop can open it.
///
/// Safety of `@unchecked Sendable`: the value is made and read in one place each, on the loop's thread or not at all.
public struct LoopBound<Value>: @unchecked Sendable {
    private final class Place {
        var value: Value?

        init(_ value: Value?) {
            self.value = value
        }
    }

    private let place: Place
    private let loop: any EventLoop

    public init(_ value: Value, on loop: any EventLoop) {
        place = Place(value)
        self.loop = loop
    }

    /// Has the loop make the value. Nobody waits for it: whatever is posted after this finds it made. Nil where the loop
    /// has stopped.
    public init?(madeOn loop: any EventLoop, _ make: @escaping @Sendable () -> Value) {
        place = Place(nil)
        self.loop = loop
        let bound = self
        guard loop.post({ bound.place.value = make() }) else { return nil }
    }

    public var value: Value {
        precondition(loop.isCurrent, "a loop's value was opened off its loop")
        guard let value = place.value else { preconditionFailure("a loop's value was opened before it was made") }
        return value
    }
}
