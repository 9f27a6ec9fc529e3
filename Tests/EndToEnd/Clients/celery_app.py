"""A Celery application on the URL in CACHE_URL.

    python celery_app.py        starts a worker, sends it 20 tasks, and reads their results
"""

import os
import subprocess
import sys

from celery import Celery

URL = os.environ["CACHE_URL"]
app = Celery("shop", broker=URL, backend=URL)
app.conf.broker_connection_retry_on_startup = False
app.conf.worker_hijack_root_logger = False


@app.task(name="add")
def add(a, b):
    return a + b


def main():
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "--pool", "solo", "-c", "1", "--loglevel", "warning"],
        cwd=os.path.dirname(os.path.abspath(__file__)))
    try:
        results = [add.delay(number, number) for number in range(20)]
        assert [result.get(timeout=30) for result in results] == [2 * number for number in range(20)]
    finally:
        worker.terminate()
        worker.wait(30)
    print("celery: ok")


if __name__ == "__main__":
    main()
