"""The shop's worker process: takes one job after the other and ships its order."""

import json
import signal
import sqlite3
import time

import greenstalk
import redis

import log
import settings
from cache import Counters
from jobs import TUBE
from orders import Orders

LOG = log.named("worker")


class Worker:
    def __init__(self) -> None:
        self.orders = Orders(settings.database_path())
        self.counters = Counters(settings.cache_url())
        self.address = settings.queue_address()
        self.stopping = False

    def stop(self, *_: object) -> None:
        """A signal only leaves a note: the job in hand is finished first."""
        self.stopping = True

    def run(self) -> None:
        while not self.stopping:
            try:
                with greenstalk.Client(self.address, watch=TUBE) as client:
                    LOG.info("waiting for jobs")
                    self.work(client)
            except OSError as error:
                # The queue went away, and its reservations with it: the job in hand comes again, to whoever asks.
                LOG.warning("queue: %s; trying again", error)
                time.sleep(0.2)

    def work(self, client: greenstalk.Client) -> None:
        while not self.stopping:
            try:
                job = client.reserve(timeout=1)  # so that a signal is noticed within a second
            except greenstalk.TimedOutError:
                continue
            try:
                self.ship(json.loads(job.body)["order"])
                client.delete(job)
            except sqlite3.Error as error:
                LOG.warning("job %d: %s; again in a second", job.id, error)
                client.release(job, delay=1)
            except (ValueError, KeyError, TypeError) as error:
                LOG.error("job %d makes no sense, buried: %r", job.id, error)
                client.bury(job)

    def ship(self, order: int) -> None:
        """Idempotent: a job may come twice, an order is shipped and counted once."""
        if not self.orders.ship(order):
            LOG.info("order %s: nothing to ship", order)
            return
        LOG.info("order %s shipped", order)
        try:
            self.counters.add("shipped")
        except redis.RedisError as error:
            LOG.warning("order %s is not counted: %s", order, error)


def main() -> None:
    worker = Worker()
    for number in signal.SIGTERM, signal.SIGINT:
        signal.signal(number, worker.stop)
    worker.run()
    LOG.info("stopped")


if __name__ == "__main__":
    main()
