"""What tests get from the fixtures and the marker."""

import pytest


def test_every_test_has_a_lease_of_its_own_and_its_environment_is_restored(suite, leases):
    suite.makepyfile(
        """
        import os
        import pytest
        from wire import redis

        @pytest.mark.parametrize("turn", range(3))
        def test_it_is_empty(broker, cache_url, redis_url, turn):
            assert redis(cache_url, "dbsize") == 0
            assert redis(cache_url, "set", "a", "1") == b"OK"
            assert cache_url == redis_url == broker.cache.url
            assert os.environ["CACHE_URL"] == os.environ["REDIS_URL"] == cache_url
            assert os.environ["BROKER_TEST_LEASE"] == broker.id
            assert (broker.cache.host, broker["cache"].name) == ("127.0.0.1", "cache")
            assert f":{broker.cache.password}@127.0.0.1:{broker.cache.port}/0" in cache_url

        def test_nothing_is_left():
            assert not {"CACHE_URL", "REDIS_URL", "BROKER_TEST_LEASE"} & set(os.environ)
        """)
    result = suite.runpytest()
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["broker: emulator, leases per test", "broker: 3 leases, p99 * ms, 0 unsupported"])
    assert leases() == []


def test_a_test_without_the_plugin_never_meets_the_daemon(suite, monkeypatch):
    monkeypatch.setenv("BROKER_HOME", str(suite.path / "nothing"))
    suite.makepyfile("def test_it(): pass")
    result = suite.runpytest()
    result.assert_outcomes(passed=1)
    assert "broker: 0" not in result.stdout.str()
    assert not (suite.path / "nothing").exists()


def test_the_marker_names_resources_and_sets_the_environment_without_a_fixture(suite):
    suite.makepyfile(
        """
        import os
        import sqlite3
        import unittest
        import pytest
        from wire import redis

        pytestmark = pytest.mark.broker("cache", "jobs", "store=sqlite")

        def test_all():
            assert redis(os.environ["CACHE_URL"], "ping") == b"PONG"
            assert os.environ["JOBS_URL"] == os.environ["BEANSTALK_URL"]
            assert os.environ["BROKER_TEST_SET"] == "cache=redis,jobs=beanstalk,store=sqlite"

        @pytest.mark.broker("cache")
        def test_the_closest_counts(broker):
            assert [resource.name for resource in broker.resources] == ["cache"]
            with pytest.raises(AttributeError, match='has no resource "jobs"'):
                broker.jobs

        def test_a_file(broker):
            with sqlite3.connect(broker.store.path) as connection:
                connection.execute("create table t (a)")
                connection.execute("insert into t values (7)")
            broker.expect(query="select a from t", equals=7)
            broker.expect(tube="default", ready=0)

        class TestOld(unittest.TestCase):
            def test_it(self):
                self.assertEqual(redis(os.environ["CACHE_URL"], "ping"), b"PONG")
        """)
    suite.runpytest().assert_outcomes(passed=4)


def test_a_session_lease_is_shared(suite):
    suite.makepyfile(
        """
        import os
        import pytest
        from wire import redis

        @pytest.fixture(scope="session")
        def app(broker_session):
            return os.environ["CACHE_URL"]

        def test_one(broker_session, app):
            assert app == broker_session.cache.url
            redis(app, "set", "a", "1")

        def test_two(broker_session, cache_url):
            assert cache_url == broker_session.cache.url
            assert redis(cache_url, "get", "a") == b"1"

        @pytest.mark.broker(scope="session")
        def test_three(broker):
            assert redis(broker.cache.url, "get", "a") == b"1"

        def test_four(broker_lease, broker_session):
            assert broker_lease.cache.url != broker_session.cache.url
            assert redis(os.environ["CACHE_URL"], "get", "a") is None
        """)
    result = suite.runpytest()
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["broker: 2 leases, *"])


def test_settings_of_the_ini_file(suite):
    suite.makeini(
        """
        [pytest]
        broker_resources = sessions=redis jobs=beanstalk
        broker_scope = session
        broker_variables =
            SESSIONS_PORT = {sessions.port}
            OTHER_PORT = {nothing.port}
        """)
    suite.makepyfile(
        """
        import os

        def test_one(broker):
            assert [resource.name for resource in broker.resources] == ["sessions", "jobs"]
            assert os.environ["SESSIONS_PORT"] == str(broker.sessions.port)
            assert "OTHER_PORT" not in os.environ
        """)
    result = suite.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["broker: emulator, leases per session"])


def test_a_real_server_by_one_flag(suite):
    suite.makepyfile(
        """
        import pytest
        from wire import redis

        def test_real(broker):
            assert b"redis-server" in redis(broker.cache.url, "info", "server")

        @pytest.mark.broker(provider="emulator")
        def test_the_marker_is_closer(broker):
            assert b"redis-server" not in redis(broker.cache.url, "info", "server")
        """)
    result = suite.runpytest("--broker-provider", "exec:redis-server")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["broker: exec:redis-server, leases per test"])


def test_the_clock(suite):
    suite.makepyfile(
        """
        from datetime import datetime, timedelta, timezone
        import pytest
        from wire import redis

        def test_a_session_ends(broker):
            redis(broker.cache.url, "set", "session", "x", "ex", "30")
            broker.clock.freeze()
            assert broker.clock.is_frozen
            broker.clock.advance("29s")
            broker.expect(key="session", exists=True)
            broker.cache.clock.advance(timedelta(seconds=2))
            broker.expect(key="session", exists=False)
            broker.clock.resume()
            assert not broker.clock.is_frozen

        @pytest.mark.broker(clock="frozen")
        def test_frozen(broker):
            before = broker.clock.now()
            assert broker.clock.advance(0.5) - before == timedelta(seconds=0.5)
            assert broker.clock.set("2030-01-01T00:00:00Z") == datetime(2030, 1, 1, tzinfo=timezone.utc)
            assert redis(broker.cache.url, "get", "a") is None

        @pytest.mark.broker(clock="2031-05-06")
        def test_at(broker):
            assert broker.clock.now() == datetime(2031, 5, 6, tzinfo=timezone.utc)

        @pytest.mark.broker(clock="frozen", scope="session")
        def test_shared(broker):
            assert broker.clock.is_frozen

        @pytest.mark.broker(scope="session")
        def test_it_goes_on_afterwards(broker):
            assert not broker.clock.is_frozen
        """)
    suite.runpytest().assert_outcomes(passed=5)


def test_an_expectation_that_is_not_met_says_what_was_seen(suite):
    suite.makepyfile(
        """
        from wire import redis

        def test_it(broker):
            redis(broker.cache.url, "set", "a", "1")
            broker.expect(key="a", equals=b"1", within="1s")
            broker.expect(key="a", equals=2, within=0.05)
        """)
    result = suite.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['E*AssertionError: cache: expected key "a" equal to "2" within 50 ms, saw "1"'])


def test_commands_that_are_not_known_are_told(suite):
    suite.makepyfile(
        """
        from wire import redis

        def test_it(broker):
            assert redis(broker.cache.url, "nosuchcommand").startswith("-ERR unknown command")
        """)
    suite.runpytest().stdout.fnmatch_lines(
        ["broker: 1 lease, p99 * ms, 1 unsupported: NOSUCHCOMMAND (1x)"])


def test_the_command_line_means_the_lease_of_the_test(suite, binary):
    suite.makepyfile(
        f"""
        import subprocess
        from wire import redis

        def test_it(broker):
            redis(broker.cache.url, "set", "a", "1", "ex", "30")
            subprocess.run([{binary!r}, "clock", "advance", "31s", "cache"], check=True)
            broker.expect(key="a", exists=False)
        """)
    suite.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ('"cache", scop="test"', "*test_it: broker() has no scop; it has: scope, clock, provider, snapshot, reset"),
        ('scope="module"', '*test_it: scope is "module", and can be: test, session'),
        ("7", "*test_it: names of resources are expected*"),
    ])
def test_a_marker_that_cannot_be_meant_is_refused_before_anything_runs(suite, mark, message):
    suite.makepyfile(f"import pytest\n@pytest.mark.broker({mark})\ndef test_it(): pass")
    result = suite.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_errors_show_all_four_parts(suite):
    suite.makepyfile(
        """
        import pytest
        from pytest_broker import BrokerError

        @pytest.mark.broker("something")
        def test_no_class(broker): pass

        def test_parts(broker):
            with pytest.raises(BrokerError) as raised:
                broker.cache.expect(nothing=1)
            assert all([raised.value.code, raised.value.what, raised.value.why, raised.value.fix])
        """)
    result = suite.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["E*error[[]E0206[]]: *something*", "E*why: *", "E*fix: *"])


def test_without_a_daemon_and_a_program_the_error_says_what_to_do(suite, monkeypatch):
    monkeypatch.setenv("BROKER_HOME", str(suite.path / "home"))
    monkeypatch.delenv("BROKER_BINARY")
    monkeypatch.setenv("PATH", "/nothing")
    suite.makepyfile("def test_it(broker): pass")
    result = suite.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "E*error[[]E0501[]]: no daemon runs, and the program to start one was not found",
            'E*why: there is no "broker" on PATH, and BROKER_BINARY is not set',
            "E*fix: install broker, or: export BROKER_BINARY=/path/to/broker",
        ])
