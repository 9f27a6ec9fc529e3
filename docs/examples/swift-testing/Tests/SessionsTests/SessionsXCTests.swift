import BrokerTesting
import Sessions
import XCTest

// article: XCTest
final class SessionsXCTests: XCTestCase {
    private var lease: BrokerLease?

    override func setUp() async throws { lease = try await BrokerLease.take("cache") }
    override func tearDown() async throws { try await lease?.end() }

    func testTheLatestUserCounts() throws {
        let sessions = try Sessions(url: XCTUnwrap(lease).resource("cache").url)
        try sessions.begin("1", user: "ada")
        try sessions.begin("1", user: "grace")
        XCTAssertEqual(try sessions.user(of: "1"), "grace")
    }
}
// end of article
