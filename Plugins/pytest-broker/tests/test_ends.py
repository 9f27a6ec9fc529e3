"""Whatever happens to a test, a worker or the run: nothing is left."""

import os
import signal
import subprocess
import sys
import time

import pytest


def eventually(condition, within=60.0):
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


def test_a_test_that_fails_gives_its_lease_back(suite, leases):
    suite.makepyfile(
        """
        import pytest

        @pytest.fixture
        def broken(broker): raise RuntimeError

        def test_fails(broker): assert False
        def test_never_begins(broken): pass
        """)
    suite.runpytest_subprocess().assert_outcomes(failed=1, errors=1)
    assert leases() == []


def test_what_failed_is_kept_when_that_is_asked_for(suite, leases):
    suite.makepyfile(
        """
        from wire import redis

        def test_passes(broker): pass
        def test_fails(broker):
            redis(broker.cache.url, "set", "a", "42")
            assert False
        """)
    result = suite.runpytest_subprocess("--broker-keep", "-n", "2")
    result.assert_outcomes(failed=1, passed=1)
    (kept,) = leases()
    assert kept["kept"]
    result.stdout.fnmatch_lines([f"broker: kept for an hour: *::test_fails; broker lease env {kept['id']}"])


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_a_killed_process_leaves_no_lease(suite, leases, arguments):
    suite.makepyfile(
        """
        import os, signal
        def test_is_killed(broker, broker_session): os.kill(os.getpid(), signal.SIGKILL)
        """)
    result = suite.runpytest_subprocess(*arguments)
    if arguments:
        result.assert_outcomes(failed=1)
    else:
        assert result.ret == -signal.SIGKILL
    eventually(lambda: leases() == [], within=5)


def test_a_child_that_lives_on_keeps_no_lease(suite, leases):
    suite.makepyfile(
        """
        import os, signal, time
        def test_is_killed(broker):
            child = os.fork()
            if child == 0:
                for descriptor in (0, 1, 2): os.close(descriptor)
                time.sleep(5)
                os._exit(0)
            os.kill(os.getpid(), signal.SIGKILL)
        """)
    suite.runpytest_subprocess()
    eventually(lambda: leases() == [], within=5)


def test_a_child_can_use_the_lease_and_does_not_end_it(suite):
    suite.makepyfile(
        """
        import os
        def test_it(broker):
            child = os.fork()
            if child == 0:
                broker.clock.freeze()
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            assert broker.clock.is_frozen
        """)
    suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


@pytest.mark.parametrize("arguments", [[], ["-n", "1"]], ids=["alone", "xdist"])
def test_a_run_that_is_interrupted_leaves_no_lease(suite, leases, arguments):
    suite.makepyfile(
        """
        import pathlib, time
        def test_waits(broker_lease, broker_session):
            pathlib.Path("waits").touch()
            time.sleep(60)
        """)
    command = [sys.executable, "-m", "pytest", *arguments]
    # A shell that has begun this run in the background has SIGINT ignored, which children inherit.
    running = subprocess.Popen(
        command, cwd=suite.path, stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    try:
        eventually((suite.path / "waits").exists)
        assert len(leases()) == 3
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == pytest.ExitCode.INTERRUPTED
        eventually(lambda: leases() == [], within=5)
    finally:
        running.kill()
        running.wait()


def test_a_daemon_that_ends_meanwhile_is_an_error_and_no_hang(suite, binary, monkeypatch):
    home = suite.path / "h"
    monkeypatch.setenv("BROKER_HOME", str(home))
    suite.makepyfile(
        f"""
        import subprocess
        def test_it(broker):
            subprocess.run([{binary!r}, "daemon", "stop"], check=True)
            broker.clock.freeze()
        """)
    result = suite.runpytest_subprocess()
    assert not os.path.exists(home / "daemon.json")
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["E*error[[]E0504[]]: the daemon does not answer"])
