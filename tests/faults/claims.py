"""Is it true what the program says at its end? Its last words are held against every state that the observer saw around then.

What is claimed rests on a read a moment before; so it has to have been so at one time at least between a little before the end and
the end. What was never so in that time is a lie.
"""

from __future__ import annotations

import re
import time
from datetime import datetime

from tests.faults import reading
from tests.faults.cases import NEW, Case
from tests.faults.ground import Ended, Scene
from tests.faults.reading import View

#: Seconds from the last read to the end of the process, on a busy machine.
_BEFORE = 3.0

_OK, _FAILED, _STUCK, _TIMED_OUT, _REFUSED = 0, 1, 4, 5, 6

_AT = re.compile(r"(\d+) pods? at (\S+?)[,;]?(?: |$)")
_BACK_AT = re.compile(r"every pod is back at (\S+?)[,;]?(?: |$)")

#: What a word of somebody else's doing needs in the journal of what was done.
_DOINGS = {
    "changed the template": ("image", "undo"),
    "raised the partition": ("partition",),
    "lowered the partition": ("partition",),
}


def untrue(case: Case, scene: Scene, ended: Ended, journal: list[str]) -> str:
    """What of the end is not so; empty where all is. ``journal``: what somebody else did, the kind of edit first."""
    said = " ".join(ended.stderr.split())
    views = _around(scene, ended)
    match ended.code:
        case 0:
            return "" if any(_is_done(case, said, view) for view in views) else f"says it is done: {said}"
        case 1:
            fits = any(words in said and any(each.split()[0] in kinds for each in journal) for words, kinds in _DOINGS.items())
            late = case.verb == "abort" and "is complete: abort takes back" in said and any(map(_is_complete, views))
            return "" if fits or late else f"fails for what nobody did: {said}"
        case 3:  # what somebody had held before this run looked for the first time is left as it is
            held = "keeps" in said and any(each.split()[0] == "partition" for each in journal)
            return "" if held and any(not _is_done(case, "", view) for view in views) else f"says it is not done: {said}"
        case 4 | 5:
            return "" if any(not _is_done(case, "", view) for view in views) else f"says it is not done: {said}"
        case 6:
            changes = scene.audit.changes()
            return f"refused, and changed {changes}" if changes else ""
        case _:
            return f"an exit code for nothing: {ended.code} {said}"


def _around(scene: Scene, ended: Ended) -> list[View]:
    """The states from a little before the end; of older ones the last, for it lasted until then."""
    with scene.observer.changed:
        history = list(scene.observer.history)
    recent = [view for view in history if view.at >= ended.at - _BEFORE]
    older = [view for view in history if view.at < ended.at - _BEFORE]
    return [*older[-1:], *recent]


def _is_done(case: Case, said: str, view: View) -> bool:
    """Whether the verb's promise holds, with the numbers that are ``said``."""
    if view.set is None or not reading.is_observed(view) or not reading.is_whole(view):
        return False
    pods = {ordinal: pod for ordinal, pod in enumerate(reading.positions(view)) if pod is not None}
    if case.verb == "abort":
        back = _BACK_AT.search(said)
        wanted = back.group(1) if back else view.set["status"]["currentRevision"]
        return all(reading.revision(pod) == wanted for pod in pods.values())
    if any(reading.revision(pod) != reading.home(view, ordinal) for ordinal, pod in pods.items()):
        return False
    if case.verb == "run" and (reading.image(view.set) != NEW or reading.partition(view.set)):
        return False
    claimed = _AT.search(said)
    if claimed is None:
        return True
    return sum(reading.revision(pod) == claimed.group(2) for pod in pods.values()) == int(claimed.group(1))


def _is_complete(view: View) -> bool:
    """Whether every pod runs the wanted revision: then the last ones became ready before an abort could hold them."""
    if view.set is None or not reading.is_observed(view) or not reading.is_whole(view):
        return False
    pods = [pod for pod in reading.positions(view) if pod is not None]
    return all(reading.revision(pod) == view.set["status"]["updateRevision"] for pod in pods)


def served(case: Case, scene: Scene) -> list[str]:
    """Our deletions of pods that were available and as wanted all the time before. Chosen pods are restarted all the same."""
    if case.order:
        return []
    with scene.observer.changed:
        history = list(scene.observer.history)
    ahead = time.time() - time.monotonic()
    wrong = []
    for change in scene.audit.changes():
        if change.what not in ("delete", "evict"):
            continue
        when = datetime.fromisoformat(change.time).timestamp() - ahead
        gone = _leaves(change.name, history, when)
        if gone is not None and _all_served(case, change.name, history[:gone], history[gone]):
            wrong.append(change.name)
    return wrong


def _leaves(name: str, history: list[View], when: float) -> int | None:
    """Where a pod of that name begins to leave because of a deletion at that time; others may have deleted it at other times."""
    for place, (before, after) in enumerate(zip(history, history[1:], strict=False), start=1):
        pod, earlier = after.pods.get(name), before.pods.get(name)
        begins = pod is not None and reading.is_leaving(pod) and not (earlier is not None and reading.is_leaving(earlier))
        if begins and after.at >= when:
            return place
    return None


def _all_served(case: Case, name: str, before: list[View], gone: View) -> bool:
    own = [
        view
        for view in before
        if gone.at - view.at < _BEFORE and name in view.pods and reading.uid(view.pods[name]) == reading.uid(gone.pods[name])
    ]
    return bool(own) and all(_serves(view, name, int(name.rpartition("-")[2]), case) for view in own)


def _serves(view: View, name: str, ordinal: int, case: Case) -> bool:
    if view.set is None or not reading.is_available(view.pods[name]):
        return False
    wanted = view.set["status"]["currentRevision"] if case.verb == "abort" else reading.home(view, ordinal)
    return reading.is_observed(view) and reading.revision(view.pods[name]) == wanted
