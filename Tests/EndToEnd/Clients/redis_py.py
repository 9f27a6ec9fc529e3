"""redis-py, unmodified, on the URL in CACHE_URL: what applications do with it. Prints one line and ends with 0."""

import asyncio
import os
import threading

import redis
import redis.asyncio

URL = os.environ["CACHE_URL"]


def raises(error, text, call, *arguments):
    try:
        call(*arguments)
    except error as caught:
        assert text in str(caught), f"{caught!r} does not say {text!r}"
        return
    raise AssertionError(f"{call.__name__}{arguments} raised nothing")


def families(client):
    client.flushdb()
    assert client.set("s", "v", ex=100) and client.get("s") == b"v" and 0 < client.ttl("s") <= 100
    assert client.set("s", "w", nx=True) is None and client.set("s", "w", get=True) == b"v"
    assert client.set("s", "x", keepttl=True, xx=True) and client.getex("s", persist=True) == b"x"
    assert client.ttl("s") == -1 and client.getdel("s") == b"x" and client.ttl("s") == -2
    assert client.incrby("n", 5) == 5 and client.incrbyfloat("n", 0.5) == 5.5
    assert client.mset({b"\x00\xff": b"\r\n", "m": ""}) and client.mget(b"\x00\xff", "m", "none") == [b"\r\n", b"", None]
    assert client.bitfield("bits").set("u8", 0, 200).incrby("u8", 0, 100).execute() == [0, 44]
    assert client.setbit("bits", 100, 1) == 0 and client.bitcount("bits") == 4
    assert client.hset("h", mapping={"a": 1, "b": 2}) == 2 and client.hgetall("h") == {b"a": b"1", b"b": b"2"}
    assert client.hincrby("h", "a", 9) == 10 and sorted(client.hkeys("h")) == [b"a", b"b"]
    assert client.rpush("l", *range(100)) == 100 and client.lrange("l", -2, -1) == [b"98", b"99"]
    assert client.lmove("l", "l2", "LEFT", "RIGHT") == b"0" and client.lpos("l", 5) == 4 and client.lpop("l", 2) == [b"1", b"2"]
    assert client.sadd("s1", 1, 2, 3) == 3 and client.sadd("s2", 2, 3, 4) == 3
    assert client.sinter("s1", "s2") == {b"2", b"3"} and client.sdiff("s1", "s2") == {b"1"} and client.scard("s1") == 3
    assert client.zadd("z", {"a": 1, "b": 2.5, "c": float("inf")}) == 3 and client.zadd("z", {"a": 5}, gt=True, ch=True) == 1
    assert [tuple(one) for one in client.zrange("z", 0, -1, withscores=True)] == [(b"b", 2.5), (b"a", 5.0), (b"c", float("inf"))]
    assert client.zrangebyscore("z", "(2.5", 5) == [b"a"] and [tuple(one) for one in client.zpopmin("z", 1)] == [(b"b", 2.5)]
    assert client.type("z") == b"zset" and client.exists("z", "h", "none") == 2 and client.rename("h", "h2")
    raises(redis.ResponseError, "WRONGTYPE", client.lpush, "z", 1)
    client.set("text", "abc")
    raises(redis.ResponseError, "not an integer", client.incr, "text")


def scans(client):
    client.flushdb()
    with client.pipeline(transaction=False) as pipe:
        for number in range(10_000):
            pipe.set(f"k:{number}", number)
            pipe.hset("h", number, number)
            pipe.sadd("s", f"m{number}")
            pipe.zadd("z", {number: number})
        assert len(pipe.execute()) == 40_000
    assert len(set(client.scan_iter("k:*", count=1000))) == 10_000
    assert len(dict(client.hscan_iter("h", count=1000))) == 10_000
    assert len(set(client.sscan_iter("s"))) == 10_000
    assert len(dict(client.zscan_iter("z"))) == 10_000
    assert len(list(client.scan_iter(_type="hash"))) == 1
    assert client.dbsize() == 10_003


def transactions(client):
    client.delete("counter", "log")

    def add(times):
        for _ in range(times):
            with client.pipeline() as pipe:
                while True:
                    try:
                        pipe.watch("counter")
                        value = int(pipe.get("counter") or 0)
                        pipe.multi()
                        pipe.set("counter", value + 1)
                        pipe.rpush("log", value)
                        pipe.execute()
                        break
                    except redis.WatchError:
                        continue

    threads = [threading.Thread(target=add, args=(25,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get("counter") == b"200"
    assert client.lrange("log", 0, -1) == [str(number).encode() for number in range(200)]
    with client.pipeline() as pipe:
        pipe.set("a", 1).lpush("a", 2).get("a")
        results = pipe.execute(raise_on_error=False)
    assert results[0] is True and isinstance(results[1], redis.ResponseError) and results[2] == b"1"


def publishing(client):
    listener = client.pubsub()
    listener.subscribe("news")
    listener.psubscribe("n?ws")
    confirmations = [listener.get_message(timeout=10)["type"] for _ in range(2)]
    assert confirmations == ["subscribe", "psubscribe"], confirmations
    for number in range(100):
        assert client.publish("news", number) == 2
    got = [listener.get_message(timeout=10) for _ in range(200)]
    for kind in ("message", "pmessage"):
        assert [int(one["data"]) for one in got if one["type"] == kind] == list(range(100))
    listener.unsubscribe("news")
    assert listener.get_message(timeout=10)["type"] == "unsubscribe"
    assert client.publish("news", "x") == 1
    listener.close()


def connections(client):
    assert client.ping() and client.echo("hello") == b"hello"
    assert client.client_setname("shop") and client.client_getname() in ("shop", b"shop")
    assert client.client_id() > 0 and any(one["name"] == "shop" for one in client.client_list())
    assert client.info()["redis_version"].startswith("7.") and client.config_get("maxmemory") is not None
    assert client.time()[0] > 1_600_000_000 and client.command_count() > 100
    for size in (1 << 20, 64 << 20):
        value = os.urandom(1 << 16) * (size >> 16)
        assert client.set("big", value) and client.get("big") == value
    client.delete("big")
    client.flushdb()
    wrong = redis.Redis.from_url(URL.replace("@", "x@", 1))
    raises(redis.AuthenticationError, "", wrong.ping)
    raises(redis.ResponseError, "unknown command", client.execute_command, "NOSUCH", "a")
    raises(redis.ResponseError, "wrong number of arguments", client.execute_command, "GET")
    for command in (("SHUTDOWN",), ("REPLICAOF", "NO", "ONE"), ("CONFIG", "SET", "dir", "/"), ("DEBUG", "SLEEP", "0")):
        raises(redis.ResponseError, "", client.execute_command, *command)
    assert client.ping()


async def many_tasks():
    client = redis.asyncio.Redis.from_url(URL, protocol=3, max_connections=50)
    await client.set("tasks", 0)

    async def task(number):
        for _ in range(20):
            await client.incr("tasks")
        await client.hset("done", number, "yes")

    await asyncio.gather(*(task(number) for number in range(50)))
    assert await client.get("tasks") == b"1000" and await client.hlen("done") == 50
    await client.aclose()


for options in ({}, {"protocol": 3}, {"health_check_interval": 1, "client_name": "app"}):
    client = redis.Redis.from_url(URL, **options)
    families(client)
    publishing(client)
    connections(client)
client = redis.Redis.from_url(URL)
scans(client)
transactions(client)
asyncio.run(many_tasks())
client.flushdb()
print(f"redis-py {redis.__version__}: ok")
