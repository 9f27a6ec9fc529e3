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
import tempfile
import time

import celery
import redis

from checks import equal, raises, run, true, variable

logging.getLogger("push_response").disabled = True
URL = variable("CACHE_URL")
TASKS = 20
NEEDED = {
    "brpop", "del", "evalsha", "exec", "get", "hdel", "hset", "llen", "lpush", "multi", "ping", "psubscribe",
    "publish", "sadd", "script|load", "set", "setex", "srem", "subscribe", "unsubscribe", "zadd", "zrem",
    "zrevrangebyscore",
}  # fmt: skip
ABSENT = {"brpop", "evalsha", "script|load"}

app = celery.Celery("celery_app", broker=URL, backend=URL)
app.conf.broker_connection_retry_on_startup = False
app.conf.worker_hijack_root_logger = False


@app.task
def add(one, other):
    return one + other


@app.task
def broken():
    raise ValueError("as it should")


class Worker:
    """`celery worker` in a process of its own, which is ended with the block."""

    def __enter__(self):
        self.log = tempfile.NamedTemporaryFile(mode="w+", suffix=".log")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "--pool", "solo", "-c", "1", "-l", "info"],
            cwd=os.path.dirname(os.path.abspath(__file__)),
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def said(self):
        with open(self.log.name) as log:
            return log.read()


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
        try:
            results = [add.delay(number, number) for number in range(TASKS)]
            equal([result.get(timeout=8) for result in results], [2 * number for number in range(TASKS)])
            with raises(ValueError, "as it should"):
                broken.delay().get(timeout=5)
            # Chained: the result of one is sent on as a task by the worker.
            equal((add.s(1, 2) | add.s(3)).delay().get(timeout=5), 6)
            # Delayed: the worker holds it, unacknowledged, until its time.
            equal(add.apply_async((4, 5), countdown=0.2).get(timeout=5), 9)
        except Exception:
            sys.stderr.write(worker.said())
            raise
        worker.process.terminate()
        equal(worker.process.wait(5), 0)
    true("Warm shutdown" in worker.said(), "the worker ends when it is told to")
    equal(connect().llen("celery"), 0)
    equal(connect().hlen("unacked"), 0)
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
