"""Records what a real node makes of the sets of a namespace, event by event."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO

from tests.controlplane import ControlPlane
from tests.domain.recording import Change, Recording, joined, trimmed
from tests.node.ways import WAYS, manifest

#: Patience lasts two minutes, from when the trouble began.
_SECONDS = 180.0

_KINDS = ("statefulsets", "pods", "controllerrevisions", "persistentvolumeclaims", "events")


def record(plane: ControlPlane, namespace: str, seconds: float, about: str, meanwhile: Callable[[float], None] = lambda _: None) -> Recording:
    """All events of the namespace for so long. ``meanwhile`` is called about once a second with the seconds that have passed."""
    changes: list[Change] = []
    watches = [plane.kubectl_popen("get", kind, "-n", namespace, "-w", "--output-watch-events", "-o", "json") for kind in _KINDS]
    threads = []
    for watch in watches:
        assert watch.stdout is not None
        threads.append(threading.Thread(target=_follow, args=(watch.stdout, changes)))
        threads[-1].start()
    started = time.monotonic()
    try:
        while (passed := time.monotonic() - started) < seconds:
            meanwhile(passed)
            ended = [kind for kind, watch in zip(_KINDS, watches) if watch.poll() is not None]
            assert not ended, f"the watch of {', '.join(ended)} ended"
            time.sleep(1.0)
    finally:
        for watch in watches:
            watch.terminate()
        for watch, thread in zip(watches, threads):
            thread.join()
            watch.communicate()
    return Recording(about, joined(changes))


def broken(plane: ControlPlane, namespace: str, about: str) -> Recording:
    """What becomes of pods that break in every way, in a namespace that is made for them and stays."""
    plane.create_namespace(namespace)
    deleted = [f"{way.name}-0" for way in WAYS if way.deleted]
    steps: list[tuple[float, Callable[[], object]]] = [
        (0.0, lambda: plane.apply(manifest(), namespace)),
        (20.0, lambda: plane.kubectl("delete", "pod", *deleted, "-n", namespace, "--wait=false")),
    ]

    def meanwhile(passed: float) -> None:
        if steps and passed >= steps[0][0]:
            steps.pop(0)[1]()

    return record(plane, namespace, _SECONDS, about, meanwhile)


def _follow(stream: IO[str], changes: list[Change]) -> None:
    for line in stream:  # an event each
        event = json.loads(line)
        change = Change(datetime.now(UTC), event["object"]["kind"], event["type"] == "DELETED", trimmed(event["object"]))
        changes.append(change)
