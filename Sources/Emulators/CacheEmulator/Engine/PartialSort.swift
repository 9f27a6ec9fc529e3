/// Sorts so far that some places hold what they hold in the whole order; the others hold the rest, in no order.
///
/// Elements that are equal end where Redis leaves them, which takes the quicksort that it has: Bentley and McIlroy's, "Engineering
/// a Sort Function" (1993), without the parts that touch none of the places.
struct PartialSort<Element> {
    private let elements: UnsafeMutableBufferPointer<Element>
    private let wanted: ClosedRange<Int>
    /// Below, equal to or above 0 as the first is before, equal to or behind the second.
    private let compare: (Element, Element) -> Int

    static func sort(
        _ elements: inout [Element], wanted: ClosedRange<Int>, by compare: (Element, Element) -> Int
    ) {
        withoutActuallyEscaping(compare) { compare in
            elements.withUnsafeMutableBufferPointer { buffer in
                PartialSort(elements: buffer, wanted: wanted, compare: compare).sort(0, buffer.count)
            }
        }
    }

    private func order(_ a: Int, _ b: Int) -> Int { compare(elements[a], elements[b]) }

    private func median(_ a: Int, _ b: Int, _ c: Int) -> Int {
        if order(a, b) < 0 { return order(b, c) < 0 ? b : order(a, c) < 0 ? c : a }
        return order(b, c) > 0 ? b : order(a, c) < 0 ? a : c
    }

    private func swap(_ a: Int, _ b: Int, count: Int) {
        for index in 0..<max(count, 0) { elements.swapAt(a + index, b + index) }
    }

    /// The `count` elements from `start` on.
    private func sort(_ start: Int, _ count: Int) {
        var (start, count) = (start, count)
        while count >= 7 {
            let end = start + count
            elements.swapAt(start, pivot(start, count))
            // Equal ones gather at both ends: [start, left) and (right, end).
            var (left, low) = (start + 1, start + 1)
            var (high, right) = (end - 1, end - 1)
            while true {
                while low <= high {
                    let place = order(low, start)
                    guard place <= 0 else { break }
                    if place == 0 {
                        elements.swapAt(left, low)
                        left += 1
                    }
                    low += 1
                }
                while low <= high {
                    let place = order(high, start)
                    guard place >= 0 else { break }
                    if place == 0 {
                        elements.swapAt(high, right)
                        right -= 1
                    }
                    high -= 1
                }
                guard low <= high else { break }
                elements.swapAt(low, high)
                low += 1
                high -= 1
            }
            let fewer = min(left - start, low - left)
            swap(start, low - fewer, count: fewer)
            let more = min(right - high, end - right - 1)
            swap(low, end - more, count: more)
            let smaller = low - left
            let larger = right - high
            if smaller > 1, touches(start, smaller) { sort(start, smaller) }
            guard larger > 1, touches(end - larger, larger) else { return }
            (start, count) = (end - larger, larger)
        }
        for index in start..<start + count {
            var place = index
            while place > start, order(place - 1, place) > 0 {
                elements.swapAt(place, place - 1)
                place -= 1
            }
        }
    }

    private func pivot(_ start: Int, _ count: Int) -> Int {
        var middle = start + count / 2
        guard count > 7 else { return middle }
        var (first, last) = (start, start + count - 1)
        if count > 40 {
            let step = count / 8
            first = median(first, first + step, first + 2 * step)
            middle = median(middle - step, middle, middle + step)
            last = median(last - 2 * step, last - step, last)
        }
        return median(first, middle, last)
    }

    private func touches(_ start: Int, _ count: Int) -> Bool {
        wanted.overlaps(start...start + count - 1)
    }
}
