"""A lease and its resources, as tests use them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from pytest_broker.api import API, path
from pytest_broker.clock import Clock, Length, milliseconds
from pytest_broker.faults import Fault


class Lease:
    """Resources that belong to whoever took them: `lease.cache` is the one of that name, as is `lease["cache"]`."""

    def __init__(self, api: API, workspace: str, document: dict[str, Any]) -> None:
        self._api = api
        self._workspace = workspace
        self.document = document
        self.id: str = document["id"]
        #: The environment variables that lead to the resources.
        self.variables: dict[str, str] = {item["name"]: item["value"] for item in document["variables"]}
        self._resources = {
            item["name"]: Resource(api, workspace, self.id, item, self._url(item["name"]))
            for item in document["resources"]
        }
        self.clock = Clock(api, workspace, self.id, [])

    @property
    def resources(self) -> list[Resource]:
        """All of them, as they were asked for."""
        return list(self._resources.values())

    def __getitem__(self, name: str) -> Resource:
        try:
            return self._resources[name]
        except KeyError:
            raise KeyError(self._no(name)) from None

    def __getattr__(self, name: str) -> Resource:
        resources: dict[str, Resource] = self.__dict__.get("_resources", {})
        for spelling in (name, name.replace("_", "-")):
            if spelling in resources:
                return resources[spelling]
        raise AttributeError(self._no(name) if resources else name)

    def __contains__(self, name: str) -> bool:
        return name in self._resources

    def reset(self) -> None:
        """Empties all resources, or brings them back to the snapshot that they come from."""
        for resource in self.resources:
            resource.reset()

    def snapshot(self, name: str) -> dict[str, Any]:
        """Keeps what all resources hold at one instant, under a name; later leases begin with it."""
        body = {"name": name, "resources": [resource.reference for resource in self.resources]}
        return self._api.call("POST", path("v1", "workspaces", self._workspace, "snapshots"), body)

    def fault(self, *documents: dict[str, Any], **fields: Any) -> Any:
        """Adds a fault to the lease's only resource; `lease.cache.fault(…)` says which where there are several."""
        return self._only("fault").fault(*documents, **fields)

    def faults(self) -> list[Fault]:
        """The faults of all resources."""
        return [fault for resource in self.resources for fault in resource.faults()]

    def expect(self, *, within: Length = 0, **expected: Any) -> None:
        """Like `Resource.expect`, of the first resource that has keys, tubes or rows, as they are asked for."""
        wanted = "redis" if "key" in expected else "beanstalk" if "tube" in expected else "sqlite"
        for resource in self.resources:
            if resource.service_class == wanted:
                return resource.expect(within=within, **expected)
        return self._only("expect").expect(within=within, **expected)

    def _only(self, verb: str) -> Resource:
        if len(self._resources) == 1:
            return self.resources[0]
        raise TypeError(f"which resource is meant? e.g. broker.{next(iter(self._resources), 'cache')}.{verb}(…)")

    def _url(self, name: str) -> str:
        return next((item["value"] for item in self.document["variables"] if item["resource"] == name), "")

    def _no(self, name: str) -> str:
        names = ", ".join(self._resources) or "none"
        return f'the lease has no resource "{name}" (it has: {names}); ask for it: @pytest.mark.broker("{name}")'

    def __repr__(self) -> str:
        return f"<Lease {self.id}: {', '.join(self._resources)}>"


class Resource:
    """One resource of a lease."""

    def __init__(self, api: API, workspace: str, lease: str, document: dict[str, Any], url: str) -> None:
        self._api = api
        self.document = document
        self.name: str = document["name"]
        #: As routes of the API and `broker`'s verbs name it.
        self.reference = f"{lease}.{self.name}"
        self._target = path("v1", "workspaces", workspace, "resources", self.reference)
        self.service_class: str = document["class"]
        self.provider: str = document["provider"]
        #: Where it is reached, credential included.
        self.url = url
        self.clock = Clock(api, workspace, lease, [self.reference])

    @property
    def host(self) -> str | None:
        return urlsplit(self.url).hostname

    @property
    def port(self) -> int | None:
        return urlsplit(self.url).port

    @property
    def username(self) -> str | None:
        name = urlsplit(self.url).username
        return None if name is None else unquote(name)

    @property
    def password(self) -> str | None:
        secret = urlsplit(self.url).password
        return None if secret is None else unquote(secret)

    @property
    def path(self) -> str | None:
        """Of a file; None for what is reached by a port."""
        return self.document.get("path")

    def reset(self) -> None:
        """Empties it, or brings it back to the snapshot that it comes from."""
        self._api.call("POST", self._target + "/reset", {})

    def fault(self, *documents: dict[str, Any], **fields: Any) -> Any:
        """Adds a fault: `fault(commands=["get"], nth=2, effect={"error": "LOADING …"})`, or by documents of the API,
        which are passed on as they are. Returns the fault, or the list of them where several were given."""
        faults = [*documents, fields] if fields or not documents else list(documents)
        answer = self._api.call("POST", self._target + "/faults", {"faults": faults})["faults"]
        added = [self._fault(document) for document in answer[-len(faults):]]
        return added[0] if len(faults) == 1 else added

    def faults(self) -> list[Fault]:
        """The faults that it has."""
        return [self._fault(document) for document in self._api.call("GET", self._target + "/faults")["faults"]]

    def remove_faults(self) -> None:
        """Takes all of them away."""
        self._api.call("DELETE", self._target + "/faults")

    def expect(self, *, within: Length = 0, **expected: Any) -> None:
        """Fails the test unless what is expected is so, or comes to be so within a time: `expect(key="a", equals=1,
        within="2s")`, `expect(tube="jobs", ready=3)`, `expect(query="select count(*) from t", equals=2)`."""
        __tracebackhide__ = True
        if isinstance(expected.get("equals"), bytes):
            expected["equals"] = expected["equals"].decode()
        elif "equals" in expected:
            expected["equals"] = str(expected["equals"])
        answer = self._api.call("POST", self._target + "/expect", {**expected, "within": milliseconds(within)})
        if not answer["met"]:
            time = f" within {milliseconds(within)} ms" if within else ""
            raise AssertionError(f"{self.name}: expected {answer['expected']}{time}, saw {answer['saw']}")

    def _fault(self, document: dict[str, Any]) -> Fault:
        return Fault(self._api, self._target + "/faults", document)

    def __repr__(self) -> str:
        return f"<Resource {self.name}: {self.service_class}, {self.provider}>"
