"""dramatiq, with its broker and its results at CACHE_URL: a worker of its own, retries, delays, pipelines and groups,
each message done once."""

import os
import sys
import uuid

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.rate_limits import ConcurrentRateLimiter
from dramatiq.rate_limits.backends import RedisBackend as LimiterBackend
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from checks import Child, equal, eventually, rounds, run, true, variable

URL = variable("CACHE_URL")
NAME = os.environ.get("DRAMATIQ_NAME") or f"dramatiq-{uuid.uuid4().hex[:8]}"
TASKS = 15

broker = RedisBroker(url=URL, namespace=NAME)
broker.add_middleware(Results(backend=RedisBackend(url=URL, namespace=f"{NAME}-results")))
dramatiq.set_broker(broker)


def connect():
    return redis.Redis.from_url(URL, socket_timeout=15)


@dramatiq.actor(store_results=True, queue_name=NAME)
def add(key, one, other):
    connect().incr(f"done:{key}")
    return one + other


@dramatiq.actor(store_results=True, queue_name=NAME)
def double(value):
    return value * 2


@dramatiq.actor(store_results=True, queue_name=NAME, max_retries=3, min_backoff=10, max_backoff=20)
def fails_once(key):
    if connect().incr(f"tried:{key}") == 1:
        raise ValueError("as it should, once")
    return "the second time"


def tasks_are_done():
    os.environ["DRAMATIQ_NAME"] = NAME
    wait = {"block": True, "timeout": 15_000}
    with Child(sys.executable, "-m", "dramatiq", "dramatiq_app", "-p", "1", "-t", "2", "-Q", NAME) as child:
        for number in rounds():
            mark = f"{NAME}:{number}"
            messages = [add.send(f"{mark}:{index}", index, index) for index in range(TASKS)]
            later = add.send_with_options(args=(f"{mark}:later", 1, 2), delay=200)
            chain = dramatiq.pipeline([add.message(f"{mark}:chain", 1, 2), double.message()]).run()
            group = dramatiq.group([double.message(index) for index in range(5)]).run()
            again = fails_once.send(mark)
            equal([message.get_result(**wait) for message in messages], [2 * index for index in range(TASKS)])
            equal(later.get_result(**wait), 3)
            equal(chain.get_result(**wait), 6)
            equal(list(group.get_results(**wait)), [0, 2, 4, 6, 8])
            eventually("its second result is there", lambda: connect().get(f"tried:{mark}") == b"2")
            keys = [f"done:{mark}:{index}" for index in range(TASKS)] + [f"done:{mark}:later", f"done:{mark}:chain"]
            equal(connect().mget(keys), [b"1"] * len(keys))
            true(again.message_id is not None, "the message has an id")
        true(child.process.poll() is None, "the worker still runs")


def limits_are_kept():
    limiter = ConcurrentRateLimiter(LimiterBackend(url=URL), f"{NAME}:limit", limit=2)
    with limiter.acquire() as first, limiter.acquire() as second:
        true(first and second, "two are let in")
        with limiter.acquire(raise_on_failure=False) as third:
            true(not third, "a third is not")
    with limiter.acquire(raise_on_failure=False) as again:
        true(again, "behind them there is room")


if __name__ == "__main__":
    import dramatiq_app

    run(
        "dramatiq_app",
        [
            ("tasks are done once, with results", dramatiq_app.tasks_are_done),
            ("limits are kept", dramatiq_app.limits_are_kept),
        ],
    )
