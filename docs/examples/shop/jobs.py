"""Jobs for the worker, in a beanstalk queue."""

import json
import threading

import greenstalk

TUBE = "orders"


class Jobs:
    """Puts jobs. One connection, shared by all threads, opened when it is first needed."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.client: greenstalk.Client | None = None
        self.lock = threading.Lock()

    def put(self, order: int) -> None:
        # Twice in the queue is harmless: the worker ships an order once, however often it is told to.
        self.call(lambda client: client.put(json.dumps({"order": order})))

    def ping(self) -> None:
        self.call(lambda client: client.using())

    def call(self, action) -> None:
        """Run it; when the connection turns out to be closed, once more on a new one."""
        with self.lock:
            if self.client is not None:
                try:
                    return action(self.client)
                except OSError:  # ConnectionError is one
                    self.close()
            self.client = greenstalk.Client(self.address, use=TUBE)
            try:
                action(self.client)
            except OSError:
                self.close()
                raise

    def close(self) -> None:
        if self.client is not None:
            self.client.close()
            self.client = None
