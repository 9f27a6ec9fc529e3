"""RQ, with its queue at CACHE_URL: a worker of its own, jobs with results, retries and dependencies, each done once."""

import sys
import uuid

import redis
import rq

from checks import Child, equal, eventually, rounds, run, true, variable

URL = variable("CACHE_URL")
JOBS = 12


def connect():
    return redis.Redis.from_url(URL, socket_timeout=15)


def add(key, one, other):
    """The number of times it was done is kept beside the result."""
    connect().incr(f"done:{key}")
    return one + other


def fails_once(key):
    if connect().incr(f"tried:{key}") == 1:
        raise ValueError("as it should, once")
    return "the second time"


def finished(queue, job):
    """A transaction that is refused once leaves a dependent job to the maintenance, which workers do every ten minutes."""
    if job.get_status() == rq.job.JobStatus.READY_TO_ENQUEUE:
        queue.ready_job_registry.cleanup()
    return job.get_status() == rq.job.JobStatus.FINISHED


def jobs_are_done():
    name = f"jobs-{uuid.uuid4().hex[:8]}"
    worker = [sys.executable, "-m", "rq.cli", "worker", "--url", URL, "--worker-class", "rq.SimpleWorker", name]
    with Child(*worker) as child:
        queue = rq.Queue(name, connection=connect())
        for number in rounds():
            mark = f"{name}:{number}"
            jobs = [queue.enqueue(add, f"{mark}:{index}", index, index) for index in range(JOBS)]
            behind = queue.enqueue(add, f"{mark}:behind", 1, 2, depends_on=jobs[-1])
            again = queue.enqueue(fails_once, mark, retry=rq.Retry(max=2))
            for job in [*jobs, behind, again]:
                eventually(f"{job.id} is finished", lambda job=job: finished(queue, job))
            equal([job.return_value() for job in jobs], [2 * index for index in range(JOBS)])
            equal(behind.return_value(), 3)
            equal(again.return_value(), "the second time")
            keys = [f"done:{mark}:{index}" for index in range(JOBS)] + [f"done:{mark}:behind"]
            equal(connect().mget(keys), [b"1"] * len(keys))
            equal(connect().get(f"tried:{mark}"), b"2")
        true(child.process.poll() is None, "the worker still runs")
        equal(len(queue), 0)
        equal(len(queue.failed_job_registry), 0)


if __name__ == "__main__":
    # Jobs name their functions by module: the worker is another process.
    import rq_app

    run("rq_app", [("jobs are done once, in their order, with results", rq_app.jobs_are_done)])
