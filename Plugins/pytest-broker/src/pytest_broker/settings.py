"""What a run is configured to do: marker > command line > environment of `broker test` > ini file > default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

SCOPES = ("test", "session")


@dataclass(frozen=True)
class Wish:
    """What one test asks for, after its markers and the settings are put together."""

    #: The resources' names, and their classes where those are named.
    resources: tuple[tuple[str, str | None], ...]
    provider: str
    scope: str = "test"
    #: None leaves it running; "frozen" or a moment have it stand still.
    clock: Any = None
    snapshot: str | None = None
    resets: bool = False


@dataclass(frozen=True)
class Settings:
    """The options of a run, and what `broker test` says in the environment."""

    resources: tuple[tuple[str, str | None], ...]
    provider: str
    scope: str
    resets: bool
    keeps: bool
    per_worker: bool
    #: Templates such as {"REDIS_PORT": "{cache.port}"}: for suites that read something else than URLs.
    variables: Mapping[str, str]
    #: The lease of `broker test`; None outside of it.
    run: str | None
    #: The name of this pytest-xdist worker; None outside of one.
    worker: str | None
    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, config: pytest.Config) -> Settings:
        environment = dict(os.environ)
        run = environment.get("BROKER_TEST_LEASE") or None
        named = [resource(text) for text in config.getini("broker_resources")]
        given = (environment.get("BROKER_TEST_SET") or "") if run else ""
        for name, service_class in map(resource, filter(None, given.split(","))):
            if name not in dict(named):
                named.append((name, service_class))
        # Where conftest.py files are not loaded yet, this is all that is known of the command line.
        options = config.known_args_namespace
        provider = options.broker_provider
        if not provider:
            provider = environment.get("BROKER_TEST_PROVIDER") if run else config.getini("broker_provider")
        scope = config.getini("broker_scope") or "test"
        if scope not in SCOPES:
            raise pytest.UsageError(f'broker_scope is "{scope}", and can be: {", ".join(SCOPES)}')
        variables = {}
        for line in config.getini("broker_variables"):
            name, sign, template = line.partition("=")
            if not sign:
                raise pytest.UsageError(f'broker_variables has "{line}", which is not like REDIS_PORT={{cache.port}}')
            variables[name.strip()] = template.strip()
        return cls(
            resources=tuple(named) or (("cache", None),), provider=provider or "emulator", scope=scope,
            resets=config.getini("broker_reset"), keeps=options.broker_keep,
            per_worker=config.getini("broker_per_worker"), variables=variables, run=run,
            worker=environment.get("PYTEST_XDIST_WORKER") or None, environment=environment)

    def wish(self, markers: list[pytest.Mark]) -> Wish:
        """What the markers ask for, the closest first; raises UsageError."""
        keywords: dict[str, Any] = {}
        names: tuple[str, ...] = ()
        for marker in markers:
            names = names or marker.args
            keywords = {**marker.kwargs, **keywords}
        if not all(isinstance(name, str) for name in names):
            raise pytest.UsageError(f"names of resources are expected, as in broker(\"cache\"): {names}")
        scope = keywords.pop("scope", self.scope)
        if scope not in SCOPES:
            raise pytest.UsageError(f'scope is "{scope}", and can be: {", ".join(SCOPES)}')
        wish = Wish(
            resources=tuple(map(resource, names)) or self.resources,
            provider=keywords.pop("provider", self.provider), scope=scope, clock=keywords.pop("clock", None),
            snapshot=keywords.pop("snapshot", None), resets=keywords.pop("reset", self.resets))
        if keywords:
            raise pytest.UsageError(
                f"broker() has no {', '.join(sorted(keywords))}; it has: scope, clock, provider, snapshot, reset")
        return wish


def resource(text: str) -> tuple[str, str | None]:
    """`cache` or `cache=redis`."""
    name, sign, service_class = text.strip().partition("=")
    return name, service_class if sign else None
