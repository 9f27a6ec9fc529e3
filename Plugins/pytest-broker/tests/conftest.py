"""Every test runs a suite of its own, with a daemon that is started for this worker."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

from pytest_broker import BrokerError, daemon
from pytest_broker.api import API, path

pytest_plugins = ["pytester"]

@pytest.fixture(scope="session")
def binary():
    path = os.environ.get("BROKER_BINARY") or shutil.which("broker")
    if not path:
        pytest.fail("no broker on PATH, and BROKER_BINARY is not set")
    return os.path.abspath(path)


@pytest.fixture(scope="session")
def home(binary):
    folder = tempfile.mkdtemp(prefix="broker-")
    yield pathlib.Path(folder)
    environment = {**os.environ, "BROKER_HOME": folder}
    subprocess.run([binary, "daemon", "stop"], env=environment, capture_output=True, timeout=60)
    shutil.rmtree(folder)


@pytest.fixture
def suite(pytester, monkeypatch, home, binary):
    """A folder for a suite, and an environment with a daemon's home and nothing else of broker's or pytest's."""
    for name in list(os.environ):
        if name.startswith(("BROKER_", "PYTEST_XDIST_")) or name.endswith("_URL"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BROKER_HOME", str(home))
    monkeypatch.setenv("BROKER_BINARY", binary)
    monkeypatch.setenv("BROKER_WORKSPACE", pytester.path.name)
    shutil.copy(pathlib.Path(__file__).with_name("wire.py"), pytester.path)
    return pytester


@pytest.fixture
def broker_test(suite, binary):
    """Runs pytest under `broker test`; returns what came of it."""

    def run(*arguments, flags=("--set", "cache")):
        return suite.run(binary, "test", *flags, "--", sys.executable, "-m", "pytest", *arguments, timeout=120)

    return run


@pytest.fixture
def leases(suite, binary):
    """The leases of the suite's workspace now."""

    def list_them():
        result = subprocess.run([binary, "lease", "ls", "--json"], capture_output=True, check=True, timeout=60)
        return json.loads(result.stdout)["leases"]

    return list_them


@pytest.fixture
def needs(suite, monkeypatch):
    """Skips the test where the daemon does not have a route of resources yet."""

    def check(route):
        api = API(daemon.find(os.environ))
        try:
            api.call("POST", path("v1", "workspaces", "default", "resources", "none", route), {})
        except BrokerError as error:
            if error.code == "E0306":
                pytest.skip(f"this broker has no {route}")
        finally:
            api.close()

    return check
