"""What an app with redis-py sees of each kind of fault, put there by the command line; emulator and real server alike."""

import json
import os
import subprocess
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from checks import Mismatch, equal, run, true, variable

URL = variable("CACHE_URL")
BROKER = variable("BROKER")


def connect(**options):
    options.setdefault("socket_timeout", 5)
    # What fails is not tried again: the first failure is what is looked at.
    return redis.Redis.from_url(URL, retry=Retry(NoBackoff(), 0), protocol=2, **options)


def broker(*words):
    done = subprocess.run([BROKER, *words], capture_output=True, text=True)
    true(done.returncode == 0, f"{words}: {done.stderr}")
    return done.stdout


class fault:
    """A fault for as long as the block lasts; how often it has happened is `fired` behind it."""

    def __init__(self, *options):
        self.options = options
        self.fired = None

    def __enter__(self):
        broker("fault", "add", "cache", *self.options)
        return self

    def __exit__(self, *_):
        self.fired = json.loads(broker("fault", "ls", "cache", "--json"))["faults"][0]["fired"]
        broker("fault", "rm", "cache")


def fails(kind, body, words=""):
    try:
        answer = body()
    except kind as error:
        true(words in str(error), f"{words!r} is in {error!r}")
        return
    raise Mismatch(f"{kind.__name__} was expected, {answer!r} came")


def errors():
    app = connect()
    app.set("k", "v")
    with fault("--command", "get", "--nth", "2", "--error", "loading") as loading:
        equal(app.get("k"), b"v")
        fails(redis.BusyLoadingError, lambda: app.get("k"))
        app = connect()
        equal(app.get("k"), b"v")
    equal(loading.fired, 1)
    with fault("--command", "setex", "--count", "1", "--error", "readonly"):
        fails(redis.ReadOnlyError, lambda: app.setex("s", 5, "x"))
        app.setex("s", 5, "x")
    equal(app.get("s"), b"x")
    with fault("--command", "set", "--key", "big:*", "--error", "oom"):
        fails(redis.exceptions.OutOfMemoryError, lambda: app.set("big:1", "x"))
        app.set("small", "x")
    with fault("--error", "ERR as it is written"):
        fails(redis.ResponseError, lambda: app.ping(), "as it is written")
    equal(app.exists("big:1"), 0)


def ambiguous_commits():
    app = connect()  # its incr is INCRBY
    app.set("n", 0)
    with fault("--command", "incrby", "--reset", "before", "--count", "1"):
        fails(redis.ConnectionError, lambda: app.incr("n"))
    equal(connect().get("n"), b"0")
    with fault("--command", "incrby", "--reset", "after", "--count", "1"):
        fails(redis.ConnectionError, lambda: app.incr("n"))
    equal(connect().get("n"), b"1")
    with fault("--command", "incrby", "--drop", "--count", "1"):
        fails(redis.TimeoutError, lambda: connect(socket_timeout=0.3).incr("n"))
    equal(connect().get("n"), b"2")
    with fault("--command", "get", "--cut", "3", "--count", "1"):
        fails(redis.ConnectionError, lambda: connect().get("n"))


def delays():
    app, other = connect(), connect()
    other.ping()
    with fault("--command", "get", "--delay", "300ms", "--count", "1"):
        began = time.monotonic()
        app.get("k")
        true(time.monotonic() - began >= 0.3, "the command waited")
    with fault("--latency", "100"):
        began = time.monotonic()
        app.ping()
        true(time.monotonic() - began >= 0.1, "the reply came later")
    began = time.monotonic()
    for _ in range(20):
        other.ping()
    true(time.monotonic() - began < 2, "nothing is slow any more")


def connections():
    with fault("--maxclients"):
        fails(redis.ConnectionError, lambda: connect().ping())
    with fault("--down"):
        fails(redis.ConnectionError, lambda: connect().ping())
    with fault("--timeout", "0"):
        fails(redis.TimeoutError, lambda: connect(socket_timeout=0.3).ping())
    with fault("--limit-data", "20"):
        fails((redis.ConnectionError, redis.ResponseError), lambda: connect().echo("x" * 1000))
    with fault("--reset-peer", "50"):
        app = connect()
        time.sleep(0.2)
        fails(redis.ConnectionError, lambda: app.blpop("nothing", 2))
    with fault("--bandwidth", "20"):
        app = connect()
        app.ping()
        began = time.monotonic()
        app.echo("x" * 10_000)
        true(time.monotonic() - began >= 0.3, "10 KB at 20 KB/s take their time")
    with fault("--slicer", "1000", "--slicer-delay", "5000"):
        app = connect()
        began = time.monotonic()
        equal(app.echo("x" * 20_000), b"x" * 20_000)
        true(time.monotonic() - began >= 0.09, "20 slices come 5 ms apart, and are one reply")
    with fault("--slow-close", "400"):
        connection = connect().connection_pool.get_connection("PING")
        connection.send_command("QUIT")
        equal(connection.read_response(), b"OK")
        began = time.monotonic()
        fails(redis.ConnectionError, connection.read_response, "closed")
        true(0.3 <= time.monotonic() - began < 4, "the end of the connection came later")
    connect().ping()


def draws():
    app = connect()

    def failures():
        outcomes = []
        with fault("--command", "get", "--probability", "0.5", "--seed", "7", "--error", "ERR drawn"):
            for _ in range(40):
                try:
                    app.get("k")
                    outcomes.append(0)
                except redis.ResponseError:
                    outcomes.append(1)
        return outcomes

    first = failures()
    true(5 < sum(first) < 35, "some fail")
    equal(failures(), first)


if __name__ == "__main__":
    os.environ.pop("BROKER_TEST_PROVIDER", None)
    run(
        "faults",
        [
            ("errors", errors),
            ("ambiguous commits", ambiguous_commits),
            ("delays", delays),
            ("connections", connections),
            ("the same seed draws the same", draws),
        ],
    )
