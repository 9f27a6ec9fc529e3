"""redis-py against CACHE_URL: commands that block, and what a connection that blocks or has listened does to others.

Where the server has no blocking commands (COMMAND INFO) their steps are replaced by: they are refused cleanly.
"""

import logging
import queue
import threading
import time

import redis

from checks import equal, raises, run, true, variable

logging.getLogger("push_response").disabled = True  # redis-py's parser prints every push that it has no handler for
URL = variable("CACHE_URL")
TOKEN = f"{time.monotonic_ns()}"  # names of connections that only this run has


def connect(protocol, **options):
    return redis.Redis.from_url(URL, protocol=protocol, socket_timeout=5, single_connection_client=True, **options)


def named(client, name):
    """The connections of this name that the server lists."""
    return [entry for entry in client.client_list() if entry["name"] == name]


def eventually(what, condition):
    until = time.monotonic() + 4
    while not condition():
        true(time.monotonic() < until, f"{what}, within 4 s")


def in_thread(body):
    """Runs a body in a thread; a function that waits for its result is returned."""
    results = queue.Queue()
    threading.Thread(target=lambda: results.put(body()), daemon=True).start()
    return lambda: results.get(timeout=5)


def pops_that_wait(protocol):
    client, other = connect(protocol), connect(protocol, client_name=TOKEN)
    waiting = in_thread(lambda: other.blpop(["none", "l"], timeout=5))
    eventually("BLPOP blocks", lambda: named(client, TOKEN))
    client.rpush("l", "a")
    equal(list(waiting()), [b"l", b"a"])
    equal(client.brpop("l", timeout=0.05), None)
    waiting = in_thread(lambda: other.bzpopmin("z", timeout=5))
    client.zadd("z", {"m": 1.5})
    equal(list(waiting()), [b"z", b"m", 1.5])
    waiting = in_thread(lambda: other.blmove("from", "to", timeout=5))
    client.rpush("from", "b")
    equal(waiting(), b"b")
    equal(client.lrange("to", 0, -1), [b"b"])


def one_that_goes_takes_nothing(protocol):
    """A job that is queued after a waiting worker was killed is not given to the dead."""
    client = connect(protocol)
    worker = connect(protocol, client_name=TOKEN)
    worker.connection.send_command("BLPOP", "jobs", 0)
    # It blocks when the command after it is not answered: nothing else shows that from outside on every server.
    equal(worker.connection.can_read(timeout=0.2), False)
    worker.connection.disconnect()
    eventually("a connection that is closed while it waits is gone", lambda: not named(client, TOKEN))
    equal(client.rpush("jobs", "a job"), 1)
    equal(client.lpop("jobs"), b"a job")


def blocking_is_refused(protocol):
    client = connect(protocol)
    for call in [client.blpop, client.brpop, client.bzpopmin, client.bzpopmax]:
        with raises(redis.ResponseError, "unknown command 'B"):
            call("key", timeout=1)
    equal(client.ping(), True)


def transactions_that_fail_do_nothing(protocol):
    """A command that is refused while it is queued takes the whole transaction back, whoever refuses it."""
    client = connect(protocol)
    for words in [("GET",), ("NOSUCH",), ("SHUTDOWN",), ("MODULE", "LOAD", "x")]:
        with client.pipeline() as pipe, raises(redis.ResponseError):
            pipe.set("k", 1).execute_command(*words).execute()
        equal((words, client.exists("k")), (words, 0))


def connection_commands_in_transactions(protocol):
    """They run with EXEC, or the whole transaction is refused: broker does not queue them before a real server."""
    client = connect(protocol)
    with client.pipeline() as pipe:
        try:
            replies = pipe.set("k", 1).client_id().client_setname("inside").execute()
        except redis.ResponseError as error:
            true("not allowed inside a transaction" in str(error), str(error))
            equal(client.exists("k"), 0)
            return
        equal([entry["id"] for entry in named(client, "inside")], [str(replies[1])])
    equal(replies, [True, replies[1], True])


def replies_that_look_like_messages(protocol):
    """After a subscription an array that begins with "message" is still a reply."""
    client = connect(protocol, client_name=TOKEN)
    client.rpush("l", "message", "c", "data")
    connection = client.connection
    for words in [("SUBSCRIBE", "c"), ("UNSUBSCRIBE", "c")]:
        connection.send_command(*words)
        if protocol == 2:
            connection.read_response()
    for words, reply in [(("LRANGE", "l", 0, -1), [b"message", b"c", b"data"]), (("ECHO", "x"), b"x")]:
        connection.send_command(*words)
        equal(connection.read_response(), reply)
    connection.send_command("CLIENT", "GETNAME")
    equal(connection.read_response(), TOKEN.encode())
    connection.disconnect()
    eventually("the connection is gone", lambda: not named(connect(protocol), TOKEN))


def main():
    client = connect(2)
    has_blocking = client.execute_command("COMMAND INFO", "BLPOP")[0] is not None
    blocking = [pops_that_wait, one_that_goes_takes_nothing] if has_blocking else [blocking_is_refused]
    steps = blocking + [
        transactions_that_fail_do_nothing, connection_commands_in_transactions, replies_that_look_like_messages,
    ]  # fmt: skip

    def on_empty(step, protocol):
        client.flushall()
        step(protocol)
        client.flushall()

    run(
        "redis_py_blocking",
        [
            (f"{step.__name__}, RESP{protocol}", lambda step=step, protocol=protocol: on_empty(step, protocol))
            for protocol in (2, 3)
            for step in steps
        ],
    )


if __name__ == "__main__":
    main()
