"""A database that needs its quorum is rolled out under load: a pod is Ready before its peers' resolvers know its new address.

Three members of etcd, each found by its pod's name. Readiness is green at every step, and so is the quorum; without waiting for the
names some of the writes fail, seconds long (3 of 262 and 1 of 102 when this was written).
"""

import pytest

from tests.commands.plugin import Plugin
from tests.controlplane import ControlPlane
from tests.node.etcd import ETCD, Load
from tests.node.images import REGISTRY

pytestmark = [pytest.mark.node, pytest.mark.slow]


@pytest.mark.timeout(540)
def test_no_write_is_lost_where_every_name_is_right_before_the_next_pod_goes_down(controlplane: ControlPlane, namespace: str) -> None:
    pets = Plugin(controlplane, namespace)
    controlplane.apply(ETCD, namespace)
    pets("status", "etcd", "-w", "--timeout", "120s", "--patience", "2m")
    pets("dns", "etcd", "-w", "--timeout", "90s")
    before = pets.uids("etcd")
    image = f"{REGISTRY}/etcd:2"
    with Load(controlplane, namespace) as load:
        pets("rollout", "run", "etcd", "--image", image, "--quorum", "--gate-dns", "--timeout", "6m", "--patience", "2m", "--yes")
    assert set(pets.images("etcd").values()) == {image} and not set(before.values()) & set(pets.uids("etcd").values())
    assert load.failed == 0 and load.writes > 200, (load.failed, load.writes)
