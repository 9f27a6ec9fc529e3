"""The daemon's HTTP API over its unix socket."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import threading
import weakref
from typing import Any
from urllib.parse import quote

from pytest_broker.errors import BrokerError

#: Seconds that an answer may take; starting a real server is what takes longest.
TIMEOUT = 60.0

_open: weakref.WeakSet[Any] = weakref.WeakSet()


def _after_fork() -> None:
    # A lease ends when its connection does: a child that keeps a copy of it would keep the lease, too.
    for connection in list(_open):
        connection.let_go()


os.register_at_fork(after_in_child=_after_fork)


def path(*parts: str) -> str:
    """The path of a route, every part percent-encoded."""
    return "".join("/" + quote(part, safe="") for part in parts)


class API:
    """One connection, opened when it is needed, shared by threads, and not by processes."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._connection: _Connection | None = None
        self._lock = threading.Lock()
        _open.add(self)

    def call(self, method: str, target: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Asks, and returns the document that is the answer; raises what the daemon refuses."""
        __tracebackhide__ = True
        data = None if body is None else json.dumps(body).encode()
        with self._lock:
            status, answer = self._exchange(method, target, data)
        try:
            document: dict[str, Any] = json.loads(answer)
        except ValueError:
            raise _ended(f"its answer to {method} {target} is no document") from None
        if status >= 400:
            raise BrokerError.from_document(document)
        return document

    def _exchange(self, method: str, target: str, data: bytes | None) -> tuple[int, bytes]:
        is_fresh = self._connection is None
        if self._connection is None:
            self._connection = _Connection(self.address)
        try:
            self._connection.request(method, target, data, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self._connection = None
            # One that was idle may have been closed meanwhile; a fresh one shows whether anybody is there.
            if not is_fresh and not isinstance(error, TimeoutError):
                return self._exchange(method, target, data)
            raise _ended(f"{target}: {error or type(error).__name__}") from error

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def let_go(self) -> None:
        """Forgets the connection in a child process, which opens one of its own when it needs one."""
        self._lock = threading.Lock()
        connection, self._connection = self._connection, None
        if connection is not None and connection.sock is not None:
            os.close(connection.sock.detach())


class Hold:
    """A lease that lives as long as this connection: the first line of the answer is the lease's document."""

    def __init__(self, address: str, target: str, body: dict[str, Any]) -> None:
        connection = _Connection(address)
        try:
            connection.request("POST", target, json.dumps(body).encode(), {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status >= 400:
                raise BrokerError.from_document(json.loads(response.read()))
            self.document: dict[str, Any] = json.loads(response.readline())
        except (OSError, ValueError, http.client.HTTPException) as error:
            connection.close()
            raise _ended(f"{target}: {error or type(error).__name__}") from error
        # From here on only empty lines come, and the descriptor is all that counts.
        descriptor = os.dup(connection.sock.fileno() if connection.sock else response.fileno())
        response.close()
        connection.close()
        self._socket: socket.socket | None = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)
        _open.add(self)

    def drain(self) -> None:
        """Reads what has come, so that the daemon is not kept from writing."""
        with contextlib.suppress(OSError):
            while self._socket is not None and self._socket.recv(4096):
                pass

    def close(self) -> None:
        held, self._socket = self._socket, None
        if held is not None:
            held.close()

    let_go = close


class _Connection(http.client.HTTPConnection):
    def __init__(self, address: str) -> None:
        super().__init__("broker", timeout=TIMEOUT)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._address)


def _ended(why: str) -> BrokerError:
    return BrokerError("E0504", "the daemon does not answer", why, "broker status")
