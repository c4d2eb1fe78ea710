"""How long does the built executable take to start, and to read one set, against PyInstaller programs that only print a line?

Two such peers, both one file, stripped and optimized: one as PyInstaller makes it, and one with our ``cdict`` besides, that is with
nothing compressed. The goals are for the first; the second says how much of a start is ours. A reading peer runs kubectl as well, and
``kubectl get`` by itself is one, too. Beside walls stands what was taken of the processors, which depends little on what else runs.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from krew import build
from tests.bench.measure import Cost, cost, spread
from tests.controlplane import ControlPlane

_ROUNDS = 25
_NAMESPACE = "startup"

_SPEC = """
analysis = Analysis(["hello.py"], optimize=2)
EXE(PYZ(analysis.pure), analysis.scripts, analysis.binaries, analysis.datas, name={name!r}, strip=True, upx=False, cdict={cdict})
"""

_SET = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: "app:1"}]}
"""


def run(plane: ControlPlane) -> None:
    """Build what is compared, and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        ours = build.build(Path(folder) / "ours")
        plain, stored = (_hello(Path(folder), name, cdict) for name, cdict in (("plain", None), ("stored", {})))
        plane.kubectl("create", "namespace", _NAMESPACE)
        plane.apply(_SET, _NAMESPACE)
        plane.kubectl("rollout", "status", "statefulset/web", "-n", _NAMESPACE)
        print(f"file                     {ours.stat().st_size / 1e6:.1f} MB (goal <= 20), a plain hello {plain.stat().st_size / 1e6:.1f} MB")
        environ = {**os.environ, "KUBECONFIG": str(plane.kubeconfig)}
        for title, words, goal in (
            ("--version", ["--version"], 1.3),
            ("completion of verbs", ["__complete", "st"], 1.3),
            ("status of one set", ["status", "web", "-n", _NAMESPACE], 1.5),
        ):
            kubectl = ["kubectl", "get", "statefulset", "web", "-n", _NAMESPACE] if words[0] == "status" else None
            _compare(title, [str(ours), *words], (plain, stored), kubectl, goal, environ)


def _compare(
    title: str, command: Sequence[str], hellos: tuple[Path, Path], kubectl: Sequence[str] | None, goal: float, environ: dict[str, str]
) -> None:
    """In turns, so that all of them meet the same weather."""
    costs: dict[str, list[Cost]] = {"ours": [], "plain": [], "stored": [], "kubectl": []}
    for _ in range(_ROUNDS):
        for name, words in (("ours", command), ("plain", [str(hellos[0])]), ("stored", [str(hellos[1])]), ("kubectl", kubectl)):
            if words is not None:
                costs[name].append(cost(words, environ))
    walls, busy = ({name: [of(each) for each in found] for name, found in costs.items()} for of in (_wall, _busy))
    for hello in ("plain", "stored") if kubectl else ():  # it does what ours does only with kubectl behind it
        walls[hello] = [one + other for one, other in zip(walls[hello], walls["kubectl"], strict=True)]
        busy[hello] = [one + other for one, other in zip(busy[hello], busy["kubectl"], strict=True)]
    print(title)
    print(f"  kubectl pets           {spread([value * 1000 for value in walls['ours']])} ms; of the processors")
    print(f"                         {spread([value * 1000 for value in busy['ours']])} ms")
    peers = [("hello, plain", "plain", f"goal <= {goal}"), ("hello, stored", "stored", "the same options throughout")]
    if kubectl:
        peers.append(("kubectl get alone", "kubectl", "goal <= 2.2"))
    for peer, name, words in peers:
        told = ", ".join(
            f"{of(values['ours']) / of(values[name]):.2f} {about}"
            for values, of, about in (
                (walls, statistics.median, "of medians"),
                (walls, min, "of minima"),
                (busy, statistics.median, "of the processors"),
            )
        )
        print(f"  to {peer:<19} {told} ({words})")


def _wall(taken: Cost) -> float:
    return taken.seconds


def _busy(taken: Cost) -> float:
    return taken.busy


def _hello(folder: Path, name: str, cdict: dict[str, bool] | None) -> Path:
    (folder / "hello.py").write_text('print("hello")\n', encoding="utf-8")
    spec = folder / f"{name}.spec"
    spec.write_text(_SPEC.format(name=name, cdict=cdict), encoding="utf-8")
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR", "--workpath", str(folder / "work")]
    subprocess.run([*command, "--distpath", str(folder), str(spec)], check=True, cwd=folder)
    return folder / name
