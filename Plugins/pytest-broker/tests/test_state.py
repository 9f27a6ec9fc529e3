"""Emptying leases, and snapshots."""

import pytest


@pytest.fixture(autouse=True)
def _is_there(needs):
    needs("reset")


def test_what_is_shared_is_emptied_before_each_test_that_asks(suite):
    suite.makepyfile(
        """
        import pytest
        from wire import redis

        pytestmark = pytest.mark.broker(scope="session", reset=True)

        @pytest.mark.parametrize("turn", range(3))
        def test_it_is_empty(broker, turn):
            assert redis(broker.cache.url, "dbsize") == 0
            redis(broker.cache.url, "set", "a", "1")

        @pytest.mark.broker(reset=False)
        def test_it_is_not(broker):
            assert redis(broker.cache.url, "dbsize") == 1

        def test_by_hand(broker):
            redis(broker.cache.url, "set", "a", "1")
            broker.cache.reset()
            broker.reset()
            broker.expect(key="a", exists=False)
        """)
    result = suite.runpytest()
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["broker: 1 lease, *"])


def test_the_fixture_of_the_session_is_emptied_by_the_setting(suite):
    suite.makeini("[pytest]\nbroker_reset = true")
    suite.makepyfile(
        """
        import pytest
        from wire import redis

        @pytest.mark.parametrize("turn", range(3))
        def test_it_is_empty(broker_session, turn):
            assert redis(broker_session.cache.url, "incr", "a") == 1
        """)
    suite.runpytest().assert_outcomes(passed=3)


def test_leases_begin_with_a_snapshot(suite):
    suite.makepyfile(
        """
        import pytest
        from wire import redis

        def test_seed(broker):
            redis(broker.cache.url, "set", "seeded", "1")
            broker.snapshot("seeded")

        @pytest.mark.broker(snapshot="seeded")
        @pytest.mark.parametrize("turn", range(2))
        def test_it_is_there(broker, turn):
            assert redis(broker.cache.url, "incr", "seeded") == 2
            broker.reset()
            broker.expect(key="seeded", equals=1)
        """)
    suite.runpytest().assert_outcomes(passed=3)
