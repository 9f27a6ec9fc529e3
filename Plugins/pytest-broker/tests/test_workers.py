"""pytest-xdist, and `broker test` around it."""

import socket
import subprocess
import time

from wire import redis


def test_workers_have_leases_of_their_own(suite, leases):
    suite.makepyfile(
        """
        import os
        import pytest
        from wire import redis

        @pytest.mark.parametrize("turn", range(24))
        def test_it(broker_session, turn):
            worker = os.environ["PYTEST_XDIST_WORKER"]
            assert redis(broker_session.cache.url, "getset", "worker", worker) in (None, worker.encode())
        """)
    result = suite.runpytest_subprocess("-n", "3")
    result.assert_outcomes(passed=24)
    result.stdout.fnmatch_lines(["broker: 3 leases, p99 * ms, 0 unsupported"])
    assert leases() == []


#: A suite that knows nothing of broker, and reads its environment when it is imported.
UNCHANGED = """
    import os
    import pytest
    from wire import redis

    URL = os.environ["REDIS_URL"]

    @pytest.mark.parametrize("turn", range(24))
    def test_it(turn):
        worker = os.environ["PYTEST_XDIST_WORKER"]
        assert URL == os.environ["CACHE_URL"]
        assert redis(URL, "getset", "worker", worker) in (None, worker.encode())
    """


def test_under_broker_test_each_worker_of_an_unchanged_suite_has_its_own(suite, broker_test, leases):
    suite.makepyfile(UNCHANGED)
    result = broker_test("-n", "3")
    result.assert_outcomes(passed=24)
    result.stdout.fnmatch_lines(["broker: emulator, leases per test, resources of its own for each worker"])
    result.stderr.fnmatch_lines(["test * exit 0 * 4 leases, p99 * ms, 0 left open *"])
    assert leases() == []


def test_each_worker_has_a_real_server_of_its_own(suite, broker_test):
    suite.makepyfile(UNCHANGED)
    result = broker_test("-n", "3", flags=("--set", "cache", "--provider", "exec:redis-server"))
    result.assert_outcomes(passed=24)
    result.stderr.fnmatch_lines(["test * exit 0 * exec:redis-server * 4 leases, p99 * ms, 0 left open *"])


def test_workers_share_where_that_is_asked_for(suite, broker_test):
    suite.makeini("[pytest]\nbroker_per_worker = false")
    suite.makepyfile(
        """
        import os
        from wire import redis
        def test_it(): assert redis(os.environ["REDIS_URL"], "incr", "tests") in (1, 2)
        def test_too(): assert redis(os.environ["REDIS_URL"], "incr", "tests") in (1, 2)
        """)
    result = broker_test("-n", "2")
    result.assert_outcomes(passed=2)
    result.stderr.fnmatch_lines(["test * 1 lease, *"])


def test_what_the_user_has_set_is_left_alone(suite, broker_test, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    suite.makepyfile(
        """
        import os
        def test_it():
            assert os.environ["REDIS_URL"] == "redis://elsewhere/0"
            assert os.environ["CACHE_URL"].startswith("redis://lease:")
        """)
    broker_test("-n", "1").assert_outcomes(passed=1)


def test_under_broker_test_the_session_lease_is_that_of_the_run(suite, broker_test):
    suite.makepyfile(
        """
        import os
        from wire import redis
        URL = os.environ["CACHE_URL"]
        def test_session(broker_session): assert broker_session.cache.url == URL
        def test_own(broker): assert broker.cache.url != URL
        def test_after(): assert os.environ["CACHE_URL"] == URL
        """)
    for arguments, leases in (((), 2), (("-n", "1"), 3)):
        result = broker_test(*arguments)
        result.assert_outcomes(passed=3)
        # The run's, the test's, and in a worker the worker's.
        result.stderr.fnmatch_lines([f"test * {leases} leases, p99 * ms, 0 left open *"])


def test_no_password_is_wanted_by_leases_of_a_run_without(suite, broker_test):
    suite.makepyfile(
        """
        import os
        from wire import redis
        def test_it(broker):
            for url in (os.environ["CACHE_URL"], broker.cache.url):
                assert "@" not in url
                assert redis(url, "ping") == b"PONG"
            assert broker.cache.password is None
        """)
    broker_test("-n", "1", flags=("--set", "cache", "--no-auth")).assert_outcomes(passed=1)


def test_templates_are_filled_in_for_the_run_and_for_each_worker(suite, broker_test):
    suite.makepyfile(
        """
        import os
        def test_it():
            assert f":{os.environ['REDIS_PORT']}/" in os.environ["CACHE_URL"]
        """)
    for workers in ("0", "1"):
        result = broker_test("-n", workers, "-o", "broker_variables=REDIS_PORT={cache.port}")
        result.assert_outcomes(passed=1)


def test_resources_of_the_run_and_of_the_ini_file_are_put_together(suite, broker_test):
    suite.makeini("[pytest]\nbroker_resources = jobs=beanstalk")
    suite.makepyfile("def test_it(broker): assert [r.name for r in broker.resources] == ['jobs', 'cache']")
    broker_test().assert_outcomes(passed=1)


def test_a_server_elsewhere_is_shared_by_all(suite, broker_test):
    suite.makepyfile(
        """
        import os
        from wire import redis

        def test_worker():
            assert redis(os.environ["CACHE_URL"], "get", "from") == b"outside"

        def test_own(broker):
            assert redis(broker.cache.url, "get", "from") == b"outside"
        """)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "secret"],
        cwd=suite.path, stdout=subprocess.DEVNULL)
    try:
        url = f"redis://:secret@127.0.0.1:{port}/0"
        for _ in range(500):
            try:
                assert redis(url, "set", "from", "outside") == b"OK"
                break
            except ConnectionError:
                time.sleep(0.02)
        (suite.path / "secret").write_text("secret")
        provider = ["--provider", f"redis://127.0.0.1:{port}/0", "--secret-file", "secret"]
        result = broker_test("-n", "2", flags=["--set", "cache", *provider])
        result.assert_outcomes(passed=2)
        result.stderr.fnmatch_lines(["test * 1 lease, *"])
    finally:
        server.kill()
        server.wait()
