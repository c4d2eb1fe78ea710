"""Case by case: real kubectl and kubectl-pets end alike, as the same user, over the same way, with the same plugins run."""

import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.controlplane import ControlPlane
from tests.parity import files, flags, identity, plugins, pods, servers
from tests.parity.case import Case
from tests.parity.differences import DIFFERENCES
from tests.parity.lane import Lane, lane

pytestmark = pytest.mark.real

CASES = [each for topic in (identity, plugins, servers, files, flags, pods) for each in topic.CASES]

#: `make parity` plays them all; among other tests only what must never go wrong, what differs, and every sixth of the others.
_ALWAYS = ("plain-", "pod-", "kuberc-")
_ON_PURPOSE = {name: reason for reason, names in DIFFERENCES.items() for name in names}

_PLAYED = [
    each
    for index, each in enumerate(CASES)
    if os.environ.get("PARITY") == "all" or index % 6 == 0 or each.name.startswith(_ALWAYS) or each.name in _ON_PURPOSE
]

_RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: parity-WORKER}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects:
"""


@pytest.fixture(scope="module")
def lanes(controlplane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lane, Lane]]:
    """kubectl's and ours; each worker has its own."""
    users = ("anna", "boris", "clara", "certuser", "certuser2")
    subjects = "".join(f"- {{kind: User, apiGroup: rbac.authorization.k8s.io, name: {name}}}\n" for name in users)
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0)
    controlplane.apply(_RIGHTS.replace("WORKER", str(worker)) + subjects)  # of one for all, several would be the first
    beside = Path(sys.executable).parent
    folder = tmp_path_factory.mktemp("parity")
    with ExitStack() as running:
        yield (
            running.enter_context(lane("kubectl", (str(beside / "kubectl"), "get", "statefulsets"), controlplane, folder, f"127.1.{worker}.1")),
            running.enter_context(lane("pets", (str(beside / "kubectl-pets"), "list"), controlplane, folder, f"127.1.{worker}.2")),
        )


@pytest.mark.parametrize("case", _PLAYED, ids=lambda case: case.name)
def test_as_kubectl(lanes: tuple[Lane, Lane], case: Case) -> None:
    with ThreadPoolExecutor(2) as both:
        kubectl, pets = both.map(lambda each: each.run(case), lanes)
    told = f"\nkubectl: {kubectl.code} {kubectl.said[:1000]}\npets:    {pets.code} {pets.said[:1000]}"
    assert not re.search("Traceback|defect", pets.said), told
    if case.name in _ON_PURPOSE:
        assert kubectl.compared() != pets.compared(), f"no difference any more: {_ON_PURPOSE[case.name]}{told}"
    else:
        assert kubectl.compared() == pets.compared(), told


def test_cases_and_differences_are_told_apart_by_their_names() -> None:
    names = [each.name for each in CASES]
    assert len(set(names)) == len(names)
    assert set(_ON_PURPOSE) <= set(names)
