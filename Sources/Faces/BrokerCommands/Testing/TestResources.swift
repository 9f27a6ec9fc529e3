import BrokerModel

/// Which resources the verbs of tests mean: inside of `broker test` those of the lease go first.
struct TestResources {
    /// The lease of the `broker test` that runs this program; nil elsewhere.
    let lease: String?
    private let leased: Set<String>

    init(environment: [String: String]) {
        lease = environment["BROKER_TEST_LEASE"].flatMap { $0.isEmpty ? nil : $0 }
        let set = lease == nil ? "" : environment["BROKER_TEST_SET"] ?? ""
        leased = Set(set.split(separator: ",").map { String($0.prefix { $0 != "=" }) })
    }

    /// As the API names it.
    func reference(_ name: String) -> String {
        guard let lease, leased.contains(name) else { return name }
        return "\(lease).\(name)"
    }
}
