import BrokerModel
import HTTPTypes
import Hummingbird

/// Toxiproxy's API on one screen. A handler decodes, asks the book, and encodes.
struct ToxiproxyRoutes: Sendable {
    let book: ToxiproxyBook

    /// The rows. `P` and `T` are the names of a proxy and a toxic; a resource of another workspace than the default one
    /// is `P/Q`, and clients do not encode the slash.
    static let table: [ToxiproxyRoute] =
        [
            ToxiproxyRoute(.get, "/version") { $0.version },
            ToxiproxyRoute(.post, "/populate") { $0.populate },
            ToxiproxyRoute(.post, "/reset") { $0.reset },
            ToxiproxyRoute(.get, "/proxies") { $0.index },
            ToxiproxyRoute(.post, "/proxies") { $0.create },
        ] + ["/proxies/:P", "/proxies/:P/:Q"].flatMap(ofProxy)

    private static func ofProxy(_ path: String) -> [ToxiproxyRoute] {
        [
            ToxiproxyRoute(.get, path) { $0.show },
            ToxiproxyRoute(.post, path) { $0.update },
            ToxiproxyRoute(.patch, path) { $0.update },
            ToxiproxyRoute(.delete, path) { $0.remove },
            ToxiproxyRoute(.get, path + "/toxics") { $0.toxics },
            ToxiproxyRoute(.post, path + "/toxics") { $0.addToxic },
            ToxiproxyRoute(.get, path + "/toxics/:T") { $0.toxic },
            ToxiproxyRoute(.post, path + "/toxics/:T") { $0.updateToxic },
            ToxiproxyRoute(.patch, path + "/toxics/:T") { $0.updateToxic },
            ToxiproxyRoute(.delete, path + "/toxics/:T") { $0.removeToxic },
        ]
    }

    /// The version of Toxiproxy whose API this is.
    private static let spoken = "2.12.0"

    /// The table as a router. Around every handler: errors in Toxiproxy's shape, and who may ask.
    func router() -> Router<AdminContext> {
        let router = Router(context: AdminContext.self)
        router.add(middleware: AnswersAsToxiproxy())
        router.add(middleware: RefusesBrowsers())
        for route in Self.table {
            let handler = route.handler(self)
            router.on(RouterPath(route.path), method: route.method) { request, context in
                try await handler(ToxiproxyRequest(AdminRequest(request: request, context: context)))
            }
        }
        return router
    }

    @Sendable private func version(_: ToxiproxyRequest) async throws -> Response {
        try .document(ToxiproxyVersionDocument(version: Self.spoken, broker: BrokerVersion.current))
    }

    @Sendable private func populate(_ request: ToxiproxyRequest) async throws -> Response {
        let (proxies, error) = await book.populate(try await request.body([ProxyInput].self))
        return try .document(
            PopulateDocument(proxies: proxies, error: error?.error, status: error?.status),
            status: error?.status ?? 201)
    }

    @Sendable private func reset(_: ToxiproxyRequest) async throws -> Response {
        try await book.reset()
        return Response(status: .noContent)
    }

    @Sendable private func index(_: ToxiproxyRequest) async throws -> Response {
        try .document(await book.index())
    }

    @Sendable private func create(_ request: ToxiproxyRequest) async throws -> Response {
        try .document(await book.create(try await request.body()), status: 201)
    }

    @Sendable private func show(_ request: ToxiproxyRequest) async throws -> Response {
        try .document(await book.show(request.proxy))
    }

    @Sendable private func update(_ request: ToxiproxyRequest) async throws -> Response {
        try .document(await book.update(request.proxy, try await request.body()))
    }

    @Sendable private func remove(_ request: ToxiproxyRequest) async throws -> Response {
        try await book.remove(request.proxy)
        return Response(status: .noContent)
    }

    @Sendable private func toxics(_ request: ToxiproxyRequest) async throws -> Response {
        try .document(await book.show(request.proxy).toxics)
    }

    @Sendable private func addToxic(_ request: ToxiproxyRequest) async throws -> Response {
        try .document(await book.addToxic(try await request.body(), to: request.proxy))
    }

    @Sendable private func toxic(_ request: ToxiproxyRequest) async throws -> Response {
        try .document(await book.toxic(request.toxic, of: request.proxy))
    }

    @Sendable private func updateToxic(_ request: ToxiproxyRequest) async throws -> Response {
        try .document(await book.updateToxic(request.toxic, of: request.proxy, try await request.body()))
    }

    @Sendable private func removeToxic(_ request: ToxiproxyRequest) async throws -> Response {
        try await book.removeToxic(request.toxic, of: request.proxy)
        return Response(status: .noContent)
    }
}

/// One row of the table.
struct ToxiproxyRoute: Sendable {
    typealias Handler = @Sendable (ToxiproxyRequest) async throws -> Response

    let method: HTTPRequest.Method
    let path: String
    let handler: @Sendable (ToxiproxyRoutes) -> Handler

    init(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping @Sendable (ToxiproxyRoutes) -> Handler) {
        self.method = method
        self.path = path
        self.handler = handler
    }
}

/// One request, with what handlers take out of it.
struct ToxiproxyRequest {
    private let request: AdminRequest

    init(_ request: AdminRequest) {
        self.request = request
    }

    /// With its workspace, where that is in the path, too.
    var proxy: String { (parameter("P") ?? "") + (parameter("Q").map { "/\($0)" } ?? "") }

    var toxic: String { parameter("T") ?? "" }

    func body<Document: Decodable>(_: Document.Type = Document.self) async throws(ToxiproxyError) -> Document {
        do throws(BrokerError) {
            return try await request.body(Document.self)
        } catch {
            throw .badBody(error.why)
        }
    }

    private func parameter(_ name: String) -> String? {
        request.context.parameters.get(name).map { PercentCoding.decoded($0[...]) ?? $0 }
    }
}
