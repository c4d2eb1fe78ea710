"""``kubectl pets partition``: the positions of a set with the partition drawn between them.

A partition counts positions while pods are named by ordinals, and it says what a pod is made from the next time, not what it runs
now. So the picture shows all three next to each other: the side of the line, the name, and the revision that is really there.
"""

from collections.abc import Sequence

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.members import LEAVING, Member, PodState
from kubectl_pets.domain.rollout.revisions import RevisionGroup
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase
from kubectl_pets.domain.sets.slots import span
from kubectl_pets.views.rollout import words
from kubectl_pets.views.text import phrases
from kubectl_pets.views.text.ink import Ink, Line, Piece, columns, faint, plain, text_of

_HEADS = ("POSITION", "POD", "RUNS", "STATE", "")

#: Sets of up to this many positions are drawn one line each.
_FEW = 20


def draw(seen: Assessment, *, width: int | None = None, colour: bool = False) -> str:
    lines: list[Line] = [((words.title(seen), Ink.BOLD), plain("  "), (words.phase(seen), words.phase_ink(seen)))]
    if seen.phase is not Phase.GONE:
        lines += [(), *_positions(seen), *_legend(seen)]
    return text_of(lines, width=width, colour=colour)


def _positions(seen: Assessment) -> list[Line]:
    if not seen.members:
        return [(plain("  no positions: 0 replicas"),)]
    unreadable = any(found.cause is Cause.PODS_UNREADABLE for found in seen.blockers)
    runs = _runs(seen.members, seen)
    table = columns([[faint(head) for head in _HEADS], *(_row(run, seen, unreadable) for run in runs)], gap=3)
    lines = [(plain("  "), *line) for line in table]
    if seen.strategy != "RollingUpdate":
        return lines
    held = sum(run[0].position < seen.partition for run in runs)
    return [*lines[: held + 1], _line(seen), *lines[held + 1:]]


def _line(seen: Assessment) -> Line:
    partition = f"partition {seen.partition}"
    if seen.partition > seen.replicas:
        partition += f", beyond the {phrases.count(seen.replicas, 'replica')}"
    return plain("  "), (f"━━━━━━━━━━ {partition} ━━━━━━━━━━", Ink.LOUD if seen.partition_left_over else Ink.BOLD)


def _runs(members: Sequence[Member], seen: Assessment) -> list[list[Member]]:
    """Neighbours that would make the same line are one run, where there are more than a few."""
    runs: list[list[Member]] = []
    for member in members:
        if len(members) > _FEW and runs and _alike(runs[-1][-1], member, seen):
            runs[-1].append(member)
        else:
            runs.append([member])
    return runs


def _alike(one: Member, other: Member, seen: Assessment) -> bool:
    same_side = (one.position < seen.partition) == (other.position < seen.partition)
    return same_side and (one.state, one.revision, one.reason) == (other.state, other.revision, other.reason)


def _row(run: Sequence[Member], seen: Assessment, unreadable: bool) -> tuple[Piece, ...]:
    first, last = run[0], run[-1]
    top = last.position + last.count - 1
    position = str(first.position) if first.position == top else f"{first.position}..{top}"
    name = clean(span(first.name, last.last_name or (last.name if first is not last else "")))
    if unreadable:
        return plain(position), plain(name), faint("?"), faint("?"), plain("")
    return plain(position), plain(name), _runs_what(first, seen), words.marked_state(first), _note(first, seen)


def _runs_what(member: Member, seen: Assessment) -> Piece:
    if not member.revision:
        return faint("-")
    return clean(member.revision) + _role(member.revision, seen), Ink.PLAIN if member.updated else Ink.FAINT


def _role(revision: str, seen: Assessment) -> str:
    current = seen.before.held if seen.strategy == "RollingUpdate" else seen.current_revision
    if seen.strategy == "OnDelete" and current != seen.before.revision:
        current = ""  # no pod is made from it, and none runs it
    roles = (("current", current), ("update", seen.update_revision))
    held = ", ".join(role for role, name in roles if name == revision)
    return f" ({held})" if held else ""


def _note(member: Member, seen: Assessment) -> Piece:
    """What keeps it, or where what a pod runs and what its position is meant to run differ."""
    if member.state is PodState.MISSING:
        return plain("")
    if member.state in LEAVING:
        return "on its way out", Ink.BUSY
    if member.reason:
        return clean(member.reason), words.marked_state(member)[1]
    if member.outdated and member.released:
        fate = {"OnDelete": "to be deleted by hand", "RollingUpdate": "to be replaced"}
        return fate.get(seen.strategy, ""), Ink.BUSY
    if not member.released and member.revision != seen.before.held:
        if seen.before.held == seen.update_revision:
            return "comes back at the update revision when it is deleted", Ink.LOUD
        return "ahead of the partition: goes back when it is deleted", Ink.BUSY
    return plain("")


def _legend(seen: Assessment) -> list[Line]:
    lines: list[Line] = [()]
    lines += [((f"  {words.blocker(found)}", Ink.BAD),) for found in seen.blockers if not found.pod]
    update, current = _revision(seen.update_revision, seen), _revision(seen.before.held, seen)
    if seen.strategy == "RollingUpdate":
        held = min(seen.partition, seen.replicas)
        kept = f"what {'it runs' if held == 1 else 'they run'}" if words.not_held(seen) else current
        lines += [(plain(f"  {_span(0, held, seen, 'keep')} {kept}"),)] if held else []
        lines += [(plain(f"  {_span(held, seen.replicas, seen, 'get')} {update}"),)] if held < seen.replicas else []
        if seen.replicas and held == seen.replicas:
            lines.append((plain(f"  no position gets {update}"),))
    elif seen.strategy == "OnDelete":
        lines.append((plain(f"  strategy OnDelete has no partition: a pod that is deleted comes back at {update}"),))
    else:
        lines.append((plain(f"  what a partition means to update strategy {clean(seen.strategy)} is not known here"),))
    if words.not_held(seen):
        lines.append(((f"  ! {words.not_held(seen)}", Ink.LOUD),))
    if seen.surplus:
        names = phrases.folded([member.name for member in seen.surplus])
        lines.append(((f"  beyond the range, to be removed: {names}", Ink.BUSY),))
    if seen.resume_partition is not None:
        lines.append((plain(f"  paused: resuming goes back to partition {seen.resume_partition}"),))
    if seen.partition_left_over:
        lines += [((f"  ! {words.left_over(seen)}", Ink.LOUD),), (plain(f"    {words.clear(seen)}"),)]
    return lines if len(lines) > 1 else []


def _span(first: int, end: int, seen: Assessment, verb: str) -> str:
    """Positions with the ordinals they stand for; the two are the same unless the set starts elsewhere or leaves some out."""
    low, high = seen.slots.ordinal(first), seen.slots.ordinal(end - 1)
    if end - first == 1:
        ordinal = f" (ordinal {low})" if low != first else ""
        return f"position {first}{ordinal} {verb}s"
    ordinals = f" (ordinals {low}..{high})" if (low, high) != (first, end - 1) else ""
    return f"positions {first}..{end - 1}{ordinals} {verb}"


def _revision(name: str, seen: Assessment) -> str:
    group: RevisionGroup | None = next((group for group in seen.revisions if group.name == name), None)
    images = phrases.images(group.images) if group is not None else ""
    return (clean(name) or "(none yet)") + _role(name, seen) + (f", {images}" if images else "")
