"""Fixtures, the marker and the options."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_broker.lease import Lease
from pytest_broker.leasing import Leasing, Tally
from pytest_broker.settings import Settings, Wish

_leasing = pytest.StashKey[Leasing]()
_suite_variables = pytest.StashKey[pytest.MonkeyPatch]()
_failed = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("broker", "backing services leased from broker")
    group.addoption(
        "--broker-provider", metavar="PROVIDER", help="Who serves leases: emulator, exec:redis-server or a URL.")
    group.addoption(
        "--broker-keep", action="store_true", help="Keep the lease of a test that fails for an hour, to look at.")
    parser.addini(
        "broker_resources", "What is leased where a test names nothing, e.g. cache=redis jobs=beanstalk.", type="args",
        default=[])
    parser.addini("broker_provider", "Who serves leases where the command line does not say.", default="")
    parser.addini("broker_scope", "test (default): a lease for each; session: one for each worker.", default="test")
    parser.addini("broker_reset", "Empty a lease that tests share before each of them.", type="bool", default=False)
    parser.addini(
        "broker_per_worker", 'Under "broker test", give each pytest-xdist worker resources of its own.', type="bool",
        default=True)
    parser.addini(
        "broker_variables", "More variables, a line each, e.g. REDIS_PORT={cache.port}.", type="linelist", default=[])


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    # Before any of the suite's modules reads its environment.
    settings = Settings.read(early_config)
    leasing = Leasing(settings)
    early_config.stash[_leasing] = leasing
    run = lease = None
    if settings.run is not None:
        if settings.worker is not None and settings.per_worker:
            run, lease = leasing.run, leasing.take_for_worker()
        elif settings.variables:
            run = lease = leasing.run
    if run is None or lease is None:
        return
    variables = pytest.MonkeyPatch()
    early_config.stash[_suite_variables] = variables
    for name, value in _environment(leasing, lease).items():
        # What the user's shell had set, and "broker test" left alone, is left alone.
        if name not in run.variables or os.environ.get(name) == run.variables[name]:
            variables.setenv(name, value)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        'broker(*resources, scope="test"|"session", clock="frozen", provider=…, snapshot=…, reset=True): '
        "lease these resources for the test, and set its environment")
    if _leasing not in config.stash:  # loaded by a conftest.py
        config.stash[_leasing] = Leasing(Settings.read(config))


def pytest_unconfigure(config: pytest.Config) -> None:
    leasing = config.stash.get(_leasing, None)
    if leasing is not None:
        leasing.close()
    if _suite_variables in config.stash:
        config.stash[_suite_variables].undo()


def pytest_report_header(config: pytest.Config) -> str:
    settings = config.stash[_leasing].settings
    line = f"broker: {settings.provider}, leases per {settings.scope}"
    if settings.run and settings.per_worker and config.getoption("numprocesses", None):
        line += ", resources of its own for each worker"
    return line


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    leasing = session.config.stash[_leasing]
    leasing.close()
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["broker"] = leasing.tally.document()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    # A worker that was killed has sent nothing; its leases have ended with its connection.
    document = getattr(node, "workeroutput", {}).get("broker")
    if document is not None:
        node.config.stash[_leasing].tally.add(document)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tally: Tally = config.stash[_leasing].tally
    if not tally.took:
        return
    count = len(tally.took)
    commands = ", ".join(f"{name} ({times}x)" for name, times in sorted(tally.unsupported.items()))
    terminalreporter.write_line(
        f"broker: {count} lease{'' if count == 1 else 's'}, p99 {tally.p99:.2f} ms, "
        f"{len(tally.unsupported)} unsupported{': ' + commands if commands else ''}")
    for lease, test in tally.kept:
        terminalreporter.write_line(f"broker: kept for an hour: {test}; broker lease env {lease}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # A marker that cannot be meant is said once, before anything runs.
    settings = config.stash[_leasing].settings
    for item in items:
        try:
            settings.wish(list(item.iter_markers("broker")))
        except pytest.UsageError as error:
            raise pytest.UsageError(f"{item.nodeid}: {error}") from None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome: Any = yield
    if outcome.get_result().failed:
        item.stash[_failed] = True


@pytest.fixture(scope="session")
def broker_session(pytestconfig: pytest.Config) -> Iterator[Lease]:
    """The lease that all tests of this worker share; its variables are set until the session ends."""
    leasing = pytestconfig.stash[_leasing]
    lease = leasing.shared(leasing.settings.wish([]))
    with pytest.MonkeyPatch.context() as variables:
        _set(variables, _environment(leasing, lease))
        yield lease


@pytest.fixture
def broker_lease(request: pytest.FixtureRequest) -> Iterator[Lease]:
    """A lease for this test alone; its variables are set until the test ends."""
    leasing = request.config.stash[_leasing]
    wish = _wish(request, leasing)
    lease = leasing.take(wish)
    try:
        with pytest.MonkeyPatch.context() as variables:
            _set(variables, _environment(leasing, lease))
            _start_clock(lease, wish)
            yield lease
    finally:
        if not _keep(request, leasing, lease):
            leasing.end(lease)


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Iterator[Lease]:
    """The lease of this test: one for it alone, or the shared one where the marker or the settings say so."""
    leasing = request.config.stash[_leasing]
    wish = _wish(request, leasing)
    if wish.scope == "test":
        yield request.getfixturevalue("broker_lease")
        return
    lease = leasing.shared(wish)
    with pytest.MonkeyPatch.context() as variables:
        _set(variables, _environment(leasing, lease))
        if wish.resets:
            lease.reset()
        _start_clock(lease, wish)
        try:
            yield lease
        finally:
            if wish.clock is not None:
                lease.clock.resume()
            _keep(request, leasing, lease)


@pytest.fixture
def cache_url(broker: Lease) -> str:
    """The URL of the resource "cache"."""
    return broker.cache.url


@pytest.fixture
def redis_url(broker: Lease) -> str:
    """The URL of the lease's first resource of class redis."""
    return broker.variables["REDIS_URL"]


@pytest.fixture(autouse=True)
def _broker_marker(request: pytest.FixtureRequest) -> None:
    # A test with the marker and without a fixture has only its environment to reach its lease.
    names = request.fixturenames
    if request.node.get_closest_marker("broker") and not {"broker", "broker_lease"} & set(names):
        request.getfixturevalue("broker")
    elif "broker_session" in names and "broker" not in names:
        leasing = request.config.stash[_leasing]
        if leasing.settings.resets:
            request.getfixturevalue("broker_session").reset()


def _wish(request: pytest.FixtureRequest, leasing: Leasing) -> Wish:
    markers = list(request.node.iter_markers("broker"))
    wish = leasing.settings.wish(markers)
    says_scope = any("scope" in marker.kwargs for marker in markers)
    if not says_scope and "broker_session" in request.fixturenames and not any(m.args for m in markers):
        return leasing.settings.wish([*markers, pytest.mark.broker(scope="session").mark])
    return wish


def _environment(leasing: Leasing, lease: Lease) -> dict[str, str]:
    """The lease's variables, those of the settings, and what `broker clock …` needs to mean this lease."""
    resources = {resource.name.replace("-", "_"): resource for resource in lease.resources}
    own = {}
    for name, template in leasing.settings.variables.items():
        try:
            own[name] = template.format(**resources)
        except (KeyError, AttributeError):
            continue  # of a resource that this lease does not have
    return {
        **lease.variables, **own,
        "BROKER_TEST_SOCKET": leasing.socket, "BROKER_TEST_WORKSPACE": leasing.workspace,
        "BROKER_TEST_LEASE": lease.id,
        "BROKER_TEST_SET": ",".join(f"{resource.name}={resource.service_class}" for resource in lease.resources),
    }


def _set(variables: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        variables.setenv(name, value)


def _start_clock(lease: Lease, wish: Wish) -> None:
    if wish.clock is None:
        return
    lease.clock.freeze()
    if wish.clock != "frozen":
        lease.clock.set(wish.clock)


def _keep(request: pytest.FixtureRequest, leasing: Leasing, lease: Lease) -> bool:
    node = request.node
    return leasing.settings.keeps and node.stash.get(_failed, False) and leasing.keep(lease, node.nodeid)
