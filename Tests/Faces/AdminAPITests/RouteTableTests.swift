import HTTPTypes
import TestKit
import Testing

@testable import AdminAPI

@Suite struct RouteTableTests {
    @Test func `the route table is the golden one`() throws {
        let rows = AdminRoutes.table.map { route in
            let method = route.method.rawValue
            return method + String(repeating: " ", count: 8 - method.count) + route.path
        }
        try GoldenFile.expect("routes.txt", rows.joined(separator: "\n") + "\n")
    }

    @Test func `every route has a version, and no two are the same`() {
        let rows = AdminRoutes.table.map { "\($0.method.rawValue) \($0.path)" }
        #expect(Set(rows).count == rows.count)
        #expect(AdminRoutes.table.allSatisfy { $0.path.hasPrefix("/v1/") })
    }
}

@Suite struct ToxiproxyRouteTableTests {
    @Test func `the table of Toxiproxy's routes is the golden one`() throws {
        let rows = ToxiproxyRoutes.table.map { route in
            let method = route.method.rawValue
            return method + String(repeating: " ", count: 8 - method.count) + route.path
        }
        #expect(Set(rows).count == rows.count)
        try GoldenFile.expect("toxiproxy-routes.txt", rows.joined(separator: "\n") + "\n")
    }
}
