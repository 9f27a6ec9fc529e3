"""redis-py against CACHE_URL: every step in RESP2 and in RESP3, each on an empty resource; redis.asyncio too.

Whether the server knows scripts is asked of it (COMMAND INFO): with them Lock has to work, without them its release has
to fail cleanly.
"""

import asyncio
import logging
import queue
import random
import threading
import time
import urllib.parse

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from checks import equal, raises, run, true
from redis_py_data import DATA, URL, connect

logging.getLogger("push_response").disabled = True  # redis-py's parser prints every push that it has no handler for


def in_threads(count, body):
    """Runs body(number) in so many threads at once; the first error is raised here."""
    start, errors = threading.Barrier(count), []

    def work(number):
        try:
            start.wait()
            body(number)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(9)
        true(not thread.is_alive(), "a thread has not ended")
    if errors:
        raise errors[0]


def pipelines(protocol):
    client = connect(protocol)
    with client.pipeline(transaction=False) as pipe:
        for number in range(5000):
            pipe.set(f"p{number}", number).get(f"p{number}")
        replies = pipe.execute()
    equal(replies[::2], [True] * 5000)
    equal(replies[1::2], [b"%d" % number for number in range(5000)])
    with client.pipeline() as pipe:
        equal(pipe.set("a", 1).incr("a").lpush("a", 1).get("a").execute(raise_on_error=False)[:2], [True, 2])
    equal(client.get("a"), b"2")
    with client.pipeline() as pipe, raises(redis.ResponseError, "Command # 2 (LPUSH a 1) of pipeline caused error"):
        pipe.set("a", 3).lpush("a", 1).set("a", 4).execute()
    equal(client.get("a"), b"4")
    # An error while queuing takes the whole transaction back.
    with client.pipeline() as pipe, raises(redis.ResponseError, "Command # 2 (GET)") as raised:
        pipe.set("a", 5).execute_command("GET").execute()
    equal(type(raised.error.__context__), redis.exceptions.ExecAbortError)
    equal(client.get("a"), b"4")


def transactions(protocol):
    client, other = connect(protocol), connect(protocol)
    client.set("w", 1)
    with client.pipeline() as pipe:
        pipe.watch("w")
        equal(pipe.get("w"), b"1")
        other.set("w", 2)
        pipe.multi()
        pipe.set("w", 3)
        with raises(redis.WatchError):
            pipe.execute()
        pipe.watch("w")
        other.set("w", 3)
        pipe.unwatch()
        pipe.multi()
        equal(pipe.set("w", 4).execute(), [True])
    equal(client.get("w"), b"4")

    def increment(pipe):
        value = int(pipe.get("n") or 0)
        pipe.multi()
        pipe.set("n", value + 1)

    def count(_):
        for _ in range(25):
            client.transaction(increment, "n")

    in_threads(8, count)
    equal(client.get("n"), b"200")


def pool(protocol):
    connections = redis.BlockingConnectionPool.from_url(URL, protocol=protocol, max_connections=5, timeout=8)
    client = redis.Redis(connection_pool=connections)

    def work(number):
        for turn in range(50):
            key = f"t{number}:{turn}"
            client.set(key, number * turn)
            equal(client.get(key), b"%d" % (number * turn))
            client.incr("sum")

    in_threads(16, work)
    equal(client.get("sum"), b"800")
    connections.disconnect()


def pub_sub(protocol):
    client, heard = connect(protocol, decode_responses=True), queue.Queue()
    listener = client.pubsub()

    def hear(message):
        heard.put((message["pattern"], message["channel"], message["data"]))

    listener.subscribe(news=hear)
    listener.psubscribe(**{"w*r[ld]d": hear})
    equal([listener.get_message(timeout=5)["type"] for _ in range(2)], ["subscribe", "psubscribe"])
    thread = listener.run_in_thread(sleep_time=0.05, daemon=True)
    equal(client.pubsub_channels(), ["news"])
    equal(client.pubsub_numpat(), 1)
    equal([list(pair) for pair in client.pubsub_numsub("news", "none")], [["news", 1], ["none", 0]])
    equal(client.publish("news", "one"), 1)
    equal(client.publish("world", "two"), 1)
    equal(client.publish("word", "three"), 0)
    equal([heard.get(timeout=5) for _ in range(2)], [(None, "news", "one"), ("w*r[ld]d", "world", "two")])
    for number in range(1000):
        client.publish("news", number)
    equal([heard.get(timeout=5)[2] for _ in range(1000)], [str(number) for number in range(1000)])
    thread.stop()
    thread.join(5)
    true(not thread.is_alive(), "the listener's thread ends")

    listener = client.pubsub()
    listener.subscribe("a", "b")
    listener.psubscribe("c*")
    equal([next_message(listener)["data"] for _ in range(3)], [1, 2, 3])
    if protocol == 2:  # in RESP3 the answer is no array, and redis-py reads its second letter as the data
        listener.ping("there")
        equal(next_message(listener)["data"], "there")
    listener.unsubscribe("a")
    equal(next_message(listener), {"type": "unsubscribe", "pattern": None, "channel": "a", "data": 2})
    equal(client.publish("a", "x"), 0)
    listener.punsubscribe()
    listener.unsubscribe()
    equal([next_message(listener)["data"] for _ in range(2)], [1, 0])
    equal(listener.subscribed, False)
    listener.subscribe("again")
    equal(next_message(listener)["type"], "subscribe")
    equal(client.publish("again", "x"), 1)
    equal(next_message(listener), {"type": "message", "pattern": None, "channel": "again", "data": "x"})
    listener.close()


def next_message(listener):
    message = listener.get_message(timeout=5)
    true(message is not None, "a message comes within 5 s")
    return message


def introspection(protocol):
    client = connect(protocol, client_name="redis-py-test", decode_responses=True, single_connection_client=True)
    equal(client.client_getname(), "redis-py-test")
    me = client.client_id()
    mine = [entry for entry in client.client_list() if entry["id"] == str(me)]
    equal([(entry["name"], entry["resp"]) for entry in mine], [("redis-py-test", str(protocol))])
    info = client.client_info()
    equal((info["id"], info["name"]), (me, "redis-py-test"))
    equal([entry["id"] for entry in client.client_list(client_id=[str(me)])], [str(me)])
    client.client_setname("other")
    equal(client.client_getname(), "other")
    with raises(redis.ResponseError, "cannot contain spaces"):
        client.client_setname("a b")
    facts = client.info()
    true(facts["redis_version"].startswith("7."), "INFO names a version")
    equal(facts["redis_mode"], "standalone")
    true(facts["connected_clients"] >= 1, "INFO counts clients")
    client.set("k", 1)
    equal(client.info("keyspace")["db0"]["keys"], 1)
    equal(client.config_get("maxmemory-policy"), {"maxmemory-policy": "noeviction"})
    true("maxmemory" in client.config_get("max*", "databases"), "CONFIG GET takes patterns")
    true(client.command_count() >= 180, "COMMAND COUNT")
    get = client.command()["get"]
    equal((get["arity"], get["first_key_pos"], get["last_key_pos"], get["step_count"]), (2, 1, 1, 1))
    equal(client.command_getkeys("MSET", "a", "1", "b", "2"), ["a", "b"])
    equal(client.echo("\0"), "\0")
    equal(abs(client.time()[0] - time.time()) < 5, True)
    equal(client.client_no_evict("ON"), "OK")
    equal(client.acl_whoami(), urllib.parse.urlsplit(URL).username)
    equal(client.execute_command("RESET"), "RESET")
    with raises(redis.AuthenticationError):
        client.get("k")
    client.close()


def health_checks(protocol):
    client = connect(protocol, single_connection_client=True)
    # Not from the start: in RESP3 redis-py 5.2 would ask before it logs in.
    client.connection.health_check_interval = 1
    client.set("k", "v")
    client.connection.next_health_check = 0.001  # long ago: the next command is preceded by PING
    equal(client.get("k"), b"v")
    true(client.connection.next_health_check > 1, "the PING was answered")
    client.close()


def errors(protocol):
    client = connect(protocol)
    client.set("k", "v")
    with raises(redis.ResponseError, "WRONGTYPE Operation against a key holding the wrong kind of value"):
        client.lpush("k", "v")
    with raises(redis.ResponseError, "unknown command 'NOSUCH', with args beginning with: 'a' 'b'"):
        client.execute_command("NOSUCH", "a", "b")
    with raises(redis.ResponseError, "wrong number of arguments for 'get' command"):
        client.execute_command("GET")
    with raises(redis.ResponseError, "syntax error"):
        client.execute_command("SET", "k", "v", "MAYBE")
    with raises(redis.ResponseError, "DB index is out of range"):
        client.execute_command("SELECT", 10_000)
    for command in ["FAILOVER", "SHUTDOWN"]:
        with raises(redis.exceptions.NoPermissionError, "has no permissions to run"):
            client.execute_command(*command.split())
    address = urllib.parse.urlsplit(URL)
    place = {"host": address.hostname, "port": address.port, "protocol": protocol}
    for user, password in [(address.username, "wrong"), ("nobody", address.password), (None, "wrong")]:
        with raises(redis.AuthenticationError):
            redis.Redis(username=user, password=password, **place).ping()
    with raises(redis.AuthenticationError):
        redis.Redis(**place).ping()
    equal(redis.Redis(username=address.username, password=address.password, **place).ping(), True)
    equal(redis.Redis(password=address.password, **place).ping(), True)


def killed_connections(protocol):
    # Without retry the one who kills itself gets the reply, and an error with the next command.
    client = connect(protocol, single_connection_client=True, retry=Retry(NoBackoff(), 0))
    me = client.client_id()
    equal(client.client_kill_filter(_id=me, skipme=False), 1)
    with raises(redis.ConnectionError):
        client.ping()
    # With retry it connects again and never notices.
    again = {"retry": Retry(NoBackoff(), 1), "retry_on_error": [redis.ConnectionError]}
    client = connect(protocol, single_connection_client=True, **again)
    me = client.client_id()
    equal(client.client_kill_filter(_id=me, skipme=False), 1)
    equal(client.set("k", "after"), True)
    true(client.client_id() != me, "it is another connection")
    # Others are killed by id; the pool replaces them.
    pooled = connect(protocol, **again)
    for _ in range(20):
        equal(client.client_kill_filter(_id=pooled.client_id()), 1)
        equal(pooled.get("k"), b"after")
    with raises(redis.ResponseError, "No such client"):
        client.client_kill("127.0.0.1:1")
    # A blocked listener is told.
    listener = client.pubsub()
    listener.subscribe("c")
    next_message(listener)
    equal(client.client_kill_filter(_type="pubsub"), 1)
    equal(next_message(listener)["type"], "subscribe")  # redis-py has connected and subscribed again
    listener.close()


def big_values(protocol):
    client = connect(protocol)
    block = random.Random(1).randbytes(1 << 20)
    for size in [1 << 20, 64 << 20]:
        value = block * (size >> 20)
        equal(client.set("big", value), True)
        equal(client.strlen("big"), size)
        true(client.get("big") == value, f"{size} bytes come back as they were")
        equal(client.getrange("big", size - 3, size), value[-3:])
    equal(client.delete("big"), 1)
    key = block[:70_000]
    client.set(key, "v")
    equal(client.get(key), b"v")
    # Many big replies at once, to a client that reads them one after the other.
    client.set("big", block)
    with client.pipeline(transaction=False) as pipe:
        for _ in range(40):
            pipe.get("big")
        true(all(value == block for value in pipe.execute()), "40 MiB of replies come whole")


def locks(protocol):
    client = connect(protocol)
    lock = client.lock("lock", timeout=10)
    equal(lock.acquire(blocking=False), True)
    equal(client.lock("lock").acquire(blocking=False), False)
    if client.execute_command("COMMAND INFO", "EVALSHA")[0]:
        equal(lock.extend(20), True)
        equal(lock.reacquire(), True)
        lock.release()
        equal(client.exists("lock"), 0)
        with client.lock("lock", timeout=10):
            with raises(redis.exceptions.LockError):
                lock.release()
        equal(client.eval("return {KEYS[1], ARGV[1], 7}", 1, "k", "a"), [b"k", b"a", 7])
    else:
        with raises(redis.ResponseError, "unknown command 'EVALSHA'"):
            lock.release()
        with raises(redis.ResponseError, "unknown command 'EVAL'"):
            client.eval("return 1", 0)
        equal(client.ping(), True)


def tasks(protocol):
    asyncio.run(many_tasks(protocol))


async def many_tasks(protocol):
    async with redis.asyncio.Redis.from_url(URL, protocol=protocol, decode_responses=True) as client:

        async def work(number):
            async with client.pipeline(transaction=True) as pipe:
                stored, total = await pipe.set(f"k{number}", number).incr("sum").execute()
            equal(stored, True)
            true(1 <= total <= 50, "so many tasks have counted")
            for turn in range(20):
                equal(await client.hset(f"h{number}", str(turn), turn), 1)
            equal(await client.hlen(f"h{number}"), 20)
            equal(await client.get(f"k{number}"), str(number))

        await asyncio.gather(*(work(number) for number in range(50)))
        equal(await client.get("sum"), "50")

        async with client.pubsub() as listener:
            await listener.subscribe("c")
            equal((await listener.get_message(timeout=5))["type"], "subscribe")
            equal(await client.publish("c", "x"), 1)
            equal((await listener.get_message(timeout=5))["data"], "x")


STEPS = DATA + [
    pipelines, transactions, pool, pub_sub, introspection, health_checks, errors, killed_connections, big_values, locks,
    tasks,
]  # fmt: skip


def on_empty(step, protocol):
    client = connect(protocol)
    client.flushall()
    step(protocol)
    client.flushall()
    client.close()


def main():
    equal(redis.__version__, "5.2.1")
    run(
        "redis_py",
        [
            (f"{step.__name__}, RESP{protocol}", lambda step=step, protocol=protocol: on_empty(step, protocol))
            for protocol in (2, 3)
            for step in STEPS
        ],
    )


if __name__ == "__main__":
    main()
