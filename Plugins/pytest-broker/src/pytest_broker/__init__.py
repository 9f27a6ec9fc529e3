"""Leases backing services from broker for tests, and gives them back."""

from pytest_broker.clock import Clock
from pytest_broker.errors import BrokerError
from pytest_broker.faults import Fault
from pytest_broker.lease import Lease, Resource

__all__ = ["BrokerError", "Clock", "Fault", "Lease", "Resource"]
