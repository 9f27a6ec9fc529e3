"""Faults."""

import pytest


@pytest.fixture(autouse=True)
def _is_there(needs):
    needs("faults")


def test_the_second_get_is_answered_with_an_error(suite):
    suite.makepyfile(
        """
        from wire import redis

        LOADING = "LOADING Redis is loading the dataset in memory"

        def test_it(broker):
            fault = broker.fault(commands=["get"], nth=2, effect={"error": LOADING})
            replies = [redis(broker.cache.url, "get", "a") for _ in range(3)]
            assert replies == [None, "-" + LOADING, None]
            assert fault.fired == 1
            assert fault.matched >= 2

        def test_for_a_while(broker):
            with broker.cache.fault({"commands": ["get"], "effect": {"error": LOADING}}) as fault:
                assert [one.id for one in broker.faults()] == [fault.id]
                assert redis(broker.cache.url, "get", "a") == "-" + LOADING
            assert broker.faults() == []
            assert redis(broker.cache.url, "get", "a") is None

        def test_several(broker):
            get, put = broker.cache.fault(
                {"commands": ["get"], "effect": {"error": LOADING}},
                {"commands": ["set"], "effect": {"error": "OOM"}})
            assert get.id != put.id
            broker.cache.remove_faults()
            assert broker.cache.faults() == []

        def test_leases_do_not_share_them(broker):
            assert broker.faults() == []
        """)
    suite.runpytest().assert_outcomes(passed=4)
