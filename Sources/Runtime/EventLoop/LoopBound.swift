/// Carries a value that belongs to a loop through code that runs elsewhere; only the loop can open it.
///
/// Safety of `@unchecked Sendable`: the value is made, or handed over by who has made it, read and let go in one
/// place each, on the loop's thread.
public struct LoopBound<Value>: @unchecked Sendable {
    private final class Place {
        var value: Value?
        let loop: any EventLoop

        init(_ value: Value?, _ loop: any EventLoop) {
            self.value = value
            self.loop = loop
        }

        deinit {
            guard value != nil, !loop.isCurrent else { return }
            // What it does as it goes belongs to the loop as well. The loop empties it: whoever posts may be its last owner.
            let rest = Rest(value)
            value = nil
            loop.post { rest.value = nil }
        }
    }

    /// Safety of `@unchecked Sendable`: touched by the loop alone from its making on, or by nobody.
    private final class Rest: @unchecked Sendable {
        var value: Value?

        init(_ value: Value?) {
            self.value = value
        }
    }

    private let place: Place

    public init(_ value: Value, on loop: any EventLoop) {
        place = Place(value, loop)
    }

    /// Has the loop make the value. Nobody waits for it: whatever is posted after this by `post`, which
    /// keeps the order, finds it made. Nil where the loop has stopped.
    public init?(madeOn loop: any EventLoop, _ make: @escaping @Sendable () -> Value) {
        place = Place(nil, loop)
        let bound = self
        guard loop.post({ bound.place.value = make() }) else { return nil }
    }

    public var value: Value {
        precondition(place.loop.isCurrent, "a loop's value was opened off its loop")
        guard let value = place.value else { preconditionFailure("a loop's value was opened before it was made") }
        return value
    }
}
