"""Celery, with broker and results at CACHE_URL: a worker of its own and 20 tasks.

Against a server that has all the commands of NEEDED the tasks have to be done, with their results, by `celery worker`.
Where some are missing it is checked that these are BRPOP and the scripts and no other, that the worker and a consumer
fail by naming them, and that everything else of Celery's works: sending tasks, storing and reading results.

What each is for: BRPOP takes tasks from a queue. The scripts release the lock (redis-py's Lock) under which a worker,
as it starts, puts back what dead workers have left: without them it ends before it asks for its first task.
"""

import logging
import os
import re
import subprocess
import sys
import time
import uuid

import celery
import redis

from checks import Child, equal, raises, rounds, run, true, variable

logging.getLogger("push_response").disabled = True
URL = variable("CACHE_URL")
TASKS = 20
NEEDED = {
    "brpop", "del", "evalsha", "exec", "expire", "get", "hdel", "hset", "incrby", "llen", "lpush", "multi", "ping",
    "psubscribe", "publish", "sadd", "script|load", "set", "setex", "srem", "subscribe", "unsubscribe", "zadd",
    "zcount", "zrange", "zrem", "zrevrangebyscore",
}  # fmt: skip
ABSENT = {"brpop", "evalsha", "script|load"}

app = celery.Celery("celery_app", broker=URL, backend=URL)
app.conf.broker_connection_retry_on_startup = False
app.conf.worker_hijack_root_logger = False


@app.task
def add(one, other):
    return one + other


@app.task
def total(numbers):
    return sum(numbers)


@app.task(autoretry_for=(ValueError,), retry_kwargs={"max_retries": 2, "countdown": 0})
def fails_once(mark):
    if connect().incr(f"tried:{mark}") == 1:
        raise ValueError("as it should, once")
    return "the second time"


@app.task
def broken():
    raise ValueError("as it should")


def Worker():
    """`celery worker` in a process of its own."""
    options = ["--pool", "solo", "-c", "1", "-l", "info"]
    return Child(sys.executable, "-m", "celery", "-A", "celery_app", "worker", *options)


def connect():
    return redis.Redis.from_url(URL, socket_timeout=8)


def calls():
    """How often each command was called, as the server counts it."""
    return {name[8:]: facts["calls"] for name, facts in connect().info("commandstats").items()}


def absent_commands():
    names = sorted(NEEDED)
    return {name for name, info in zip(names, connect().execute_command("COMMAND INFO", *names)) if info is None}


def done_by_a_worker():
    before = calls()
    with Worker() as worker:
        for _ in rounds():
            results = [add.delay(number, number) for number in range(TASKS)]
            equal([result.get(timeout=8) for result in results], [2 * number for number in range(TASKS)])
            with raises(ValueError, "as it should"):
                broken.delay().get(timeout=5)
            # Chained: the result of one is sent on as a task by the worker.
            equal((add.s(1, 2) | add.s(3)).delay().get(timeout=5), 6)
            # Delayed: the worker holds it, unacknowledged, until its time.
            equal(add.apply_async((4, 5), countdown=0.2).get(timeout=5), 9)
            # Once more after a failure.
            mark = uuid.uuid4().hex
            equal(fails_once.delay(mark).get(timeout=5), "the second time")
            equal(connect().get(f"tried:{mark}"), b"2")
            # Together, with one task behind all of them.
            equal(celery.chord([add.s(number, 1) for number in range(4)])(total.s()).get(timeout=8), 10)
        worker.process.terminate()
        equal(worker.process.wait(5), 0)
    true("Warm shutdown" in worker.said(), "the worker ends when it is told to")
    equal(connect().llen("celery"), 0)
    equal(connect().hlen("unacked"), 0)
    if "REPEAT_SECONDS" in os.environ:
        return  # others ask the server, too
    # NEEDED is what Celery uses: the server has counted. The rest is of logging in and of this script.
    used = {name for name, count in calls().items() if count > before.get(name, 0)}
    extra = used - NEEDED - {"auth", "hello", "select", "info", "command|info", "hlen", "client|setinfo", "client|id"}
    equal(extra, set())


def refused_in_words():
    with Worker() as worker:
        until = time.monotonic() + 8
        while worker.process.poll() is None and time.monotonic() < until:
            try:
                worker.process.wait(0.1)
            except subprocess.TimeoutExpired:
                pass
    named = {name.lower() for name in re.findall(r"unknown command '([A-Za-z]+)'", worker.said())}
    true(named, f"the worker names a command that is missing: {worker.said()[-500:]}")
    true(named <= ABSENT, f"the worker misses {sorted(named)}")
    with app.connection() as connection, connection.SimpleQueue("celery") as queue:
        with raises(redis.ResponseError, "unknown command 'BRPOP'"):
            queue.get(timeout=1)


def sent_and_stored():
    connect().flushdb()
    results = [add.delay(number, number) for number in range(TASKS)]
    equal(connect().llen("celery"), TASKS)
    for number, result in enumerate(results):
        app.backend.store_result(result.id, 2 * number, "SUCCESS")
    equal([result.get(timeout=5) for result in results], [2 * number for number in range(TASKS)])
    results[0].forget()
    equal(app.AsyncResult(results[0].id).status, "PENDING")
    equal(app.control.purge(), TASKS)


def main():
    equal(celery.__version__, "5.5.3")
    try:
        connect().flushdb()
        absent = absent_commands()
    except redis.RedisError as error:
        sys.exit(f"celery_app: asking the server what it has: {error}")
    if not absent:
        run("celery_app", [("a worker does the tasks", done_by_a_worker)])
    else:
        run(
            "celery_app",
            [
                (f"only {', '.join(sorted(ABSENT))} are missing", lambda: equal(absent, ABSENT)),
                ("a worker and a consumer name them", refused_in_words),
                ("sending and storing work", sent_and_stored),
            ],
            note=f"; no worker runs without {', '.join(sorted(absent)).upper().replace('|', ' ')}",
        )
    connect().flushdb()


if __name__ == "__main__":
    main()
