"""Takes leases for a process, and gives them back."""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import Any

from pytest_broker import daemon
from pytest_broker.api import API, Hold, path
from pytest_broker.errors import BrokerError
from pytest_broker.lease import Lease
from pytest_broker.settings import Settings, Wish

#: Seconds. Leases end with the process; this is only what the daemon allows at most.
TTL = 86_400


class Tally:
    """What leases came to; workers send theirs to the process that started them."""

    def __init__(self) -> None:
        #: Milliseconds that taking each lease took, as the test saw it.
        self.took: list[float] = []
        #: Commands that were asked for and are not known, with how often.
        self.unsupported: Counter[str] = Counter()
        #: Leases that were kept, with the test that failed.
        self.kept: list[tuple[str, str]] = []

    def document(self) -> dict[str, Any]:
        return {"took": self.took, "unsupported": dict(self.unsupported), "kept": self.kept}

    def add(self, document: dict[str, Any]) -> None:
        self.took += document["took"]
        self.unsupported.update(document["unsupported"])
        self.kept += [(lease, test) for lease, test in document["kept"]]

    @property
    def p99(self) -> float:
        """The slowest but one in a hundred."""
        took = sorted(self.took)
        return took[max(0, -(-len(took) * 99 // 100) - 1)]


class Leasing:
    """All leases of this process. They are under one that a connection holds, and end with it: a SIGKILL included."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tally = Tally()
        self.workspace = daemon.workspace(settings.environment, os.getcwd())
        self._process = os.getpid()
        self._address: str | None = None
        self._api: API | None = None
        self._holder: Lease | None = None
        self._holds: dict[str, Hold] = {}
        self._run: Lease | None = None
        self._shared: dict[Any, Lease] = {}

    @property
    def api(self) -> API:
        """The daemon's, which is started when there is none."""
        if self._api is None:
            self._address = daemon.find(self.settings.environment)
            self._api = API(self._address)
        return self._api

    @property
    def socket(self) -> str:
        return self.api.address

    @property
    def run(self) -> Lease | None:
        """The lease of `broker test`; None outside of it."""
        if self._run is None and self.settings.run is not None:
            document = self.api.call("GET", self._target(self.settings.run))
            self._run = Lease(self.api, self.workspace, document)
        return self._run

    def take_for_worker(self) -> Lease | None:
        """This worker's own copy of what `broker test` gave to all of them; None where that is a server elsewhere, of
        which there is only one."""
        run = self.run
        if run is None or not all(_is_own(resource.provider) for resource in run.resources):
            return None
        resources = [
            {
                "name": resource.name, "class": resource.service_class,
                "provider": {"reference": resource.provider}, **self._access(resource.service_class),
            }
            for resource in run.resources
        ]
        self._holder = self._held(resources, under=run.id)
        return self._holder

    def shared(self, wish: Wish) -> Lease:
        """The lease of all tests of this process that ask for the same."""
        home = self._holder if self._holder is not None and self._holder.resources else self.run
        if home is not None and _has(home, wish):
            return home
        key = (wish.resources, wish.provider, wish.snapshot)
        if key not in self._shared:
            self._shared[key] = self.take(wish)
        return self._shared[key]

    def take(self, wish: Wish) -> Lease:
        """A fresh lease; of a server elsewhere, which there is only once, the one of `broker test`."""
        if not _is_own(wish.provider) and self.run is not None and _has(self.run, wish):
            return self.run
        resources: list[dict[str, Any]] = []
        for name, service_class in wish.resources:
            resource: dict[str, Any] = {"name": name, "provider": {"reference": wish.provider}}
            if service_class is not None:
                resource["class"] = service_class
            if wish.snapshot is not None:
                resource["from"] = wish.snapshot
            resources.append({**resource, **self._access(service_class or "redis", name)})
        if self.settings.keeps:
            # What is under a lease ends with it: one that may be kept is held by a connection of its own.
            return self._held(resources)
        if self._holder is None:
            self._holder = self._held([], under=self.settings.run, counts=False)
        for hold in self._holds.values():
            hold.drain()
        body = {"resources": resources, "under": self._holder.id, "ttl": TTL}
        began = time.perf_counter()
        document = self.api.call("POST", self._target(), body)
        self.tally.took.append((time.perf_counter() - began) * 1000)
        return Lease(self.api, self.workspace, document)

    def end(self, lease: Lease) -> None:
        """Gives a lease back; one that has ended already has."""
        if os.getpid() != self._process:
            return  # a child of a test that came out of it: the lease is not its own
        if lease is self._run:
            return  # it is `broker test`'s
        answer = self.api.call("DELETE", self._target(lease.id))
        if self._holder is None or lease.document.get("under") != self._holder.id:
            # What was under it has left its figures with it.
            self.tally.unsupported.update(answer["unsupported"])
        hold = self._holds.pop(lease.id, None)
        if hold is not None:
            hold.close()

    def keep(self, lease: Lease, test: str) -> bool:
        """Has a lease live on for an hour after this process; False for one that others still use."""
        if lease in (self._run, self._holder) or lease.id in dict(self.tally.kept):
            return False
        self.api.call("POST", self._target(lease.id, "keep"), {})
        self.tally.kept.append((lease.id, test))
        return True

    def is_kept(self, lease: Lease) -> bool:
        return lease.id in dict(self.tally.kept)

    def close(self) -> None:
        """Gives everything back. Where the daemon has gone there is nothing left to give back."""
        if os.getpid() != self._process or self._api is None:
            return
        try:
            for lease in self._shared.values():
                if not self.is_kept(lease):
                    self.end(lease)
            if self._holder is not None:
                self.end(self._holder)
        except BrokerError as error:
            if not error.code.startswith("E05"):
                raise
        finally:
            self._shared = {}
            self._holder = None
            for hold in self._holds.values():
                hold.close()
            self._holds = {}
            self._api.close()

    def _held(self, resources: list[dict[str, Any]], under: str | None = None, counts: bool = True) -> Lease:
        body: dict[str, Any] = {"resources": resources, "ttl": TTL}
        if under is not None:
            body["under"] = under
        address = self.socket
        began = time.perf_counter()
        hold = Hold(address, self._target() + "?hold=true", body)
        if counts:
            self.tally.took.append((time.perf_counter() - began) * 1000)
        lease = Lease(self.api, self.workspace, hold.document)
        self._holds[lease.id] = hold
        return lease

    def _access(self, service_class: str, name: str = "") -> dict[str, bool]:
        """A suite that is run with `broker test --no-auth` insists on that for all."""
        run = self.run
        if run is None or service_class != "redis":
            return {}
        resource = run[name] if name in run else next((r for r in run.resources if r.service_class == "redis"), None)
        if resource is None or resource.service_class != "redis" or resource.password is not None:
            return {}
        return {"auth": False}

    def _target(self, *parts: str) -> str:
        return path("v1", "workspaces", self.workspace, "leases", *parts)


def _has(lease: Lease, wish: Wish) -> bool:
    return wish.snapshot is None and all(
        name in lease
        and lease[name].provider == wish.provider
        and service_class in (None, lease[name].service_class)
        for name, service_class in wish.resources
    )


def _is_own(provider: str) -> bool:
    return provider == "emulator" or provider.startswith("exec:")
