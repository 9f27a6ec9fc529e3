import BrokerClient
import Testing

@Suite struct PathHashTests {
    @Test func `a path's hash never changes: ports and data hang on it`() {
        #expect(
            PathHash.hexadecimal("/home/ann/shop", digits: 6)
                == PathHash.hexadecimal("/home/ann/shop", digits: 16).prefix(6))
        #expect(PathHash.hexadecimal("", digits: 16) == "efd01f60ba992926")
        #expect(PathHash.hexadecimal("/home/ann/shop", digits: 16) == "a5c30023738e041a")
    }

    @Test func `neighbours differ in their first digits`() {
        let hashes = (0..<1000).map { PathHash.hexadecimal("/home/ann/shop\($0)", digits: 6) }
        #expect(Set(hashes).count >= 999)
        #expect(hashes.allSatisfy { $0.count == 6 })
    }
}
