"""greenstalk, unmodified, on the URL in QUEUE_URL. Prints one line and ends with 0."""

import os
import threading
from urllib.parse import urlparse

import greenstalk

URL = urlparse(os.environ["QUEUE_URL"])


def connect(**options):
    return greenstalk.Client((URL.hostname, URL.port), **options)


def raises(error, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except error:
        return
    raise AssertionError(f"{call.__name__}{arguments} raised nothing")


with connect() as client:
    first = client.put("low", priority=10)
    urgent = client.put("high", priority=1)
    assert (client.peek(first).body, client.peek_ready().id) == ("low", urgent)
    job = client.reserve(timeout=5)
    assert (job.id, job.body) == (urgent, "high")
    client.touch(job)
    client.release(job, priority=20)
    job = client.reserve()
    assert job.id == first
    client.bury(job, priority=10)
    assert client.peek_buried().id == first and client.kick(10) == 1
    assert client.stats_job(first)["state"] == "ready" and client.stats_job(first)["kicks"] == 1
    for expected in (first, urgent):
        job = client.reserve(timeout=5)
        assert job.id == expected
        client.delete(job)
    raises(greenstalk.TimedOutError, client.reserve, timeout=0)
    raises(greenstalk.NotFoundError, client.peek_ready)
    raises(greenstalk.NotFoundError, client.delete, 999_999)
    raises(greenstalk.JobTooBigError, client.put, "x" * 65_536)
    later = client.put("later", delay=3600)
    assert client.peek_delayed().id == later
    client.kick_job(later)
    client.delete(client.reserve(timeout=5))
    assert client.stats()["version"] and client.stats()["cmd-put"] >= 3

    client.use("mail")
    client.watch("mail")
    client.ignore("default")
    assert client.using() == "mail" and client.watching() == ["mail"] and "mail" in client.tubes()
    raises(greenstalk.NotIgnoredError, client.ignore, "mail")
    client.put("one")
    assert client.stats_tube("mail")["current-jobs-ready"] == 1
    client.pause_tube("mail", 3600)
    raises(greenstalk.TimedOutError, client.reserve, timeout=0)
    client.pause_tube("mail", 0)
    client.delete(client.reserve(timeout=5))

with connect(encoding=None) as client:
    client.put(bytes(range(256)) + b"\r\n")
    assert client.reserve(timeout=5).body == bytes(range(256)) + b"\r\n"
# The connection is closed: its job goes back.
with connect(encoding=None) as client:
    client.delete(client.reserve(timeout=5))

done = []


def work():
    with connect() as consumer:
        while (job := consumer.reserve(timeout=30)).body != "end":
            done.append(int(job.body))
            consumer.delete(job)
        consumer.delete(job)


workers = [threading.Thread(target=work) for _ in range(4)]
for worker in workers:
    worker.start()
with connect() as producer:
    for number in range(1000):
        producer.put(str(number))
    for _ in workers:
        producer.put("end")
for worker in workers:
    worker.join()
assert sorted(done) == list(range(1000))
print("greenstalk: ok")
