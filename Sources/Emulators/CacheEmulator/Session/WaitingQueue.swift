/// Those who wait for one key, in the order in which they came: joining costs the same however many there are, leaving and
/// stepping on cost a search by halves.
struct WaitingQueue<Element: AnyObject> {
    private struct Place {
        let ticket: UInt64
        /// Nil where somebody has left.
        var element: Element?
    }

    /// By ticket; what stands in front of `head` is gone.
    private var places: [Place] = []
    private var head = 0
    private(set) var count = 0
    private var nextTicket: UInt64 = 0

    /// So few places are not tidied up.
    private static var few: Int { 32 }

    var isEmpty: Bool { count == 0 }

    /// Who has waited longest.
    var first: Element? { head < places.count ? places[head].element : nil }

    /// Who stands behind a ticket, or at the front for nil; nil at the end.
    func next(after ticket: UInt64?) -> (ticket: UInt64, element: Element)? {
        var index = ticket.map { place(from: $0 + 1) } ?? head
        while index < places.count {
            if let element = places[index].element { return (places[index].ticket, element) }
            index += 1
        }
        return nil
    }

    /// Puts somebody behind the others; returns the ticket that `remove` takes.
    mutating func append(_ element: Element) -> UInt64 {
        defer { nextTicket += 1 }
        places.append(Place(ticket: nextTicket, element: element))
        count += 1
        return nextTicket
    }

    /// Takes somebody out, wherever it stands. A ticket that is not here is ignored.
    mutating func remove(_ ticket: UInt64) {
        let index = place(from: ticket)
        guard index < places.count, places[index].ticket == ticket, places[index].element != nil else { return }
        places[index].element = nil
        count -= 1
        tidy()
    }

    /// The first place whose ticket is `ticket` or a later one.
    private func place(from ticket: UInt64) -> Int {
        var low = head
        var high = places.count
        while low < high {
            let middle = (low + high) / 2
            if places[middle].ticket < ticket { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The first stands at `head` again, and the places of those who have left are not many.
    private mutating func tidy() {
        while head < places.count, places[head].element == nil { head += 1 }
        guard places.count > Self.few, places.count > 2 * count else { return }
        places = places[head...].filter { $0.element != nil }
        head = 0
    }
}
