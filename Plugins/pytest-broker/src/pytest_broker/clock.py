"""The time of leased resources."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Union

from pytest_broker.api import API, path

Length = Union[str, int, float, timedelta]
Moment = Union[str, int, float, datetime]

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def milliseconds(length: Length) -> int:
    """A length of time: "30s", "1m30s", "250ms", a timedelta, or seconds."""
    if isinstance(length, timedelta):
        return round(length / timedelta(milliseconds=1))
    if isinstance(length, (int, float)):
        return round(length * 1000)
    text = length.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return round(float(text) * 1000)
    if not re.fullmatch(r"(\d+(\.\d+)?(ms|s|m|h|d))+", text):
        raise ValueError(f'"{length}" is no length of time such as 500ms, 30s, 5m, 2h, 7d')
    return round(sum(float(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", text)))


def moment(at: Moment) -> int:
    """Milliseconds since 1970 of a datetime (local time where it names no zone, as everywhere in Python), of the text
    of one (UTC where it names no zone, as in broker's command line), or of seconds since 1970."""
    if isinstance(at, str):
        text = at.strip()
        if len(text) == 10:
            at = datetime.combine(date.fromisoformat(text), time(), timezone.utc)
        else:
            at = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
            at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    if isinstance(at, datetime):
        return round((at.astimezone(timezone.utc) - _EPOCH) / timedelta(milliseconds=1))
    return round(at * 1000)


class Clock:
    """The time of all emulated resources of a lease, or of one of them. TTLs, delays and waiting clients follow it."""

    def __init__(self, api: API, workspace: str, lease: str, resources: list[str]) -> None:
        self._api = api
        self._target = path("v1", "workspaces", workspace, "clock")
        self._lease = lease
        self._resources = resources

    def freeze(self) -> datetime:
        """Has time stand still."""
        return self._move("freeze")

    def advance(self, by: Length) -> datetime:
        """Moves time ahead; what lies between happens in its order."""
        return self._move("advance", by=milliseconds(by))

    def set(self, to: Moment) -> datetime:
        """Moves time to a point."""
        return self._move("set", to=moment(to))

    def resume(self) -> datetime:
        """Has time go on from where it is."""
        return self._move("resume")

    def now(self) -> datetime:
        """What time it is there, in UTC; of the first resource, where they differ."""
        return self._move("show")

    @property
    def is_frozen(self) -> bool:
        return all(reading["frozen"] for reading in self._readings("show"))

    def _move(self, action: str, **amount: int) -> datetime:
        readings = self._readings(action, **amount)
        return _EPOCH + timedelta(milliseconds=readings[0]["time"])

    def _readings(self, action: str, **amount: int) -> list[dict[str, Any]]:
        body = {"resources": self._resources, "lease": self._lease, "action": action, **amount}
        readings: list[dict[str, Any]] = self._api.call("POST", self._target, body)["resources"]
        return readings
