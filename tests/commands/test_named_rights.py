"""Somebody whose role is for one set by its name (RBAC resourceNames) may do to it what the role says, and to no other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.commands.plugin import Plugin, manifest
from tests.controlplane import ControlPlane

pytestmark = pytest.mark.real

#: Reading is for all of the namespace, as lists are; changes are for the objects of ``web`` alone.
_ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: keeper}
rules:
- {apiGroups: [apps], resources: [statefulsets, controllerrevisions], verbs: [get, list, watch]}
- {apiGroups: [""], resources: [pods, persistentvolumeclaims, events], verbs: [get, list, watch]}
- {apiGroups: [policy], resources: [poddisruptionbudgets], verbs: [list]}
- {apiGroups: [apps], resources: [statefulsets], verbs: [patch], resourceNames: [web]}
- {apiGroups: [""], resources: [pods], verbs: [delete], resourceNames: [web-0, web-1]}
- {apiGroups: [""], resources: [pods/eviction], verbs: [create], resourceNames: [web-0, web-1]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: keeper}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: keeper}
subjects: [{kind: User, name: keeper}]
"""


@pytest.fixture
def keeper(pets: Plugin, controlplane: ControlPlane, tmp_path: Path) -> Iterator[Path]:
    """Their kubeconfig; the sets ``web`` and ``other`` run."""
    for name in ("web", "other"):
        controlplane.apply(manifest(name, replicas=2), pets.namespace)
    controlplane.apply(_ROLE, pets.namespace)
    for name in ("web", "other"):
        pets("status", name, "-w", "--until", "ready", "--timeout", "60s")
    asked = ("auth", "can-i", "delete", "pods/web-1", "--as=keeper", "-n", pets.namespace)
    pets.eventually(lambda: controlplane.kubectl(*asked, check=False).stdout.strip() == "yes", "the role counts")
    config = yaml.safe_load(controlplane.kubeconfig.read_text(encoding="utf-8"))
    config["users"][0]["user"]["as"] = "keeper"
    path = tmp_path / "keeper.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    yield path


def test_a_role_for_one_set_is_enough_for_it(pets: Plugin, keeper: Path) -> None:
    pets("rollout", "canary", "web", "--image", "app:5", "-y", kubeconfig=keeper)
    pets("rollout", "abort", "web", "-y", kubeconfig=keeper)
    pets("rollout", "run", "web", "--image", "app:2", "--on-stuck", "abort", "-y", kubeconfig=keeper)
    assert set(pets.images().values()) == {"app:2"}
    pets("rollout", "restart", "web", "--pod", "1", "-y", kubeconfig=keeper)
    pets("partition", "web", "1", "-y", kubeconfig=keeper)
    pets("scale", "web", "--replicas", "1", "-y", kubeconfig=keeper)
    assert pets.set()["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (("rollout", "run", "other", "--image", "app:5"), "patch statefulsets.apps"),
        (("rollout", "restart", "other", "--pod", "1"), "create pods/eviction"),
        (("scale", "other", "--replicas", "1"), "patch statefulsets.apps"),
    ],
)
def test_it_is_not_enough_for_another(pets: Plugin, keeper: Path, words: tuple[str, ...], right: str) -> None:
    before = pets.set("other")["metadata"]["generation"]
    refused = pets(*words, "-y", kubeconfig=keeper, expect=1)
    assert right in refused.stderr and "Nothing was changed" in refused.stderr
    assert pets.set("other")["metadata"]["generation"] == before
    hint = refused.stderr.rsplit("hint: kubectl ", 1)[1].split()
    assert pets.plane.kubectl(*hint, kubeconfig=keeper, check=False).stdout.strip() == "no", "the command that checks it says so"


def test_a_role_for_some_of_the_pods_is_not_enough(pets: Plugin, keeper: Path) -> None:
    """Aborting may have to delete each of them."""
    pets("scale", "web", "--replicas", "3", "-y")
    refused = pets("rollout", "run", "web", "--image", "app:5", "--on-stuck", "abort", "-y", kubeconfig=keeper, expect=1)
    assert "delete pods" in refused.stderr
