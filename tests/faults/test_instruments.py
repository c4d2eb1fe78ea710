"""The instruments see what they are there to see: without this, no fault that they do not report would mean anything."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.credentials import ADMIN
from tests.faults import claims, deletions, reading
from tests.faults.cases import CASES, NEW, Begin, Case
from tests.faults.draws import Asked, Fault, Faults
from tests.faults.figures import Outcome, table
from tests.faults.ground import Ended, Ground, Scene
from tests.faults.proxy import proxy

_RUN, _BY_HAND = CASES["run"][0], Case("run", Begin.FRESH, "OrderedReady", "OnDelete")


def _ended(code: int, stderr: str = "") -> Ended:
    return Ended(code, "", stderr, 0.0, 0.0)


@pytest.mark.real
def test_pods_down_and_pods_made_anew_are_counted(controlplane: ControlPlane, namespace: str) -> None:
    ground = Ground(controlplane, namespace)
    with ground.scene(_BY_HAND, "web") as scene:
        for _ in range(2):
            uid = reading.uid(scene.observer.view.pods["web-1"])
            ground.plugin.kubectl("delete", "pod", "web-1", "--wait=false")
            scene.observer.until(lambda view: reading.is_whole(view) and reading.uid(view.pods["web-1"]) != uid, "a new one")  # noqa: B023
        assert scene.observer.replaced() == {"web-1": 2} and scene.observer.lowest == 2
        assert scene.audit.changes() == [], "kubectl is not us"
        ground.plugin.kubectl("delete", "pod", "web-0", "web-2", "--wait=false")
        scene.observer.until(lambda view: reading.available(view) < 2, "two of three are down")
        ended = _ended(1, "error: something")
        scene.observer.until(reading.is_whole, "back")
        told = "\n".join(scene.problems(_BY_HAND, ended))
        for part in ("ended with 1: error: something", "web-2 not at app:2", "'web-1': 2", "pods available at one time"):
            assert part in told


@pytest.mark.real
def test_a_pod_that_came_back_at_the_revision_of_before_is_told_from_one_that_was_made_anew_twice(
    controlplane: ControlPlane, namespace: str
) -> None:
    ground, held = Ground(controlplane, namespace), '{"spec": {"updateStrategy": {"rollingUpdate": {"partition": %d}}}}'
    with ground.scene(_RUN, "web") as scene:
        def gone(name: str) -> None:
            uid = reading.uid(scene.observer.view.pods[name])
            ground.plugin.kubectl("delete", "pod", name, "--wait=false")
            scene.observer.until(lambda view: reading.is_whole(view) and reading.uid(view.pods[name]) != uid, "a new one")

        ground.plugin.kubectl("patch", "statefulset", "web", "-p", held % 3)
        scene.change(NEW)
        gone("web-1")  # held back, so at the revision of before
        gone("web-0")
        gone("web-0")
        ground.plugin.kubectl("patch", "statefulset", "web", "-p", held % 1)
        scene.observer.until(lambda view: all(reading.image(view.pods[f"web-{each}"]) == NEW for each in (1, 2) if f"web-{each}" in view.pods), "rolled")
        scene.observer.until(lambda view: reading.is_whole(view) and scene.observer.replaced().get("web-1") == 2, "made anew")
        assert scene.observer.came_back_old("web-1") and not scene.observer.came_back_old("web-0") and not scene.observer.came_back_old("web-2")


@pytest.mark.real
def test_dry_runs_change_nothing(controlplane: ControlPlane, namespace: str) -> None:
    ground = Ground(controlplane, namespace)
    with ground.scene(_RUN, "web") as scene:
        assert ground.type((*_RUN.words("web"), "--dry-run=server")).code == 0
        assert scene.audit.changes() == []


@pytest.mark.real
def test_our_own_deletions_are_told_from_others(controlplane: ControlPlane, namespace: str) -> None:
    ground = Ground(controlplane, namespace)
    case = Case("restart", Begin.FRESH, more=("--pod", "1"))
    with ground.scene(case, "web") as scene:
        for _ in range(2):
            assert ground.type((*case.words("web"), "--anew")).code == 0
        assert scene.audit.deletions() == ["web-1", "web-1"] and scene.twice() == 1
        assert any("deleted by us ['web-1', 'web-1']" in problem for problem in scene.problems(case, _ended(0)))
        # It served and was as wanted: for any verb but a restart of chosen pods that would be wrong.
        assert claims.served(_RUN, scene)[:1] == ["web-1"] and claims.served(case, scene) == []


@pytest.mark.real
def test_what_is_not_so_is_a_lie(controlplane: ControlPlane, namespace: str) -> None:
    ground = Ground(controlplane, namespace)
    with ground.scene(_RUN, "web") as scene:
        now = scene.observer.view
        revision = reading.revision(now.pods["web-0"])
        assert "says it is done" in _judged(scene, 0, f"complete, 3 pods at {revision}", _RUN)  # at the old image
        undo = Case("undo", Begin.FRESH)
        assert _judged(scene, 0, f"undone, 3 pods at {revision} and available", undo) == ""
        assert "says it is done" in _judged(scene, 0, f"undone, 2 pods at {revision} and available", undo)
        assert "says it is done" in _judged(scene, 0, "undone, 3 pods at web-other and available", undo)
        assert "not done" in _judged(scene, 5, "timed out: 3/3", undo)
        assert _judged(scene, 4, "stuck", _RUN) == ""
        assert "nobody did" in _judged(scene, 1, "somebody changed the template: x is wanted now", _RUN)
        assert _judged(scene, 1, "somebody changed the template: x is wanted now", _RUN, "image app:3") == ""
        assert "nobody did" in _judged(scene, 1, "error: a traceback", _RUN, "image app:3")
        assert _judged(scene, 6, "refused: another rollout", _RUN) == ""
        assert ground.type(_RUN.words("web")).code == 0
        assert "refused, and changed" in _judged(scene, 6, "refused: another rollout", _RUN)


def _judged(scene: Scene, code: int, stderr: str, case: Case, *journal: str) -> str:
    return claims.untrue(case, scene, Ended(code, "", stderr, 0.0, scene.observer.view.at), list(journal))


class _Drawn(Faults):
    """The fault that the test wants, for every request."""

    def __init__(self, fault: Fault | None) -> None:
        super().__init__("", 0.0)
        self.fault = fault
        self.kinds: list[Asked] = []

    def draw(self, asked: Asked) -> Fault | None:
        self.kinds.append(asked)
        return self.fault

    def seconds(self, most: float) -> float:
        return 0.2


def _ask(controlplane: ControlPlane, port: int, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    token = json.loads(controlplane.kubeconfig_for(ADMIN, port).read_text(encoding="utf-8"))["users"][0]["user"]["token"]
    context = ssl.create_default_context(cafile=str(controlplane.ca_file))
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    try:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


@pytest.mark.real
def test_the_proxy_does_what_it_says(controlplane: ControlPlane, namespace: str) -> None:
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    faults = _Drawn(None)
    with proxy(controlplane, faults) as server:

        def ask(fault: Fault | None, method: str = "GET", path: str = maps, name: str = "") -> tuple[int, dict[str, str], bytes]:
            faults.fault = fault
            return _ask(controlplane, server.port, method, path, json.dumps({"metadata": {"name": name}}).encode() if name else b"")

        def there() -> set[str]:
            return {item["metadata"]["name"] for item in json.loads(ask(None)[2])["items"]}

        assert ask(None)[0] == 200 and faults.kinds[-1] == Asked("GET", "configmaps", False)
        for fault in (Fault.CONFLICT, Fault.ERROR, Fault.UNAVAILABLE):
            assert ask(fault, "POST", name="never")[0] == int(fault)
        code, headers, _ = ask(Fault.THROTTLED)
        assert (code, headers["Retry-After"]) == (429, "1")
        with pytest.raises(http.client.IncompleteRead):
            ask(Fault.HALF)
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected, ssl.SSLError)):
            ask(Fault.LOST, "POST", name="lost")
        assert ask(Fault.GATEWAY, "POST", name="gateway")[0] == 504
        assert {"lost", "gateway"} <= there() and "never" not in there(), "carried out, the others were not"
        _watches(lambda fault: ask(fault, path=f"{maps}?watch=1&timeoutSeconds=1"))


def _watches(watch: Callable[[Fault | None], tuple[int, dict[str, str], bytes]]) -> None:
    code, _, body = watch(None)
    assert code == 200 and b'"ADDED"' in body
    assert watch(Fault.EXPIRED)[0] == 410
    for fault, begins in ((Fault.EXPIRED_EVENT, b'{"type":"ERROR"'), (Fault.CUT, b""), (Fault.STALLED, b""), (Fault.BROKEN, b'{"type":"ADDED"')):
        with pytest.raises(http.client.IncompleteRead) as cut:
            watch(fault)
        partial: Any = cut.value.partial
        assert partial.startswith(begins) and (begins or not partial)
        assert fault is not Fault.BROKEN or not partial.endswith(b"\n")


def test_faults_are_drawn_from_the_seed_and_bounded() -> None:
    kinds = [Asked("GET", "pods", False), Asked("GET", "pods", True), Asked("DELETE", "pods", False)]
    one, two = Faults("s", 0.5), Faults("s", 0.5)
    in_turn = {kind: [one.draw(kind) for _ in range(8)] for kind in kinds}
    mixed: dict[Asked, list[Fault | None]] = {kind: [] for kind in kinds}
    for _ in range(8):
        for kind in reversed(kinds):
            mixed[kind].append(two.draw(kind))
    assert in_turn == mixed, "whichever comes first"
    worst = Faults("s", 1.0, most=5)
    row = [worst.draw(kinds[0]) is not None for _ in range(12)]
    assert row == [True, True, False, True, True, False, True] + [False] * 5


def test_the_table_adds_up() -> None:
    outcomes = [
        Outcome("kills run", 0, "a", kills=2, retypes=2, lowest=2, codes=[0]),
        Outcome("kills run", 1, "b", kills=1, retypes=1, lowest=1, twice=1, codes=[4], problems=["bad"], seconds=3.0),
        Outcome("wires", 0, "c", faults=7, ratio=0.5, codes=[0]),
        Outcome("claims", 0, "d", retained=8192, lost=0),
        Outcome("claims", 1, "e", retained=4096, lost=4096, problems=["lost"]),
    ]
    rows = [line.split() for line in table(outcomes).splitlines()[1:]]
    assert rows[0] == ["kills", "run", "2", "3", "3", "0", "1", "1", "-", "-", "1", "-", "0:1", "4:1", "3.00"]
    assert rows[1] == ["wires", "1", "0", "0", "7", "-", "0", "-", "-", "0", "0.50", "0:1", "0.00"]
    assert rows[2][6:10] == ["0", "12288", "4096", "1"]
    assert "--seed 7 --only 1" in outcomes[1].told(7)


@pytest.mark.parametrize(("said", "there", "problems"), [("data retained", True, 0), ("data retained", False, 1), ("restored x", False, 1), ("refused", False, 0)])
def test_a_file_that_is_gone_although_it_was_called_retained_is_a_loss(tmp_path: Path, said: str, there: bool, problems: int) -> None:
    file = tmp_path / "precious"
    if there:
        file.write_bytes(b"x" * deletions._BYTES)
    scene = deletions._Claims(cast(Ground, None), "web")
    scene.files["data-web-1"] = file
    outcome = Outcome("claims", 0, "x", retained=0, lost=0)
    duel = deletions._Duel(scene, "data-web-1", tmp_path, Random(1), outcome)
    duel._said.append(said)
    assert len(duel._judge()) == problems
    assert outcome.lost == (0 if there or said == "refused" else deletions._BYTES)
