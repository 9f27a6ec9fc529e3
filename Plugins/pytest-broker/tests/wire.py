"""Redis without a client library, for the suites that the tests write."""

import socket
from urllib.parse import urlsplit


def redis(url, *arguments):
    """The reply to one command: bytes, a number, None, or a text that begins with "-" for an error."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), 10) as connection:
        reader = connection.makefile("rb")
        reply = None
        login = [("auth", parts.username or "default", parts.password)] if parts.password else []
        for command in [*login, arguments]:
            words = [str(word).encode() for word in command]
            connection.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
            line = reader.readline().rstrip()
            kind, rest = line[:1], line[1:]
            if kind == b"$":
                reply = None if rest == b"-1" else reader.read(int(rest) + 2)[:-2]
            elif kind == b":":
                reply = int(rest)
            else:
                reply = rest if kind == b"+" else line.decode()
        return reply
