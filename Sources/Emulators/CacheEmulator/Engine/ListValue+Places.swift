import RESPWire

/// Reading a list by place and in order.
extension ListValue {
    /// Where an element is: in which chunk, and where in it.
    struct Position {
        var chunk: Int
        var offset: Int
    }

    /// The chunk that holds element number `index`, which exists, and its number there; it walks from the nearer end.
    func chunkHolding(_ index: Int) -> (chunk: Int, inside: Int) {
        if index < count / 2 {
            var inside = index
            var number = 0
            while chunk(number).count <= inside {
                inside -= chunk(number).count
                number += 1
            }
            return (number, inside)
        }
        var behind = count
        var number = chunkCount - 1
        while behind - chunk(number).count > index {
            behind -= chunk(number).count
            number -= 1
        }
        return (number, index - (behind - chunk(number).count))
    }

    /// The place of element number `index`, which exists.
    func position(of index: Int) -> Position {
        let (number, inside) = chunkHolding(index)
        return Position(chunk: number, offset: chunk(number).offset(of: inside))
    }

    /// The place of the first element that equals `bytes`, or nil.
    func firstPosition(of bytes: Bytes) -> Position? {
        for number in 0..<chunkCount {
            let chunk = chunk(number)
            var offset = chunk.head
            while offset < chunk.tail {
                let (element, next) = chunk.element(at: offset)
                if element == bytes { return Position(chunk: number, offset: offset) }
                offset = next
            }
        }
        return nil
    }

    /// The element at a place.
    @inline(__always) func element(at position: Position) -> Bytes {
        chunk(position.chunk).element(at: position.offset).0
    }

    /// Calls `body` with the elements `from..<to`, all of which exist, until it returns false; in order, or from the
    /// last of them back.
    @inline(__always)
    func visit(from: Int, to: Int, reversed: Bool = false, while body: (Bytes) -> Bool) {
        guard from < to else { return }
        var rest = to - from
        let start = position(of: reversed ? to - 1 : from)
        var number = start.chunk
        var chunk = chunk(number)
        var offset = reversed ? chunk.element(at: start.offset).next : start.offset
        while true {
            if reversed {
                while rest > 0, offset > chunk.head {
                    offset = chunk.start(before: offset)
                    guard body(chunk.element(at: offset).0) else { return }
                    rest -= 1
                }
            } else {
                while rest > 0, offset < chunk.tail {
                    let (element, next) = chunk.element(at: offset)
                    guard body(element) else { return }
                    offset = next
                    rest -= 1
                }
            }
            guard rest > 0 else { return }
            number += reversed ? -1 : 1
            chunk = self.chunk(number)
            offset = reversed ? chunk.tail : chunk.head
        }
    }

    /// Calls `body` with the elements `from..<to`, all of which exist.
    @inline(__always) func forEach(from: Int, to: Int, reversed: Bool = false, _ body: (Bytes) -> Void) {
        visit(from: from, to: to, reversed: reversed) {
            body($0)
            return true
        }
    }
}
