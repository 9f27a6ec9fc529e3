"""greenstalk against QUEUE_URL: all of its methods, on tubes that it leaves empty.

Nothing here sleeps: what takes time is waited for by reserving with a timeout.
"""

import threading
import time
import urllib.parse

import greenstalk

from checks import equal, raises, run, true, variable

PLACE = urllib.parse.urlsplit(variable("QUEUE_URL"))
PRIORITY = 1000


def connect(tube="default", watch=None, encoding=None):
    client = greenstalk.Client((PLACE.hostname, PLACE.port), encoding=encoding, use=tube, watch=watch or tube)
    client._sock.settimeout(9)
    return client


def drain(*tubes):
    """Deletes every job of these tubes that is not reserved."""
    with connect() as client:
        for tube in tubes:
            client.use(tube)
            for peek in (client.peek_ready, client.peek_delayed, client.peek_buried):
                try:
                    while True:
                        client.delete(peek())
                except greenstalk.NotFoundError:
                    pass


def life_of_a_job():
    with connect("life") as client:
        id = client.put(b"body", priority=PRIORITY, ttr=30)
        job = client.peek(id)
        equal((job.id, job.body), (id, b"body"))
        job = client.reserve(timeout=0)
        equal((job.id, job.body), (id, b"body"))
        stats = client.stats_job(job)
        equal((stats["state"], stats["tube"], stats["pri"], stats["ttr"]), ("reserved", "life", PRIORITY, 30))
        true(29 <= stats["time-left"] <= 30, "time-left counts down from the TTR")
        client.touch(job)
        client.release(job, priority=PRIORITY + 1)
        stats = client.stats_job(id)
        equal((stats["state"], stats["pri"], stats["reserves"], stats["releases"]), ("ready", PRIORITY + 1, 1, 1))
        job = client.reserve()
        client.bury(job, priority=PRIORITY + 2)
        equal(client.peek_buried().id, id)
        stats = client.stats_job(id)
        equal((stats["state"], stats["pri"], stats["buries"]), ("buried", PRIORITY + 2, 1))
        client.kick_job(id)
        equal(client.stats_job(id)["kicks"], 1)
        equal(client.peek_ready().id, id)
        client.delete(client.reserve_job(id))
        with raises(greenstalk.NotFoundError):
            client.peek(id)


def order():
    with connect("order") as client:
        for priority in [5, 1, 2**32 - 1, 0, 5, 1]:
            client.put(b"%d" % priority, priority=priority)
        jobs = [client.reserve(timeout=0) for _ in range(6)]
        equal([job.body for job in jobs], [b"0", b"1", b"1", b"5", b"5", b"4294967295"])
        equal([job.id for job in jobs if job.body == b"5"], sorted(job.id for job in jobs if job.body == b"5"))
        for job in reversed(jobs):
            client.release(job, priority=7)
        # One priority: the order in which they were released makes no difference, that of their ids does.
        again = [client.reserve(timeout=0) for _ in range(6)]
        equal([job.id for job in again], sorted(job.id for job in jobs))
        for job in again:
            client.delete(job)


def delays():
    with connect("delays") as client:
        second = client.put(b"second", delay=2)
        first = client.put(b"first", delay=1)
        later = client.put(b"later", delay=1000)
        equal(client.stats_job(first)["state"], "delayed")
        equal(client.peek_delayed().id, first)
        with raises(greenstalk.NotFoundError):
            client.peek_ready()
        with raises(greenstalk.TimedOutError):
            client.reserve(timeout=0)
        started = time.monotonic()
        equal([client.reserve(timeout=5).id for _ in range(2)], [first, second])
        true(1.9 <= time.monotonic() - started < 4.5, "delays of 1 and 2 seconds take 2 seconds")
        equal(client.kick(10), 1)
        job = client.reserve(timeout=0)
        equal(job.id, later)
        client.release(job, delay=1000)
        equal(client.stats_job(later)["delay"], 1000)
        for id in (first, second, later):
            client.delete(id)


def time_to_run():
    with connect("ttr") as holder, connect("ttr") as other:
        id = holder.put(b"job", ttr=1)
        equal(holder.reserve(timeout=0).id, id)
        with raises(greenstalk.NotFoundError):
            other.delete(id)  # reserved by another
        # Within the last second of a job that it holds, a client is told instead of being given another.
        with raises(greenstalk.DeadlineSoonError):
            holder.reserve(timeout=5)
        job = other.reserve(timeout=5)
        equal(job.id, id)
        equal(other.stats_job(id)["timeouts"], 1)
        with raises(greenstalk.NotFoundError):
            holder.touch(job)
        other.delete(job)
        # A client that goes gives back what it holds.
        id = holder.put(b"left")
        leaver = connect("ttr")
        equal(leaver.reserve(timeout=0).id, id)
        leaver.close()
        job = other.reserve(timeout=5)
        equal(job.id, id)
        other.delete(job)


def one_that_goes_takes_nothing():
    """A job that is put after a waiting worker was killed is not given to the dead."""
    with connect("gone") as client:
        worker = connect("gone")
        worker._sock.sendall(b"reserve\r\n")
        eventually("a client waits", lambda: client.stats_tube("gone")["current-waiting"] == 1)
        worker.close()
        eventually("it waits no more", lambda: client.stats_tube("gone")["current-waiting"] == 0)
        id = client.put(b"job")
        equal(client.reserve(timeout=0).id, id)
        client.delete(id)


def eventually(what, condition):
    until = time.monotonic() + 4
    while not condition():
        true(time.monotonic() < until, f"{what}, within 4 s")


def buried_jobs():
    with connect("buried") as client:
        ids = [client.put(b"%d" % number) for number in range(5)]
        for _ in ids:
            client.bury(client.reserve(timeout=0))
        equal(client.peek_buried().id, ids[0])
        equal(client.kick(2), 2)
        equal([client.reserve(timeout=0).id for _ in range(2)], ids[:2])
        equal(client.kick(100), 3)
        equal(client.kick(100), 0)
        for id in ids:
            client.delete(id)


def bodies():
    with connect("bodies") as client:
        for body in [b"", b"\r\n", b"\0" * 100, bytes(range(256)) * 255, b"x" * 65_535]:
            id = client.put(body)
            job = client.reserve(timeout=0)
            equal((job.id, job.body), (id, body))
            client.delete(job)
        with raises(greenstalk.JobTooBigError):
            client.put(b"x" * 65_536)
        with raises(greenstalk.JobTooBigError):
            client.put(b"x" * 5_000_000)
        equal(client.using(), "bodies")  # and the connection goes on where the body ends
    with connect("bodies", encoding="utf-8") as client:
        client.put("Größe")
        job = client.reserve(timeout=0)
        equal(job.body, "Größe")
        client.delete(job)


def tubes():
    with connect() as client:
        equal(client.using(), "default")
        equal(client.watching(), ["default"])
        client.use("one")
        equal(client.watch("one"), 2)
        equal(client.watch("two"), 3)
        equal(client.watch("two"), 3)
        equal(client.using(), "one")
        equal(client.watching(), ["default", "one", "two"])
        true({"default", "one", "two"} <= set(client.tubes()), "tubes that are used or watched are listed")
        equal(client.ignore("default"), 2)
        equal(client.ignore("two"), 1)
        with raises(greenstalk.NotIgnoredError):
            client.ignore("one")
        true("two" not in client.tubes(), "a tube that nobody uses is gone")
        longest = "t" * 200
        client.use(longest)
        equal(client.using(), longest)
        for name in ["t" * 201, "-minus", "a b", "a*"]:
            with connect() as other, raises(greenstalk.BadFormatError):
                other.use(name)
    # From one of several watched tubes, the most urgent job first.
    with connect("one") as producer, connect(watch=["one", "two"]) as consumer:
        producer.put(b"less", priority=2)
        producer.use("two")
        producer.put(b"more", priority=1)
        jobs = [consumer.reserve(timeout=0) for _ in range(2)]
        equal([job.body for job in jobs], [b"more", b"less"])
        for job in jobs:
            consumer.delete(job)


def pauses():
    with connect("pauses") as client:
        id = client.put(b"job")
        client.pause_tube("pauses", 1)
        stats = client.stats_tube("pauses")
        equal((stats["pause"], stats["cmd-pause-tube"]), (1, 1))
        with raises(greenstalk.TimedOutError):
            client.reserve(timeout=0)
        started = time.monotonic()
        equal(client.reserve(timeout=5).id, id)
        true(0.8 <= time.monotonic() - started < 3, "a pause of 1 second ends after 1 second")
        client.delete(id)
        client.pause_tube("pauses", 1000)
        client.put(b"job")
        client.pause_tube("pauses", 0)
        client.delete(client.reserve(timeout=5))
        with raises(greenstalk.NotFoundError):
            client.pause_tube("none", 1)


def statistics():
    with connect("stats") as client:
        before = client.stats()
        equal(set(greenstalk.Stats.__annotations__) - set(before), set())
        equal(before["max-job-size"], 65_535)
        client.put(b"ready", priority=1)
        client.put(b"delayed", delay=100)
        job = client.reserve(timeout=0)
        after = client.stats()
        for name, more in [
            ("cmd-put", 2), ("cmd-reserve-with-timeout", 1), ("total-jobs", 2), ("current-jobs-delayed", 1),
            ("current-jobs-reserved", 1), ("current-jobs-ready", 0), ("cmd-stats", 1),
        ]:  # fmt: skip
            equal((name, after[name] - before[name]), (name, more))
        tube = client.stats_tube("stats")
        equal(set(greenstalk.StatsTube.__annotations__) - set(tube), set())
        equal((tube["name"], tube["total-jobs"], tube["current-jobs-delayed"]), ("stats", 2, 1))
        equal((tube["current-using"], tube["current-watching"]), (1, 1))
        equal(set(greenstalk.StatsJob.__annotations__) - set(client.stats_job(job)), set())
        client.delete(job)
        drain("stats")
        equal(client.stats()["current-jobs-delayed"], before["current-jobs-delayed"])


def errors():
    with connect("errors") as client:
        for call in [client.peek, client.delete, client.kick_job, client.stats_job, client.reserve_job]:
            with raises(greenstalk.NotFoundError):
                call(2**40)
        gone = greenstalk.Job(2**40, b"")
        for call in [client.release, client.bury, client.touch]:
            with raises(greenstalk.NotFoundError):
                call(gone)
        for call in [client.peek_ready, client.peek_delayed, client.peek_buried]:
            with raises(greenstalk.NotFoundError):
                call()
        with raises(greenstalk.NotFoundError):
            client.stats_tube("none")
        with raises(greenstalk.UnknownCommandError):
            client._send_cmd(b"nosuch", b"OK")
        with raises(greenstalk.BadFormatError):
            client._send_cmd(b"peek one", b"FOUND")
        with raises(greenstalk.BadFormatError):
            client.put(b"", priority=2**32)
    with connect("errors") as client, raises(greenstalk.ExpectedCrlfError):
        client._send_cmd(b"put 0 0 1 1\r\nlonger", b"INSERTED")


def two_consumers():
    """Every one of 400 jobs is done once, by one of two threads; both have to do with it."""
    total, done, failures = 400, [[], []], []
    meeting = threading.Barrier(2)

    def consume(mine):
        try:
            with connect("work") as client:
                mine.append(client.reserve(timeout=5))
                meeting.wait(5)  # both hold one before either goes on
                client.delete(mine[0])
                while (job := client.reserve(timeout=5)).body != b"end":
                    mine.append(job)
                    client.delete(job)
                client.delete(job)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=consume, args=(mine,), daemon=True) for mine in done]
    for thread in threads:
        thread.start()
    with connect("work") as producer:
        ids = [producer.put(b"%d" % number, priority=1) for number in range(total)]
        for _ in threads:
            producer.put(b"end", priority=2)
        for thread in threads:
            thread.join(9)
        if failures:
            raise failures[0]
        true(not any(thread.is_alive() for thread in threads), "both consumers end")
        equal(sorted(job.id for mine in done for job in mine), ids)
        with raises(greenstalk.NotFoundError):
            producer.peek_ready()


def pipelining():
    """A client may send before it has read: replies come in the order of the commands, over any split."""
    with connect("pipe") as client:
        count = 500
        sent = b"".join(b"put 1 0 60 4\r\n%04d\r\n" % number for number in range(count))
        client._sock.sendall(sent + b"reserve-with-timeout 0\r\n" * count)
        ids = [client._reader.readline().split()[1] for _ in range(count)]
        for number, id in enumerate(ids):
            equal(client._reader.readline(), b"RESERVED %s 4\r\n" % id)
            equal(client._reader.readline(), b"%04d\r\n" % number)
        client._sock.sendall(b"".join(b"delete %s\r\n" % id for id in ids))
        equal({client._reader.readline() for _ in ids}, {b"DELETED\r\n"})


STEPS = [
    life_of_a_job, order, delays, time_to_run, one_that_goes_takes_nothing, buried_jobs, bodies, tubes, pauses,
    statistics, errors, two_consumers, pipelining,
]  # fmt: skip


if __name__ == "__main__":
    equal(greenstalk.__version__, "2.1.1")
    run("greenstalk_client", [(step.__name__.replace("_", " "), step) for step in STEPS])
