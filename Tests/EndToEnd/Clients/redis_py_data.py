"""The steps of redis_py.py that are about data: every type, expiry, and scanning."""

import time
import urllib.parse

import redis

from checks import equal, raises, true, variable

URL = variable("CACHE_URL")
SCAN_COUNT = 10_000


def connect(protocol, **options):
    options.setdefault("socket_timeout", 8)
    return redis.Redis.from_url(URL, protocol=protocol, **options)


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
    # As sets: SCAN may give an element more than once.
    equal(set(client.scan_iter(match="n:*", count=500)), set(names))
    equal(set(client.scan_iter(match="n:0012*")), set(names[120:130]))
    equal(set(client.scan_iter(_type="zset", count=1000)), {b"z"})
    equal(dict(client.hscan_iter("h", count=500)), {name: name for name in names})
    equal(set(client.sscan_iter("s", count=500)), set(names))
    equal(dict(client.zscan_iter("z", count=500)), {name: float(name[2:]) for name in names})
    # What is there all the time is found, whatever comes and goes meanwhile.
    seen = set()
    for number, name in enumerate(client.scan_iter(match="n:*", count=100)):
        seen.add(name)
        if number % 50 == 0:
            client.set(f"new:{number}", 1)
            client.delete(f"new:{number - 50}")
    equal(seen, set(names))


DATA = [strings, bits, hashes, lists, sets, sorted_sets, keys_and_expiry, scans]
