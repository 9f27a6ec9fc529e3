import BrokerModel

/// What Toxiproxy's API answers where it cannot do what is asked; its clients look at the status.
struct ToxiproxyError: Error, Encodable, Equatable {
    let error: String
    let status: Int

    init(_ status: Int, _ error: String) {
        self.status = status
        self.error = error
    }

    /// The control plane's words on one line.
    init(_ error: BrokerError) {
        let why = error.why.isEmpty ? "" : ": \(error.why)"
        let fix = error.fix.map { "; fix: \($0)" } ?? ""
        // A port that is taken is no name that is taken: clients read 409 as that.
        self.init(error.code == .portTaken ? 500 : error.code.httpStatus, error.what + why + fix)
    }

    init(_ error: any Error) {
        self =
            switch error {
            case let error as ToxiproxyError: error
            case let error as BrokerError: ToxiproxyError(error)
            default: ToxiproxyError(500, "the daemon failed: the reason is in its log; fix: broker logs")
            }
    }

    static let noProxy = ToxiproxyError(404, "proxy not found")
    static let noToxic = ToxiproxyError(404, "toxic not found")
    static let proxyExists = ToxiproxyError(409, "proxy already exists")
    static let toxicExists = ToxiproxyError(409, "toxic already exists")
    static let invalidType = ToxiproxyError(400, "invalid toxic type")
    static let invalidStream = ToxiproxyError(400, "stream was invalid, can be either upstream or downstream")

    static func missing(_ field: String) -> ToxiproxyError {
        ToxiproxyError(400, "missing required field: \(field)")
    }

    static func badBody(_ why: String) -> ToxiproxyError {
        ToxiproxyError(400, "bad request body: \(why)")
    }
}
