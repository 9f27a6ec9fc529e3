"""What the shop does, without HTTP: four backing services, each reached by a URL of the environment."""

import logging
import sqlite3

import greenstalk
import redis

import settings
from cache import Counters, Sessions
from jobs import Jobs
from orders import Orders

LOG = logging.getLogger("web")

# What a backing service that is away, or says no, makes a client raise (ConnectionError is an OSError).
BROKEN = (redis.RedisError, greenstalk.Error, sqlite3.Error, OSError)


class Shop:
    def __init__(self) -> None:
        self.sessions = Sessions(settings.cache_url(), settings.session_seconds())
        self.counters = Counters(settings.cache_url())
        self.jobs = Jobs(settings.queue_address())
        self.orders = Orders(settings.database_path())

    def place(self, item: str, quantity: int, session: str) -> dict:
        """The order, placed: it is in the database and its job in the queue, or neither is."""
        order = self.orders.place(item, quantity, then=self.jobs.put)
        try:
            self.counters.add("placed")
            self.counters.add("items", quantity)
            self.sessions.save(session, last_order=order)
        except redis.RedisError as error:
            LOG.warning("order %d is placed but not counted: %s", order, error)
        return {"id": order, "item": item, "quantity": quantity, "status": "placed"}

    def numbers(self) -> dict:
        return {"orders": self.orders.count(), "counters": self.counters.all(), "sessions": self.sessions.count()}

    def health(self) -> dict[str, str]:
        """What each backing service answers: "ok", or what is wrong."""
        checks = {"cache": self.sessions.ping, "queue": self.jobs.ping, "database": self.orders.count}
        report = {}
        for name, check in checks.items():
            try:
                check()
                report[name] = "ok"
            except BROKEN as error:
                report[name] = str(error)
        return report

    def close(self) -> None:
        self.jobs.close()
