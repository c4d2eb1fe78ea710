"""The plugin on the real control plane, in a namespace of its own."""

import pytest

from tests.commands.plugin import Plugin
from tests.controlplane import ControlPlane


@pytest.fixture
def pets(controlplane: ControlPlane, namespace: str) -> Plugin:
    return Plugin(controlplane, namespace)
