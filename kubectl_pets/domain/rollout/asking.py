"""What has to be asked besides the set and its pods, so that a verdict can say why? Nothing, where all is well.

Events, pods that have the name of a missing one, and nodes are optional rights and take requests of their own, so only those of
the first few pods in trouble are asked for, in the order in which the controller goes at them.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import assert_never

import msgspec

from kubectl_pets.domain.rollout.containers import FORGOTTEN
from kubectl_pets.domain.rollout.members import Member, PodState
from kubectl_pets.domain.rollout.verdict import Assessment, Phase

#: So many pods in trouble are asked about. The controller mostly works at one, and what ails several ails them alike.
_FEW = 3

#: Nodes of pods that are all well: so many are asked for, or none at all.
_MOST_NODES = 16

#: A pod that has just become Ready may be the successor of one that was ended on its node, which only events tell.
_YOUNG = timedelta(seconds=60)

#: A controller makes the next pod within this after it has seen that one is Ready.
_RIGHT_AFTER = timedelta(seconds=5)


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask for. ``set_name``: the set whose events are wanted, "" for none."""

    set_name: str = ""
    #: Pods whose events are wanted.
    pods: tuple[str, ...] = ()
    #: Names of pods that are missing.
    missing: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()


def questions(seen: Assessment) -> Questions | None:
    """What events and nodes have to be read to explain a verdict; None where nothing needs explaining."""
    if seen.phase in (Phase.GONE, Phase.UNKNOWN, Phase.DELETING):
        return None
    if not seen.observed or (seen.phase is Phase.PROGRESSING and seen.all_available):
        return Questions(set_name=seen.name)  # the controller has something to do, and may not be able to
    down = [member for member in seen.members if not member.available]
    if seen.policy == "Parallel":
        down.reverse()
    down = [*down, *(member for member in reversed(seen.surplus) if not member.available)][:_FEW]
    if not down:
        # The controller puts a label right, and deletes what is beyond the range, at once; where it could not an event says why.
        odd = bool(seen.surplus) or any(member.mislabelled for member in seen.members)
        return Questions(set_name=seen.name) if odd else _of_young(seen)
    return Questions(
        set_name=seen.name,
        pods=tuple(name for member in down for name in _with_events(member)),
        missing=tuple(member.name for member in down if member.state is PodState.MISSING),
        nodes=tuple(sorted({node for member in down for node in _nodes(member) if node})),
    )


def nodes_of(seen: Assessment) -> Questions | None:
    """The nodes of pods that are all available, for whoever is about to rely on that. None: too many, or there are none.

    A Node object may be deleted, as a cloud does with a machine that it takes back, and the pods that were there say Ready until
    the garbage collector has deleted them, which takes it up to a minute (pkg/controller/podgc: quarantine of 40 s, a round each
    20 s).
    """
    found = nodes_under(seen)
    return Questions(nodes=tuple(sorted(found))) if 0 < len(found) <= _MOST_NODES else None


def nodes_under(seen: Assessment) -> frozenset[str]:
    """The nodes of pods that are all available; none of a set of which one is not."""
    if seen.phase in (Phase.GONE, Phase.UNKNOWN, Phase.DELETING) or not seen.all_available:
        return frozenset()
    return all_nodes(seen)


def all_nodes(seen: Assessment) -> frozenset[str]:
    """The nodes of its pods, whatever state these are in."""
    nodes = {member.node for member in seen.members}
    nodes.update(part.node for member in seen.members for part in member.parts)
    return frozenset(nodes - {""})


def beside(asked: Questions | None, nodes: Questions | None) -> Questions | None:
    """Both questions as one. Also of a set that is well something may be asked: whether a young pod is a successor."""
    if asked is None or nodes is None:
        return asked or nodes
    return msgspec.structs.replace(asked, nodes=nodes.nodes)


def nodes_missing(under: frozenset[str], there: frozenset[str]) -> Questions | None:
    """Those of them that are not among all nodes, each to be asked for: what serves a list may leave out what is not its reader's
    (proxies of tenants do). None: there are none."""
    found = sorted(under - there)[:_MOST_NODES]
    return Questions(nodes=tuple(found)) if found else None


def _with_events(member: Member) -> tuple[str, ...]:
    """The pods whose events tell more; of a group its own name, which its workers' set has as well, and the first few that are
    not ready."""
    if not member.parts:
        return (member.name,) if _told_by_events(member.state) else ()
    down = [part.name for part in member.parts if not part.ready and part.name != member.name]
    return (member.name, *down[:_FEW])


def _nodes(member: Member) -> tuple[str, ...]:
    down = [part.node for part in member.parts if not part.ready]
    return tuple(dict.fromkeys(down))[:_FEW] if down else (member.node,)


def _of_young(seen: Assessment) -> Questions | None:
    """Every pod is available, but one may not be for long."""
    if seen.at is None:
        return None
    up = [(member, seen.at - member.ready_since) for member in seen.members if member.ready_since is not None]
    young = [member for member, age in up if age < _YOUNG]
    older = [member for member, age in up if _YOUNG <= age < FORGOTTEN]
    if not young and not older:
        return None
    company = _Company(seen.members)
    made_again = [member.name for member in young if company.made_for_itself(member)]
    made_again += [member.name for member in older if company.made_alone(member)]
    return Questions(pods=tuple(made_again[:_FEW])) if made_again else None


class _Company:
    """When each of these pods was made, against when the others had become Ready. Of a thousand that came up at once each is
    asked about, and none goes through all the others for it."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._number = len(members)
        self._ready = sorted(member.ready_since for member in members if member.ready_since is not None)
        self._of_revision = Counter(member.revision for member in members)

    def made_for_itself(self, member: Member) -> bool:
        """Not made right after another one had become Ready, as a rollout and a scaling make them."""
        if member.created is None:
            return True
        at = bisect_left(self._ready, member.created)
        near = self._ready[max(0, at - 2):at + 2]  # of the others the next one before and after, if its own is among them
        if member.ready_since in near:
            near.remove(member.ready_since)
        return all(abs(member.created - time) > _RIGHT_AFTER for time in near)

    def made_alone(self, member: Member) -> bool:
        """Made when all others had long been Ready, and no rollout made it: one of them is of the same revision."""
        mine = member.ready_since is not None
        if member.created is None or len(self._ready) - mine < self._number - 1:
            return False
        last = self._ready[-2:]
        if member.ready_since in last:
            last.remove(member.ready_since)
        if last and last[-1] >= member.created:
            return False
        return self._of_revision[member.revision] > 1 and self.made_for_itself(member)


def _told_by_events(state: PodState) -> bool:
    """Whether a pod's own status leaves out what its events tell."""
    match state:
        case PodState.MISSING | PodState.PENDING | PodState.CREATING | PodState.ENDED:
            return True
        case PodState.TERMINATING | PodState.OVERDUE:
            return True
        case PodState.UNSCHEDULABLE | PodState.CLAIM_UNBOUND | PodState.FAILING | PodState.RECOVERING | PodState.STARTING:
            return False
        case PodState.READY | PodState.AVAILABLE:
            return False
        case _:
            assert_never(state)
