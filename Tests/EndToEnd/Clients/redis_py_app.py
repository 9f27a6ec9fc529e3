"""redis-py as an app uses it, at CACHE_URL: locks, transactions, pub/sub, streams with a group, scripts and blocking pops,
each beside an oracle of its own. With REPEAT_SECONDS all of them go on for so long, side by side."""

import threading
import uuid

import redis

from checks import Mismatch, equal, eventually, rounds, run, true, variable

URL = variable("CACHE_URL")
RUN = uuid.uuid4().hex[:8]


def connect(**options):
    return redis.Redis.from_url(URL, socket_timeout=15, **options)


def key(name):
    return f"{RUN}:{name}"


def locks():
    """Two threads count under a lock; without it they would read what the other one is about to write."""
    client = connect()
    count = [0, 0]

    def work(index):
        for _ in rounds():
            for _ in range(10):
                with client.lock(key("lock"), timeout=20, sleep=0.005):
                    value = int(client.get(key("guarded")) or 0)
                    client.set(key("guarded"), value + 1)
                count[index] += 1

    together(lambda: work(0), lambda: work(1))
    equal(int(client.get(key("guarded"))), sum(count))


def transactions():
    """Money moves between two accounts; somebody who watches in vain tries again."""
    client = connect()
    client.mset({key("here"): 1000, key("there"): 0})
    moved = 0
    for _ in rounds():
        for _ in range(10):
            while True:
                with client.pipeline() as pipe:
                    try:
                        pipe.watch(key("here"), key("there"))
                        here = int(pipe.get(key("here")))
                        pipe.multi()
                        pipe.set(key("here"), here - 1)
                        pipe.incr(key("there"))
                        equal(pipe.execute(), [True, moved + 1])
                        break
                    except redis.WatchError:
                        continue
            moved += 1
    equal([int(value) for value in client.mget(key("here"), key("there"))], [1000 - moved, moved])


def messages():
    """Every message comes once, in its order."""
    client = connect()
    listener = connect().pubsub(ignore_subscribe_messages=True)
    listener.subscribe(key("news"))
    listener.psubscribe(key("new?"))
    sent = 0
    got = {"message": [], "pmessage": []}

    def take(count):
        while any(seen[-1:] != [count] for seen in got.values()):
            message = listener.get_message(timeout=15)
            if message is not None:
                got[message["type"]].append(int(message["data"]))

    eventually("subscribed", lambda: client.publish(key("news"), 0) == 2)
    for _ in rounds():
        for _ in range(10):
            sent += 1
            equal(client.publish(key("news"), sent), 2)
    take(sent)
    for seen in got.values():
        equal([number for number in seen if number > 0], list(range(1, sent + 1)))
    listener.close()


def streams():
    """Two consumers of a group share what is added; each entry is given to one and acknowledged."""
    client = connect()
    client.xgroup_create(key("stream"), "group", id="0", mkstream=True)
    added, taken, done = [], [], threading.Event()

    def add():
        try:
            for number in rounds():
                added.extend(client.xadd(key("stream"), {"n": f"{number}:{index}"}) for index in range(10))
        finally:
            done.set()

    def consume(name):
        own = connect()
        while True:
            finished = done.is_set()
            found = own.xreadgroup("group", name, {key("stream"): ">"}, count=4, block=100)
            for entry, _ in found[0][1] if found else []:
                equal(own.xack(key("stream"), "group", entry), 1)
                taken.append(entry)
            if finished and not found:
                return

    together(add, lambda: consume("one"), lambda: consume("other"))
    equal(sorted(taken), sorted(added))
    equal(client.xpending(key("stream"), "group")["pending"], 0)


def scripts():
    """A script that counts, called by its hash."""
    client = connect()
    count = client.register_script("local n = redis.call('INCR', KEYS[1]); redis.call('RPUSH', KEYS[2], n); return n")
    called = 0
    for _ in rounds():
        for _ in range(10):
            called += 1
            equal(count(keys=[key("counted"), key("numbers")]), called)
    equal(client.lrange(key("numbers"), 0, -1), [b"%d" % number for number in range(1, called + 1)])


def blocking_pops():
    """What is pushed is popped once, in its order."""
    client = connect()
    pushed, popped, done = [], [], threading.Event()

    def push():
        try:
            for number in rounds():
                for index in range(10):
                    client.rpush(key("queue"), f"{number}:{index}")
                    pushed.append(f"{number}:{index}".encode())
        finally:
            client.rpush(key("queue"), "end")
            done.set()

    def pop():
        own = connect()
        while True:
            found = own.blpop([key("none"), key("queue")], timeout=5)
            if found is None:
                true(not done.is_set(), "a pop was woken in vain")
                continue
            if found[1] == b"end":
                return
            popped.append(found[1])

    together(push, pop)
    equal(popped, pushed)


def pipelines():
    """Fifty commands at a time, answered in their order."""
    client = connect()
    total = 0
    for _ in rounds():
        with client.pipeline(transaction=False) as pipe:
            for _ in range(50):
                pipe.incr(key("piped"))
            equal(pipe.execute(), list(range(total + 1, total + 51)))
        total += 50
    equal(int(client.get(key("piped"))), total)


def scans():
    """Every member that stays is met by every walk."""
    client = connect()
    client.sadd(key("set"), *range(2000))
    for number in rounds():
        client.set(key(f"passing:{number}"), 1, px=50)
        equal(len({int(member) for member in client.sscan_iter(key("set"), count=50)}), 2000)


def together(*parts):
    """Runs the parts side by side; the first error is raised."""
    errors = []

    def guarded(part):
        try:
            part()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def everything():
    """A name goes with an error, so that it is known which part has failed."""

    def named(part):
        def body():
            try:
                part()
            except Exception as error:
                raise Mismatch(f"{part.__name__}: {type(error).__name__}: {error}") from error

        return body

    parts = [locks, transactions, messages, streams, scripts, blocking_pops, pipelines, scans]
    together(*[named(part) for part in parts])


if __name__ == "__main__":
    run("redis_py_app", [("every part has what its oracle says", everything)])
