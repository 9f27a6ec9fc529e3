#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Memory straight from the system. What malloc gets back it may keep for ever: after one large block was freed, glibc takes
/// all that is below 32 MiB from heaps that a single block holds.
enum Pages {
    /// Zeroed bytes that take memory when they are touched. Both numbers are multiples of a page.
    static func map(_ size: Int, alignment: Int) -> UnsafeMutableRawPointer {
        guard
            let start = mmap(
                nil, size + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | anonymous, -1, 0), start != MAP_FAILED
        else { fatalError("the system has no memory for \(size) bytes: \(String(cString: strerror(errno)))") }
        let front = (alignment - Int(bitPattern: start) & (alignment - 1)) & (alignment - 1)
        if front > 0 { munmap(start, front) }
        if front < alignment { munmap(start + front + size, alignment - front) }
        return start + front
    }

    static func unmap(_ start: UnsafeMutableRawPointer, _ size: Int) {
        munmap(start, size)
    }

    /// Gives back what the bytes take; what they hold is lost.
    static func release(_ start: UnsafeMutableRawPointer, _ size: Int) {
        #if canImport(Darwin)
        madvise(start, size, MADV_FREE)
        #else
        madvise(start, size, Int32(MADV_DONTNEED))
        #endif
    }

    #if canImport(Darwin)
    private static let anonymous = MAP_ANON
    #else
    private static let anonymous = Int32(MAP_ANONYMOUS)
    #endif
}
