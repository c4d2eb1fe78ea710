"""Watching without a terminal: one plain line a change, for logs and pipes.

A line is printed when somebody would act on it or wait for it; a kubelet that wavers between two reasons for the same failure, or
a condition that is only rewritten, makes none.
"""

from datetime import datetime

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.members import Member, PodState
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase
from kubectl_pets.views.rollout import words
from kubectl_pets.views.text import ages as age
from kubectl_pets.views.text import phrases


def changes(before: Assessment | None, after: Assessment, now: datetime) -> list[str]:
    """What became different, set first, then pods in ordinal order. Without ``before``: where it stands."""
    if before is None or before.uid != after.uid:
        return [stamped(words.headline(after), now)]
    texts = _of_set(before, after, now)
    if not (_unreadable(before) or _unreadable(after)) and after.phase is not Phase.GONE:
        texts += _of_pods(before, after, now)
    if words.phase(before) != words.phase(after):
        detail = words.reason(after)
        texts.append(f"phase: {words.phase(before)} -> {words.phase(after)}" + (f": {detail}" if detail else ""))
    return [stamped(text, now) for text in texts]


def stamped(text: str, now: datetime) -> str:
    """A line of the log, with its time as RFC 3339 has it (UTC)."""
    return f"{now:%Y-%m-%dT%H:%M:%SZ} {text}"


def still(seen: Assessment, now: datetime) -> str:
    """Where it stands, although nothing has changed: who reads a log sees that somebody still waits."""
    return stamped(f"still waiting: {words.headline(seen)}", now)


def _of_set(before: Assessment, after: Assessment, now: datetime) -> list[str]:
    texts: list[str] = []
    if after.phase is Phase.GONE:
        return texts
    if before.update_revision != after.update_revision and after.update_revision:
        texts.append(f"template changed: {clean(before.update_revision) or 'none'} -> {clean(after.update_revision)}")
    if before.replicas != after.replicas:
        texts.append(f"replicas {before.replicas} -> {after.replicas}")
    known = {node.name for node in before.silent_nodes}
    told = [words.silent_node(node, now) for node in after.silent_nodes if node.name not in known]
    texts += [f"{each}; see its pods with: {phrases.command(after, 'lost')}" for each in told]
    if before.partition != after.partition:
        texts.append(f"partition {before.partition} -> {after.partition}")
    return texts


def _unreadable(seen: Assessment) -> bool:
    return any(found.cause is Cause.PODS_UNREADABLE for found in seen.blockers)


def _of_pods(before: Assessment, after: Assessment, now: datetime) -> list[str]:
    old = {member.ordinal: member for member in (*before.members, *before.surplus)}
    new = {member.ordinal: member for member in (*after.members, *after.surplus)}
    texts = []
    for ordinal in sorted(old.keys() | new.keys()):
        was, member = old.get(ordinal), new.get(ordinal)
        if member is None:
            if was is not None and was.state is not PodState.MISSING:
                texts.append(f"{clean(was.name)} gone")
        elif was is None or (was.state, was.uid) != (member.state, member.uid):
            texts.append(f"{clean(member.span)} {_became(member, after, now)}")
        elif member.restarts > was.restarts:
            texts.append(f"{clean(member.name)} restarted ({phrases.count(member.restarts, 'restart')})")
    return texts


def _became(member: Member, seen: Assessment, now: datetime) -> str:
    text = words.state(member)
    if member.state is PodState.AVAILABLE:
        return f"{text} at {clean(member.revision)} ({seen.updated}/{seen.replicas} updated)"
    if member.state in (PodState.READY, PodState.RECOVERING) and member.available_at is not None:
        return f"{text}, available {age.until(member.available_at, now)}"
    told = words.trouble(member)
    return f"{text}: {told}" if told else text
