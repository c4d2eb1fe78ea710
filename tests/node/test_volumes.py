"""Volumes on a real node, each with a file system of its own where the machine can, that a kubelet mounts and grows by the project's
CSI driver."""

import json
import subprocess
from collections.abc import Callable

import pytest

from tests.commands.plugin import Plugin
from tests.controlplane import ControlPlane, Storage
from tests.node.etcd import Load, single, written
from tests.node.ground import file_system

pytestmark = [pytest.mark.node, pytest.mark.slow]

MIB = 1 << 20


def _kept(pets: Plugin) -> tuple[object, ...]:
    """What has to be the same afterwards: the pod and its container's restarts, the claim, the history."""
    [pod], [claim] = pets.get("pods", "-l", "app=db")["items"], pets.get("pvc")["items"]
    history = sorted((each["metadata"]["uid"], each["revision"]) for each in pets.get("controllerrevisions")["items"])
    return pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"], claim["metadata"]["uid"], history


def _bytes(pets: Plugin) -> int:
    """How large the file system is that the pod sees."""
    told = pets.plane.kubectl("exec", "db-0", "-n", pets.namespace, "--", "df", "-k", "/data").stdout
    return int(told.split()[-5]) << 10


@pytest.mark.timeout(480)
def test_a_database_grows_and_its_set_is_made_again_while_it_is_written_to(controlplane: ControlPlane, namespace: str, storage: Storage) -> None:
    """Nothing is started again and nothing is lost. A kubelet looks for a volume that has grown when it looks at the pod: after one and
    a half minutes at the latest (kubelet syncFrequency and pod_workers.go workerResyncIntervalJitterFactor)."""
    pets = Plugin(controlplane, namespace)
    own = file_system()
    grows = storage.storage_class(file_system=own) if own else storage.storage_class(node_step=True)
    pets.plane.apply(single(grows, "320Mi"), namespace)
    pets("status", "db", "-w", "--timeout", "120s", "--patience", "2m")
    before, small = _kept(pets), _bytes(pets)
    assert small < 320 * MIB or not own
    with Load(controlplane, namespace, "db-0.db") as load:
        found = pets("resize", "db", "480Mi", "-y", "--timeout", "5m")
        again = pets("recreate", "db", "--set", "podManagementPolicy=Parallel", "-y", "--timeout", "2m")
    assert "1 claim at 480Mi, and the template" in found.stderr and "made again" in again.stderr
    assert _kept(pets) == before and (_bytes(pets) - small > 150 * MIB or not own)
    assert load.failed == 0 and load.writes == written(controlplane, namespace, "db-0")
    spec = pets.set("db")["spec"]
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "480Mi"
    # The next pod finds it all on the volume.
    pets("rollout", "restart", "db", "-y", "--timeout", "2m", "--patience", "2m")
    assert load.writes == written(controlplane, namespace, "db-0") and (_bytes(pets) - small > 150 * MIB or not own)
    pets.kubectl("delete", "statefulset/db", "pvc/data-db-0")
    pets.eventually(_nothing_mounted(storage, before), "the volume goes, and the device with it")


def _nothing_mounted(storage: Storage, before: tuple[object, ...]) -> Callable[[], bool]:
    """Whether the machine has no device any more for the volume of the claim."""
    folder = storage.data(f"pvc-{before[2]}")

    def gone() -> bool:
        devices = json.loads(subprocess.run(["losetup", "--list", "--json"], capture_output=True, text=True, check=True).stdout or "{}")
        attached = any(each["back-file"].startswith(str(folder)) for each in devices.get("loopdevices", ()))
        return not (attached or folder.exists())

    return gone
