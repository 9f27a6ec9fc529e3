"""The shop's web process.

    POST /orders        {"item": "tea", "quantity": 2}  →  201 and the order; 400 when it makes no sense
    GET  /orders/ID     200 and the order with its status: placed, then shipped by the worker
    GET  /stats         orders by status, counters, sessions
    GET  /healthz       200 when cache, queue and database answer, else 503 and which did not
"""

import json
import signal
import threading
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import log
import settings
from shop import BROKEN, Shop

LOG = log.named("web")


class Server(ThreadingHTTPServer):
    """A thread per request; closing the server waits for the requests under way."""

    daemon_threads = False

    def __init__(self, port: int, shop: Shop) -> None:
        self.shop = shop
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    timeout = 5  # a client that says nothing cannot hold up the end of the process

    def do_GET(self) -> None:
        self.answer(self.get)

    def do_POST(self) -> None:
        self.answer(self.post)

    def answer(self, handle) -> None:
        try:
            status, body, headers = handle(self.server.shop)
        except BROKEN as error:
            LOG.warning("%s %s: %s: %s", self.command, self.path, type(error).__name__, error)
            status, body, headers = 503, {"error": "a backing service does not answer, try again"}, {}
        data = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def get(self, shop: Shop) -> tuple[int, dict, dict]:
        if self.path == "/healthz":
            report = shop.health()
            return 200 if set(report.values()) == {"ok"} else 503, report, {}
        if self.path == "/stats":
            return 200, shop.numbers(), {}
        number = self.path.removeprefix("/orders/")
        if number != self.path and number.isdecimal() and len(number) < 10:
            if order := shop.orders.find(int(number)):
                return 200, order, {}
        return 404, {"error": "not found"}, {}

    def post(self, shop: Shop) -> tuple[int, dict, dict]:
        if self.path != "/orders":
            return 404, {"error": "not found"}, {}
        try:
            wish = json.loads(self.rfile.read(min(int(self.headers["Content-Length"]), 10_000)))
            item, quantity = str(wish["item"]), int(wish.get("quantity", 1))
        except (ValueError, KeyError, TypeError, AttributeError):
            return 400, {"error": 'send {"item": "tea", "quantity": 2}'}, {}
        if not 1 <= quantity <= 1000:
            return 400, {"error": "quantity is between 1 and 1000"}, {}
        cookie = SimpleCookie(self.headers.get("Cookie")).get("session")
        session = shop.sessions.find_or_begin(cookie.value if cookie else None)
        return 201, shop.place(item, quantity, session), {"Set-Cookie": f"session={session}; HttpOnly; SameSite=Lax"}

    def log_message(self, format: str, *arguments: object) -> None:
        LOG.info(format, *arguments)


def main() -> None:
    stop = threading.Event()
    for number in signal.SIGTERM, signal.SIGINT:
        signal.signal(number, lambda *_: stop.set())
    shop = Shop()
    server = Server(settings.port(), shop)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    LOG.info("listening on http://127.0.0.1:%d", server.server_port)
    stop.wait()
    LOG.info("stopping: no new requests, finishing those under way")
    server.shutdown()
    server.server_close()
    shop.close()
    LOG.info("stopped")


if __name__ == "__main__":
    main()
