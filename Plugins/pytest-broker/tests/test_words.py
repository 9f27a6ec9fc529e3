"""Lengths, moments, places: what can be checked without a daemon."""

from datetime import datetime, timedelta, timezone

import pytest

from pytest_broker import daemon
from pytest_broker.clock import milliseconds, moment
from pytest_broker.leasing import Tally


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        ("250ms", 250), ("30s", 30_000), ("1m30s", 90_000), ("1.5h", 5_400_000), ("7d", 604_800_000), ("2", 2000),
        (0.25, 250), (3, 3000), (timedelta(minutes=1), 60_000),
    ])
def test_a_length_is_read(length, expected):
    assert milliseconds(length) == expected


@pytest.mark.parametrize("length", ["", "s", "3 weeks", "-1s", "1h 2x"])
def test_what_is_no_length_is_refused(length):
    with pytest.raises(ValueError, match="is no length of time"):
        milliseconds(length)


@pytest.mark.parametrize(
    "at",
    [
        "2030-01-01T00:00:00Z", "2030-01-01", "2030-01-01T01:00:00+01:00", "2030-01-01T00:00:00", 1893456000,
        datetime(2030, 1, 1, tzinfo=timezone.utc), datetime(2030, 1, 1, tzinfo=timezone.utc).astimezone(),
    ])
def test_a_moment_is_read(at):
    assert moment(at) == 1_893_456_000_000


def test_the_slowest_but_one_in_a_hundred():
    tally = Tally()
    tally.took = [float(n) for n in range(1, 201)]
    assert tally.p99 == 198
    tally.took = [7.0]
    assert tally.p99 == 7


def test_the_home_is_found_as_the_command_line_does(monkeypatch):
    assert daemon.home({"BROKER_HOME": "/a/b"}) == "/a/b"
    assert daemon.home({"BROKER_HOME": "", "XDG_STATE_HOME": "/s"}) == "/s/broker"
    monkeypatch.setenv("HOME", "/home/me")
    assert daemon.home({"XDG_STATE_HOME": "relative"}) == "/home/me/.local/state/broker"


@pytest.mark.parametrize("name", ["shop", ".hidden_x", "größe und mehr", "", "deep/under/broker.yaml"])
def test_the_workspace_is_the_command_lines(suite, monkeypatch, binary, name):
    import json
    import subprocess

    root = suite.path / name if not name.endswith(".yaml") else suite.path / name.split("/")[0]
    below = root / "under" / "more"
    below.mkdir(parents=True)
    if name.endswith(".yaml"):
        (root / "broker.yaml").write_text("version: 1\n")
    elif name:
        (root / ".git").mkdir()
    monkeypatch.delenv("BROKER_WORKSPACE")
    monkeypatch.chdir(below)
    # `status` starts no daemon.
    status = json.loads(subprocess.run([binary, "status", "--json"], capture_output=True, check=True).stdout)
    assert daemon.workspace({}, str(below)) == status["workspace"]
