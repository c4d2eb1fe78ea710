"""The plugin on the real control plane, in a namespace of its own."""

import pytest

from tests.commands.plugin import Plugin
from tests.controlplane import ControlPlane


@pytest.fixture
def pets(controlplane: ControlPlane, namespace: str) -> Plugin:
    return Plugin(controlplane, namespace)


@pytest.fixture
def unwatched(plane_of_operators: ControlPlane, operator_namespace: str) -> Plugin:
    """Where no real snapshot controller runs, as it does on the control plane of all tests once one of them has asked for real
    storage: it takes every snapshot in hand, and clears what a played one reports."""
    return Plugin(plane_of_operators, operator_namespace)
