"""huey, with its queue at CACHE_URL: a consumer of its own, tasks with results, retries, delays and pipelines, each
done once."""

import os
import sys
import uuid

import redis
from huey import RedisHuey
from huey.exceptions import TaskException

from checks import Child, equal, eventually, rounds, run, true, variable

URL = variable("CACHE_URL")
NAME = os.environ.get("HUEY_NAME") or f"huey-{uuid.uuid4().hex[:8]}"
TASKS = 15

huey = RedisHuey(NAME, url=URL)


def connect():
    return redis.Redis.from_url(URL, socket_timeout=15)


@huey.task()
def add(key, one, other):
    connect().incr(f"done:{key}")
    return one + other


@huey.task()
def double(value):
    return value * 2


@huey.task(retries=1)
def fails_once(key):
    if connect().incr(f"tried:{key}") == 1:
        raise ValueError("as it should, once")
    return "the second time"


def second(result):
    try:
        return result.get()
    except TaskException:
        return result.reset()


def tasks_are_done():
    os.environ["HUEY_NAME"] = NAME
    with Child(sys.executable, "-m", "huey.bin.huey_consumer", "huey_app.huey", "-w", "2", "-k", "thread") as child:
        for number in rounds():
            mark = f"{NAME}:{number}"
            results = [add(f"{mark}:{index}", index, index) for index in range(TASKS)]
            later = add.schedule((f"{mark}:later", 1, 2), delay=0.2)
            chain = huey.enqueue(add.s(f"{mark}:chain", 1, 2).then(double))
            again = fails_once(mark)
            wait = {"blocking": True, "timeout": 15}
            equal([result.get(**wait) for result in results], [2 * index for index in range(TASKS)])
            equal(later.get(**wait), 3)
            equal([result.get(**wait) for result in chain], [3, 6])
            # Until it is tried again its result is its failure.
            eventually("it is tried again", lambda: connect().get(f"tried:{mark}") == b"2")
            again.reset()
            eventually("its second result is there", lambda: second(again) == "the second time")
            keys = [f"done:{mark}:{index}" for index in range(TASKS)] + [f"done:{mark}:later", f"done:{mark}:chain"]
            equal(connect().mget(keys), [b"1"] * len(keys))
            equal(connect().get(f"tried:{mark}"), b"2")
        true(child.process.poll() is None, "the consumer still runs")
    equal(huey.pending_count(), 0)


if __name__ == "__main__":
    import huey_app

    run("huey_app", [("tasks are done once, with results", huey_app.tasks_are_done)])
