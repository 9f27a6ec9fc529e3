"""Faults of leased resources: what clients meet, and how often they have met it."""

from __future__ import annotations

from typing import Any

from pytest_broker.api import API, path
from pytest_broker.errors import BrokerError


class Fault:
    """A fault that was added to a resource; it is removed at the end of a `with`."""

    def __init__(self, api: API, faults: str, document: dict[str, Any]) -> None:
        self._api = api
        self._faults = faults
        #: As the daemon described it last.
        self.document = document
        self.id = str(document["id"])

    @property
    def matched(self) -> int:
        """How often something was asked for that it concerns."""
        return int(self._now()["matched"])

    @property
    def fired(self) -> int:
        """How often it took effect."""
        return int(self._now()["fired"])

    def remove(self) -> None:
        """Takes it away; nothing happens where it has gone already."""
        try:
            self._api.call("DELETE", self._faults + path(self.id))
        except BrokerError as error:
            if not error.code.startswith("E03"):
                raise

    def _now(self) -> dict[str, Any]:
        # One that has gone, since it fires no more, is as it was seen last.
        for document in self._api.call("GET", self._faults)["faults"]:
            if str(document["id"]) == self.id:
                self.document = document
        return self.document

    def __enter__(self) -> Fault:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"Fault({self.document!r})"
