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

from checks import equal, raises, run, true, variable

logging.getLogger("push_response").disabled = True  # redis-py's parser prints every push that it has no handler for
URL = variable("CACHE_URL")
SCAN_COUNT = 10_000


def connect(protocol, **options):
    options.setdefault("socket_timeout", 8)
    return redis.Redis.from_url(URL, protocol=protocol, **options)


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


# --- data types ------------------------------------------------------------------------------------------------------


def strings(protocol):
    client = connect(protocol)
    equal(client.set("s", "one"), True)
    equal(client.set("s", "two", nx=True), None)
    equal(client.set("none", "two", xx=True), None)
    equal(client.set("s", "three", get=True), b"one")
    equal(client.set("s", "four", px=60_000, xx=True), True)
    true(0 < client.pttl("s") <= 60_000, "SET PX sets a time to live")
    equal(client.set("s", "five", keepttl=True), True)
    true(client.ttl("s") > 0, "SET KEEPTTL keeps the time to live")
    equal(client.set("s", "six", exat=int(time.time()) + 100), True)
    equal(client.getex("s", persist=True), b"six")
    equal(client.ttl("s"), -1)
    equal(client.append("s", "teen"), 7)
    equal(client.getrange("s", 3, -1), b"teen")
    equal(client.setrange("s", 9, "x"), 10)
    equal(client.get("s"), b"sixteen\0\0x")
    equal(client.getdel("s"), b"sixteen\0\0x")
    equal(client.mset({"a": 1, "b": 2.5, "c": b"\xff"}), True)
    equal(client.mget("a", "b", "c", "d"), [b"1", b"2.5", b"\xff", None])
    equal(client.msetnx({"c": 1, "d": 1}), False)
    equal(client.incr("a", 41), 42)
    equal(client.decr("a"), 41)
    equal(client.incrbyfloat("b", "0.25"), 2.75)
    with raises(redis.ResponseError, "value is not an integer or out of range"):
        client.incr("c")
    client.mset({"x": "ohmytext", "y": "mynewtext"})
    equal(client.lcs("x", "y"), b"mytext")
    equal(client.lcs("x", "y", len=True), 6)
    # One client decodes, the other does not.
    client.set("word", "Größe".encode())
    equal(connect(protocol, decode_responses=True).get("word"), "Größe")


def bits(protocol):
    client = connect(protocol)
    equal(client.setbit("bits", 7, 1), 0)
    equal(client.getbit("bits", 7), 1)
    client.set("bits", b"\x00\xff\xf0")
    equal(client.bitcount("bits"), 12)
    equal(client.bitcount("bits", 9, 17, "BIT"), 9)
    equal(client.bitpos("bits", 1), 8)
    client.set("mask", b"\xff\x0f")
    equal(client.bitop("AND", "both", "bits", "mask"), 3)
    equal(client.get("both"), b"\x00\x0f\x00")
    field = client.bitfield("field").set("u8", 0, 250).incrby("u8", 0, 10).get("u8", 0)
    equal(field.execute(), [0, 4, 4])
    field = client.bitfield("field", "SAT").incrby("u8", 0, 300).incrby("i5", "#3", -20)
    equal(field.execute(), [255, -16])
    equal(client.bitfield("field", "FAIL").incrby("u8", 0, 1).execute(), [None])
    equal(client.bitfield_ro("field", "u8", 0, [("i5", "#3")]), [255, -16])


def hashes(protocol):
    client = connect(protocol)
    equal(client.hset("h", "a", 1), 1)
    equal(client.hset("h", mapping={"a": 2, "b": 3, b"\x00": b"\xff"}), 2)
    equal(client.hgetall("h"), {b"a": b"2", b"b": b"3", b"\x00": b"\xff"})
    equal(client.hmget("h", "a", "no", "b"), [b"2", None, b"3"])
    equal(client.hsetnx("h", "a", 9), 0)
    equal(client.hincrby("h", "a", 40), 42)
    equal(client.hincrbyfloat("h", "b", 0.5), 3.5)
    equal(client.hexists("h", "no"), False)
    equal(client.hstrlen("h", "b"), 3)
    equal(sorted(client.hkeys("h")), [b"\x00", b"a", b"b"])
    equal(sorted(client.hvals("h")), [b"3.5", b"42", b"\xff"])
    equal(len(client.hrandfield("h", 2)), 2)
    # RESP3 sends pairs, RESP2 a flat list.
    pairs = client.hrandfield("h", -3, withvalues=True)
    pairs = pairs if protocol == 3 else [list(pair) for pair in zip(pairs[::2], pairs[1::2])]
    equal(len(pairs), 3)
    true(all(client.hget("h", field) == value for field, value in pairs), "HRANDFIELD gives a field with its value")
    equal(client.hdel("h", "a", "b", "no"), 2)
    equal(client.hlen("h"), 1)
    with raises(redis.ResponseError, "hash value is not an integer"):
        client.hincrby("h", b"\x00", 1)


def lists(protocol):
    client = connect(protocol)
    equal(client.rpush("l", "a", "b", "c", "b"), 4)
    equal(client.lpush("l", "z"), 5)
    equal(client.rpushx("none", "a"), 0)
    equal(client.lrange("l", 0, -1), [b"z", b"a", b"b", b"c", b"b"])
    equal(client.lindex("l", -2), b"c")
    equal(client.linsert("l", "BEFORE", "c", "x"), 6)
    equal(client.lpos("l", "b", rank=2), 5)
    equal(client.lpos("l", "b", count=0), [2, 5])
    equal(client.lrem("l", -1, "b"), 1)
    equal(client.lset("l", 0, "y"), True)
    equal(client.lmove("l", "m", "LEFT", "RIGHT"), b"y")
    equal(client.rpoplpush("l", "m"), b"c")
    equal(client.lmpop(2, "none", "l", direction="LEFT", count=2), [b"l", [b"a", b"b"]])
    equal(client.lpop("m", 5), [b"c", b"y"])
    equal(client.rpop("l"), b"x")
    equal(client.exists("l", "m"), 0)
    client.rpush("l", *range(1000))
    equal(client.ltrim("l", 10, 19), True)
    equal(client.lrange("l", 0, -1), [b"%d" % number for number in range(10, 20)])
    with raises(redis.ResponseError, "index out of range"):
        client.lset("l", 99, "x")


def sets(protocol):
    client = connect(protocol)
    equal(client.sadd("s", "a", "b", "c", "a"), 3)
    equal(client.sadd("t", "b", "c", "d"), 3)
    equal(client.smembers("s"), {b"a", b"b", b"c"})
    equal(client.smismember("s", ["a", "x"]), [1, 0])
    equal(bool(client.sismember("s", "a")), True)
    equal(client.sinter("s", "t"), {b"b", b"c"})
    equal(client.sintercard(2, ["s", "t"], limit=1), 1)
    equal(client.sunionstore("u", "s", "t"), 4)
    equal(client.sdiff("t", "s"), {b"d"})
    equal(bool(client.smove("s", "t", "a")), True)
    true(client.srandmember("s") in (b"b", b"c"), "SRANDMEMBER gives a member")
    equal(len(client.srandmember("s", -7)), 7)
    equal(sorted(client.spop("s", 9)), [b"b", b"c"])
    equal(client.exists("s"), 0)
    client.sadd("ints", *range(500))
    equal(client.object("ENCODING", "ints"), b"intset")
    equal(client.srem("ints", *range(499)), 499)
    equal(client.smembers("ints"), {b"499"})


def sorted_sets(protocol):
    client = connect(protocol)
    equal(client.zadd("z", {"a": 1, "b": 2, "c": 3}), 3)
    equal(client.zadd("z", {"a": 5, "d": 4}, nx=True), 1)
    equal(client.zadd("z", {"a": 1.5, "e": 5}, xx=True, ch=True), 1)
    equal(client.zadd("z", {"a": 1, "b": 9}, gt=True, ch=True), 1)
    equal(client.zadd("z", {"b": 2}, lt=True, ch=True), 1)
    equal(client.zadd("z", {"a": 0.5}, incr=True), 2.0)
    equal(client.zadd("z", {"a": 1}, incr=True, nx=True), None)
    with raises(redis.ResponseError, "at the same time are not compatible"):
        client.execute_command("ZADD", "z", "GT", "LT", 1, "a")
    equal(client.zrange("z", 0, -1), [b"a", b"b", b"c", b"d"])
    pair = (lambda name, score: [name, score]) if protocol == 3 else (lambda name, score: (name, score))
    equal(client.zrange("z", 0, 1, withscores=True), [pair(b"a", 2.0), pair(b"b", 2.0)])
    equal(client.zrange("z", "(2", "+inf", byscore=True, offset=1, num=1), [b"d"])
    equal(client.zrevrangebyscore("z", 4, 3, withscores=True), [pair(b"d", 4.0), pair(b"c", 3.0)])
    equal(client.zrangestore("copy", "z", "[b", "(d", bylex=True), 2)
    equal(client.zscore("z", "d"), 4.0)
    equal(client.zmscore("z", ["a", "x"]), [2.0, None])
    equal(client.zrank("z", "c"), 2)
    equal(client.zrevrank("z", "c"), 1)
    equal(client.zcount("z", 2, "(4"), 3)
    equal(client.zlexcount("z", "-", "+"), 4)
    equal(client.zincrby("z", float("inf"), "a"), float("inf"))
    equal(client.zunionstore("u", {"z": 1, "copy": 10}, aggregate="MAX"), 4)
    equal(client.zinter(["z", "copy"], withscores=True), [pair(b"b", 4.0), pair(b"c", 6.0)])
    equal(client.zdiff(["z", "copy"]), [b"d", b"a"])
    # Of one member RESP3 sends a pair, RESP2 a list that redis-py makes pairs of.
    equal(client.zpopmin("z"), [b"b", 2.0] if protocol == 3 else [(b"b", 2.0)])
    equal(client.zpopmax("z", 2), [pair(b"a", float("inf")), pair(b"d", 4.0)])
    equal(client.zmpop(1, ["z"], min=True)[0], b"z")
    equal(client.exists("z"), 0)
    client.zadd("many", {f"m{number:03}": number % 7 for number in range(300)})
    expected = sorted(range(300), key=lambda number: (number % 7, number))
    equal(client.zrange("many", 0, -1), [b"m%03d" % number for number in expected])
    equal(client.zremrangebyrank("many", 0, 99), 100)
    equal(client.zremrangebyscore("many", 6, 6), 42)
    equal(client.zcard("many"), 158)


def keys_and_expiry(protocol):
    client = connect(protocol)
    client.set("k", "v")
    equal(client.expire("k", 100), True)
    equal(client.expire("k", 50, gt=True), False)
    equal(client.expire("k", 50, lt=True), True)
    true(0 < client.ttl("k") <= 50, "EXPIRE LT shortens")
    equal(client.persist("k"), True)
    equal(client.expireat("k", 1), True)
    equal(client.get("k"), None)
    equal(client.ttl("k"), -2)
    client.set("k", "v", px=1)
    until = time.monotonic() + 5
    while client.exists("k"):
        true(time.monotonic() < until, "a key of 1 ms is gone within 5 s")
    client.set("k", "v")
    equal(client.rename("k", "new"), True)
    equal(client.renamenx("new", "new2"), True)
    equal(client.copy("new2", "new3"), True)
    equal(client.type("new3"), b"string")
    equal(client.unlink("new2", "new3", "no"), 2)
    binary = bytes(range(256))
    client.set(binary, binary)
    equal(client.get(binary), binary)
    equal(client.keys(), [binary])
    equal(client.delete(binary), 1)
    equal(client.dbsize(), 0)
    other = redis.Redis.from_url(urllib.parse.urlsplit(URL)._replace(path="/3").geturl(), protocol=protocol)
    other.set("apart", 1)
    equal(client.exists("apart"), 0)
    other.flushdb()


def scans(protocol):
    client = connect(protocol)
    names = [f"n:{number:05}".encode() for number in range(SCAN_COUNT)]
    with client.pipeline(transaction=False) as pipe:
        for start in range(0, SCAN_COUNT, 1000):
            part = names[start : start + 1000]
            pipe.mset({name: 1 for name in part})
            pipe.hset("h", mapping={name: name for name in part})
            pipe.sadd("s", *part)
            pipe.zadd("z", {name: float(name[2:]) for name in part})
        pipe.execute()
    equal(sorted(client.scan_iter(match="n:*", count=500)), names)
    equal(sorted(client.scan_iter(match="n:0012*")), names[120:130])
    equal(sorted(client.scan_iter(_type="zset", count=1000)), [b"z"])
    equal(dict(client.hscan_iter("h", count=500)), {name: name for name in names})
    equal(sorted(client.sscan_iter("s", count=500)), names)
    found = sorted(client.zscan_iter("z", count=500), key=lambda pair: pair[1])
    equal([tuple(pair) for pair in found], [(name, float(name[2:])) for name in names])
    # What is there all the time is found, whatever comes and goes meanwhile.
    seen = set()
    for number, name in enumerate(client.scan_iter(match="n:*", count=100)):
        seen.add(name)
        if number % 50 == 0:
            client.set(f"new:{number}", 1)
            client.delete(f"new:{number - 50}")
    equal(seen, set(names))


# --- connections -----------------------------------------------------------------------------------------------------


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
    connections = redis.BlockingConnectionPool.from_url(URL, protocol=protocol, max_connections=10, timeout=8)
    client = redis.Redis(connection_pool=connections)

    def work(number):
        for turn in range(50):
            key = f"t{number}:{turn}"
            client.set(key, number * turn)
            equal(client.get(key), b"%d" % (number * turn))
            client.incr("sum")

    in_threads(32, work)
    equal(client.get("sum"), b"1600")
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
    for command in ["SAVE", "MONITOR", "DEBUG SLEEP 1", "ACL LIST", "SHUTDOWN"]:
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


# --- asyncio ---------------------------------------------------------------------------------------------------------


def tasks(protocol):
    asyncio.run(many_tasks(protocol))


async def many_tasks(protocol):
    async with redis.asyncio.Redis.from_url(URL, protocol=protocol, decode_responses=True) as client:

        async def work(number):
            async with client.pipeline(transaction=True) as pipe:
                equal(await pipe.set(f"k{number}", number).incr("sum").execute() is not None, True)
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


STEPS = [
    strings, bits, hashes, lists, sets, sorted_sets, keys_and_expiry, scans, pipelines, transactions, pool, pub_sub,
    introspection, health_checks, errors, killed_connections, big_values, locks, tasks,
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
