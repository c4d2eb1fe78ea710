"""How much slower is a rollout in steps than the controller's own, how many requests does a step cost, and how fast is the reaction?

Measured is the executable, as it is installed. The peer is ``kubectl set image`` and ``kubectl rollout status``. Requests are
counted in the API server's audit log by user agent. The reaction is the time from a pod's Ready arriving at a watch of ours to the API server receiving the next step's patch. ``wide``
asks the same of a large set of which many pods may be down, ``crowd`` of many sets, each rolled by a process of its own.
"""

import json
import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

from krew import build
from tests.bench.measure import as_installed, seconds_of, spread
from tests.controlplane import ControlPlane

_NAMESPACE = "bench"
_ROUNDS = 3
#: How long a pod takes from its start to Ready. A second is less than any database needs, so it flatters nobody.
_READY_AFTER = ("1s", "3s")
_ONE_BY_ONE = ("--step", "1", "--settle", "0")
#: The program as a checkout installs it for itself.
_CHECKOUT = "kubectl-pets"


def run(plane: ControlPlane) -> None:
    plane.kubectl("create", "namespace", _NAMESPACE)
    for after in _READY_AFTER:
        print(f"rollout of 10 replicas, each Ready {after} after it starts, in steps of 1, against kubectl set image and waiting")
        _ratio(plane, after)
    print("requests of kubectl-pets in a rollout in steps of 1 (audit log)")
    for replicas in (3, 6, 12):
        _requests(plane, replicas)
    print("reaction: from a pod's Ready to the next step's patch")
    _reaction(plane)


def wide(plane: ControlPlane, replicas: int = 200, unavailable: int = 20) -> None:
    """One set with ``maxUnavailable``. In steps of that, each after all of the one before, a step costs the time of its slowest pod.
    With ``--overlap`` each pod that is done lets the next one go; with steps of twice as many the controller has one to go on with
    while word of that is on its way."""
    plane.kubectl("create", "namespace", _NAMESPACE)
    print(f"rollout of {replicas} replicas with maxUnavailable {unavailable}, against kubectl set image and waiting")
    _make(plane, "wide", replicas, unavailable=unavailable)
    ways = {
        f"in steps of {unavailable}": ("--step", str(unavailable)),
        f"in steps of {unavailable} that overlap": ("--step", str(unavailable), "--overlap"),
        f"in steps of {2 * unavailable} that overlap": ("--step", str(2 * unavailable), "--overlap"),
    }
    _by_us(plane, "wide", "app:first", "--settle", "0")  # nothing to do: it is built, and read once
    pairs: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    verbs: dict[str, list[list[str]]] = {way: [] for way in ways}
    for turn in range(_ROUNDS):
        theirs = seconds_of(lambda: _by_controller(plane, "wide", f"app:a{turn}"))
        for number, (way, flags) in enumerate(ways.items()):
            mark = plane.audit_log.stat().st_size
            ours = seconds_of(lambda: _by_us(plane, "wide", f"app:b{turn}-{number}", *flags, "--settle", "0"))
            pairs[way].append((ours, theirs))
            verbs[way].append([event["verb"] for event in _answered(plane, mark)])
    for way in ways:
        print(way)
        _beside(pairs[way])
        asked = statistics.median(len(each) for each in verbs[way])
        changes = statistics.median(each.count("patch") for each in verbs[way])
        print(f"  requests     {asked:6.0f}     with {changes:.0f} changes, {asked / changes:.1f} a change")


def crowd(plane: ControlPlane, sets: int = 20, replicas: int = 3) -> None:
    """Many sets at once, from as many processes: all of them share the machine with the control plane and their peers."""
    plane.kubectl("create", "namespace", _NAMESPACE)
    print(f"rollout of {sets} sets of {replicas} replicas at once, from {sets} processes, against as many of kubectl")
    names = [f"crowd-{number}" for number in range(sets)]
    for name in names:
        plane.apply(_manifest(name, replicas, _READY_AFTER[0], 1), _NAMESPACE)
    for name in names:
        plane.kubectl("rollout", "status", f"statefulset/{name}", "-n", _NAMESPACE)
    _by_us(plane, names[0], "app:first")  # nothing to do: it is built, and read once
    _by_us(plane, names[0], "app:first", *_ONE_BY_ONE, program=_CHECKOUT)  # only compiles the bytecode
    started = [_at_once([partial(_started, plane)] * sets) for _ in range(_ROUNDS)]
    pairs, work, requests, from_source = [], [], [], []
    for turn in range(_ROUNDS):
        theirs, their_work = _at_once([partial(_by_controller, plane, name, f"app:a{turn}") for name in names])
        mark = plane.audit_log.stat().st_size
        ours, our_work = _at_once([partial(_by_us, plane, name, f"app:b{turn}") for name in names])
        pairs.append((ours, theirs))
        work.append((our_work, their_work))
        requests.append(len(_answered(plane, mark)))
        checkout = partial(_by_us, plane, program=_CHECKOUT)
        from_source.append(_at_once([partial(checkout, name, f"app:c{turn}", *_ONE_BY_ONE) for name in names]))
    _beside(pairs)
    mine, other = (statistics.median(each) for each in zip(*work, strict=True))
    print(f"  processors   {mine:6.2f} s   of all {sets}, kubectl {other:.2f} s")
    slower, more = (statistics.median(each) for each in zip(*from_source, strict=True))
    print(f"  from source  {more:6.2f} s   of all {sets}, which as modules of a checkout take {slower:.2f} s")
    alone, busy = (statistics.median(each) for each in zip(*started, strict=True))
    print(f"  of that      {busy:6.2f} s   to start {sets} processes that only say their version, {alone:.2f} s until the last has")
    print(f"  requests     {statistics.median(requests) / sets:6.1f}     a set, {statistics.median(requests) / sets / replicas:.1f} a step")


def _started(plane: ControlPlane) -> None:
    subprocess.run([_program(plane), "--version"], check=True, capture_output=True)


def _at_once(calls: Sequence[Callable[[], None]]) -> tuple[float, float]:
    """Seconds until the last one has ended, and what all that they have started took of the processors. Raises what one raised."""
    before = _children()
    with ThreadPoolExecutor(len(calls)) as pool:
        taken = seconds_of(lambda: [each.result() for each in [pool.submit(call) for call in calls]])
    return taken, _children() - before


def _children() -> float:
    """Seconds of the processors, user and system, of the processes that have ended."""
    used = os.times()
    return used.children_user + used.children_system


def _beside(pairs: Sequence[tuple[float, float]]) -> None:
    """Seconds of ours and of kubectl's, in the same turn each."""
    ours, theirs = zip(*pairs, strict=True)
    ratios = [mine / other for mine, other in pairs]
    print(f"  kubectl      {statistics.median(theirs):6.2f} s   ({spread(theirs)})")
    print(f"  kubectl pets {statistics.median(ours):6.2f} s   ({spread(ours)})")
    print(f"  ratio        {statistics.median(ratios):6.3f}     ({spread(ratios)}; goal <= 1.05)   with --settle 0")


def _ratio(plane: ControlPlane, after: str) -> None:
    name = f"ratio-{after}"
    _make(plane, name, 10, after)
    _by_us(plane, name, "app:first")  # nothing to do: it is built, and read once
    pairs = []
    for turn in range(_ROUNDS):
        theirs = seconds_of(lambda: _by_controller(plane, name, f"app:a{turn}"))
        pairs.append((seconds_of(lambda: _by_us(plane, name, f"app:b{turn}")), theirs))
    _beside(pairs)
    if after == _READY_AFTER[0]:
        settled = seconds_of(lambda: _by_us(plane, name, "app:settled", "--step", "1", "--settle", "10s"))
        more = (settled - statistics.median(ours for ours, _ in pairs)) / 10
        print(f"  with --settle 10s, the default: {settled:6.2f} s, {more:5.2f} s more a step")


def _requests(plane: ControlPlane, replicas: int) -> None:
    name = f"requests-{replicas}"
    _make(plane, name, replicas)
    mark = plane.audit_log.stat().st_size
    _by_us(plane, name, "app:next")
    seen = _answered(plane, mark)
    verbs: dict[str, int] = {}
    for event in seen:
        verbs[event["verb"]] = verbs.get(event["verb"], 0) + 1
    detail = ", ".join(f"{verb} {count}" for verb, count in sorted(verbs.items()))
    print(f"  {replicas:3} replicas: {len(seen):4} requests, {len(seen) / replicas:5.1f} a step   ({detail})")


def _reaction(plane: ControlPlane) -> None:
    _make(plane, "reaction", 10)
    mark = plane.audit_log.stat().st_size
    ready: list[float] = []
    watch = plane.kubectl_popen("get", "pods", "-n", _NAMESPACE, "-l", "app=reaction", "-w", "--output-watch-events", "-o", "json")
    reader = threading.Thread(target=_note_ready, args=(watch, ready), daemon=True)
    reader.start()
    _by_us(plane, "reaction", "app:next")
    watch.terminate()
    watch.wait()
    reader.join()
    patches = [
        _seconds(event["requestReceivedTimestamp"])
        for event in _answered(plane, mark)
        if event["verb"] == "patch"
    ]
    delays = [min(1e9, *(patch - time for time in ready if time <= patch)) for patch in patches if any(t <= patch for t in ready)]
    steps = [delay * 1000 for delay in delays if delay < 1.0]
    print(f"  median {statistics.median(steps):.0f} ms over {len(steps)} steps ({spread(steps)}; goal <= 100 ms)")


def _note_ready(watch: "subprocess.Popen[str]", ready: list[float]) -> None:
    """The moment at which each pod's Ready reached a watch."""
    assert watch.stdout is not None
    known: set[str] = set()
    decoder, text = json.JSONDecoder(), ""
    for line in watch.stdout:
        text += line
        try:
            event, _ = decoder.raw_decode(text)
        except ValueError:
            continue
        text = ""
        pod = event["object"]
        conditions = pod["status"].get("conditions", [])
        if pod["metadata"]["uid"] in known or not any(c["type"] == "Ready" and c["status"] == "True" for c in conditions):
            continue
        known.add(pod["metadata"]["uid"])
        ready.append(time.time())


def _answered(plane: ControlPlane, mark: int) -> list[dict[str, Any]]:
    """The requests of ours that were answered since."""
    return [event for event in _audit(plane, mark) if event["stage"] == "ResponseComplete"]


def _audit(plane: ControlPlane, mark: int) -> Iterator[dict[str, Any]]:
    time.sleep(0.5)  # the log is written in batches
    with plane.audit_log.open(encoding="utf-8") as log:
        log.seek(mark)
        for line in log:
            event: dict[str, Any] = json.loads(line)
            if event.get("userAgent", "").startswith("kubectl-pets/"):
                yield event


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).astimezone(UTC).timestamp()


def _by_controller(plane: ControlPlane, name: str, image: str) -> None:
    plane.kubectl("set", "image", f"statefulset/{name}", f"app={image}", "-n", _NAMESPACE)
    plane.kubectl("rollout", "status", f"statefulset/{name}", "-n", _NAMESPACE)


def _by_us(plane: ControlPlane, name: str, image: str, *more: str, program: str = "") -> None:
    command = [program or _program(plane), "rollout", "run", name, "--image", image, "-n", _NAMESPACE, *(more or _ONE_BY_ONE)]
    environ = as_installed({**os.environ, "KUBECONFIG": str(plane.kubeconfig)}, plane.directory / "bytecode")
    subprocess.run(command, env=environ, check=True, capture_output=True)


def _program(plane: ControlPlane) -> str:
    """The executable of this checkout, built when it is first asked for."""
    path = plane.directory / "built" / "kubectl-pets"
    if not path.exists():
        build.build(path.parent)
    return str(path)


def _make(plane: ControlPlane, name: str, replicas: int, after: str = _READY_AFTER[0], unavailable: int = 1) -> None:
    plane.apply(_manifest(name, replicas, after, unavailable), _NAMESPACE)
    plane.kubectl("rollout", "status", f"statefulset/{name}", "-n", _NAMESPACE)


def _manifest(name: str, replicas: int, after: str, unavailable: int) -> str:
    """Of a set with ``maxUnavailable``, made in parallel where that is more than one: 200 pods one by one would take minutes."""
    return f"""
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: {name}}}
spec:
  serviceName: {name}
  replicas: {replicas}
  podManagementPolicy: {"Parallel" if unavailable > 1 else "OrderedReady"}
  updateStrategy: {{type: RollingUpdate, rollingUpdate: {{maxUnavailable: {unavailable}}}}}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata:
      labels: {{app: {name}}}
      annotations: {{kubectl-pets.test/ready-after: {after}}}
    spec:
      containers: [{{name: app, image: "app:first"}}]
"""
