"""Sessions and counters, kept in Redis. Both may be lost: what must not be is an order (orders.py)."""

import secrets
import time

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry


def connect(url: str, retries: int) -> redis.Redis:
    """A client with a connection pool, shared by all threads. A closed idle connection is replaced by the pool."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=5,
        socket_connect_timeout=5,
        retry=Retry(ConstantBackoff(0.1), retries),
        retry_on_error=[redis.ConnectionError],
    )


class Sessions:
    """A session is a hash with a time to live; a sorted set of their ends makes them countable.

    Every command here is idempotent: run twice it leaves what it leaves when run once. So a command whose connection
    broke before the reply came (the server restarted, or was exchanged) is sent once more, 0.1 s later, on a new one.
    """

    def __init__(self, url: str, seconds: int) -> None:
        self.redis = connect(url, retries=1)
        self.seconds = seconds

    def find_or_begin(self, session: str | None) -> str:
        """Prolong the session of this cookie; where there is none, or it has ended, begin a new one."""
        if not session or not self.redis.exists(f"session:{session}"):
            session = secrets.token_urlsafe(16)
        self.save(session, seen=int(time.time()))
        return session

    def save(self, session: str, **fields: str | int) -> None:
        with self.redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(f"session:{session}", mapping=fields)
            pipeline.expire(f"session:{session}", self.seconds)
            pipeline.zadd("sessions", {session: time.time() + self.seconds})
            pipeline.execute()

    def count(self) -> int:
        self.redis.zremrangebyscore("sessions", "-inf", time.time())
        return self.redis.zcard("sessions")

    def ping(self) -> None:
        self.redis.ping()


class Counters:
    """Numbers that only grow. HINCRBY is not idempotent, so it is never retried: a number that is one short after a
    broken connection is better than one that counts an order twice, and no reason to refuse an order."""

    def __init__(self, url: str) -> None:
        self.redis = connect(url, retries=0)

    def add(self, name: str, amount: int = 1) -> None:
        self.redis.hincrby("counters", name, amount)

    def all(self) -> dict[str, int]:
        return {name: int(value) for name, value in self.redis.hgetall("counters").items()}
