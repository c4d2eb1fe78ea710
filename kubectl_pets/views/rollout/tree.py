"""``kubectl pets status``: one StatefulSet as a tree. First what it is and where it stands, then its revisions, then one block of
pods in ordinal order with the partition drawn where it runs, then what it waits for and what blocks it.

Pods do not hang under their revisions, because order is what a StatefulSet is about: the eye follows the ordinals, and the column
beside them says which revision each one runs. Where a terminal is too low, pods that need no attention are folded first.
"""

from collections.abc import Sequence
from datetime import datetime

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.members import ClaimUse, Member, PodState
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase
from kubectl_pets.domain.sets.kinds import APPS_SET
from kubectl_pets.views.rollout import words
from kubectl_pets.views.text import ages as age
from kubectl_pets.views.text import phrases
from kubectl_pets.views.text.ink import Ink, Line, Piece, columns, faint, plain, render

_HEADS = ("", "STATE", "REVISION", "NODE", "AGE", "RESTARTS", "CLAIMS")
_MOST_BLOCKERS = 5


def draw(
    seen: Assessment,
    now: datetime,
    *,
    width: int | None = None,
    height: int | None = None,
    colour: bool = False,
    wide: bool = False,
) -> str:
    """The tree, cut to ``width`` columns and folded to ``height`` lines where these are given. ``wide``: nothing is cut."""
    head, tail = _head(seen, now), _tail(seen, now)
    pods = _pods(seen, now, wide)
    if height is not None:
        pods = _fold(pods, max(1, height - len(head) - len(tail)), seen)
    lines = head + _branches(seen, pods, tail)
    if height is not None and len(lines) > height:
        lines = lines[: height - 1] + [(faint("… the window is too low for the rest"),)]
    return "\n".join(render(line, width=None if wide else width, colour=colour) for line in lines)


# --- the head: the set itself, and its revisions -----------------------------------------------------------------------------


def _head(seen: Assessment, now: datetime) -> list[Line]:
    title: Line = ((words.title(seen), Ink.BOLD), plain("  "), (words.phase(seen), words.phase_ink(seen)))
    if seen.phase is Phase.GONE:
        return [title]
    lines: list[Line] = [title]
    lines += [_stem(plain(text)) for text in (_manner(seen, now), _counters(seen))]
    if seen.partition_left_over:
        lines += [_stem((f"! {words.left_over(seen)}", Ink.LOUD)), _stem(plain(f"  {words.clear(seen)}"))]
    lines.append((faint("├─ "), ("Revisions", Ink.BOLD)))
    rows = [
        (
            plain(clean(group.name)),
            faint(" ".join(word for word, role in (("(update)", group.update), ("(current)", group.current)) if role)),
            plain("? pods" if _unreadable(seen) else phrases.count(len(group.pods), "pod")),
            faint(f"revision {'?' if group.number is None else group.number}"),
            plain(phrases.images(group.images) or "-"),
        )
        for group in seen.revisions
    ]
    lines += _hang(columns(rows), "│  ") if rows else [_stem(faint("└─ none yet"))]
    return lines


def _manner(seen: Assessment, now: datetime) -> str:
    """Strategy, policy and partition, then whatever is not at its default."""
    parts = [*([] if seen.kind is APPS_SET else [seen.kind.title]), clean(seen.strategy)]
    if seen.strategy == "RollingUpdate":
        parts.append(f"partition {seen.partition} of {seen.replicas}" if seen.partition else "partition 0")
    if seen.slots.by_count:
        parts.append("unordered: the partition counts pods, whichever they are")
    if seen.updates_stopped:
        parts.append("updates stopped (paused)")
    parts.append(clean(seen.policy))
    if seen.resume_partition is not None:
        parts.append(f"resumes at partition {seen.resume_partition}")
    if seen.max_unavailable is not None:
        parts.append(f"maxUnavailable {clean(str(seen.max_unavailable))}")
    if seen.min_ready_seconds:
        parts.append(f"minReadySeconds {seen.min_ready_seconds}")
    if seen.start:
        parts.append(f"ordinals from {seen.start}")
    if seen.slots.reserved.ranges:
        parts.append(f"without ordinals {phrases.ranges(seen.slots.reserved.ranges)}")
    return ", ".join(parts) + f", age {age.age(seen.created, now)}"


def _counters(seen: Assessment) -> str:
    if _unreadable(seen):
        return f"{phrases.count(seen.replicas, 'replica')}, pods unknown"
    parts = [f"{number}/{seen.replicas} {what}" for number, what in _counted(seen)]
    if seen.surplus:
        parts.append(f"{len(seen.surplus)} to be removed")
    if seen.claims is not None:
        parts.append(phrases.count(seen.claims, "claim"))
    if seen.phase is Phase.COMPLETE and words.youngest(seen):
        parts.append(words.youngest(seen))
    return ", ".join(parts)


def _counted(seen: Assessment) -> tuple[tuple[int, str], ...]:
    counted = ((seen.ready, "ready"), (seen.available, "available"), (seen.updated, "updated"))
    return counted if seen.min_ready_seconds else (counted[0], counted[2])


def _unreadable(seen: Assessment) -> bool:
    return any(found.cause is Cause.PODS_UNREADABLE for found in seen.blockers)


# --- the pods ----------------------------------------------------------------------------------------------------------------


class _Pod:
    """The lines of one pod, and the pod (None: the partition's line), so that folding knows what it folds."""

    def __init__(self, lines: list[Line], member: Member | None) -> None:
        self.lines, self.member = lines, member


def _pods(seen: Assessment, now: datetime, wide: bool) -> list[_Pod]:
    """Head line, then one entry a position or surplus pod in ordinal order."""
    if seen.phase is Phase.GONE:
        return []
    if _unreadable(seen):
        return [_Pod([(plain("could not be read"),)], None)]
    everybody = sorted((*seen.members, *seen.surplus), key=lambda member: member.ordinal)
    if not everybody:
        return [_Pod([(faint("none"),)], None)]
    heads = (*_HEADS, "AVAILABLE") if wide else _HEADS
    table = columns([[faint(head) for head in heads], *(_row(member, seen, now, wide) for member in everybody)])
    indent = max(len(clean(member.span)) for member in everybody) + 2
    entries = [_Pod([table[0]], None)]
    entries += [
        _Pod([line, *_remarks(member, seen, now, indent)], member) for member, line in zip(everybody, table[1:], strict=True)
    ]
    return _with_partition(entries, seen)


def _row(member: Member, seen: Assessment, now: datetime, wide: bool) -> Sequence[Piece]:
    name = plain(clean(member.span))
    blank = faint("-")
    if member.state is PodState.MISSING:
        return (name, words.marked_state(member), *(blank for _ in range(6 if wide else 5)))
    revision = clean(member.revision) or "-" if wide else phrases.hash_of(member.revision, seen)
    row = (
        name,
        words.marked_state(member),
        (revision, Ink.PLAIN if member.updated else Ink.FAINT),
        plain(clean(member.node) or "-"),
        plain(age.age(member.created, now)),
        (str(member.restarts), Ink.BUSY if member.restarts else Ink.PLAIN),
        plain(_claims(member)),
    )
    return (*row, plain(_available(member, now))) if wide else row


def _claims(member: Member) -> str:
    return ", ".join(f"{clean(use.name)}: {_claim(use)}" for use in member.claims) or "-"


def _claim(use: ClaimUse) -> str:
    """A claim's phase as kubectl shows it: one that is being deleted is Terminating, whatever its phase."""
    if use.terminating:
        return "Terminating"
    return {None: "?", "": "missing"}.get(use.phase) or clean(use.phase or "")


def _available(member: Member, now: datetime) -> str:
    if member.available_at is None:
        return "-"
    return age.until(member.available_at, now) if member.available_at > now else f"for {age.age(member.available_at, now)}"


def _remarks(member: Member, seen: Assessment, now: datetime, indent: int) -> list[Line]:
    remarks = []
    if member.state in (PodState.READY, PodState.RECOVERING) and member.available_at is not None:
        remarks.append((f"available {age.until(member.available_at, now)}", Ink.BUSY))
    if member.ordinal not in seen.slots:
        remarks.append((_surplus(member, seen), Ink.BUSY))
    told = words.trouble(member)
    if told:
        remarks.append((told, words.marked_state(member)[1]))
    return [(plain(" " * indent), remark) for remark in remarks]


def _surplus(member: Member, seen: Assessment) -> str:
    return f"{'left out of' if member.ordinal in seen.slots.reserved else 'beyond'} the range, to be removed"


def _with_partition(entries: list[_Pod], seen: Assessment) -> list[_Pod]:
    """The partition's line goes between the last position that it holds and the first one that it releases."""
    if not seen.partition or seen.slots.by_count:
        return entries
    held = [index for index, pod in enumerate(entries) if pod.member is not None and pod.member.position < seen.partition]
    at = held[-1] + 1 if held else 1
    effect = "from here on the update revision" if seen.partition < seen.replicas else "nothing is released"
    line = (f"┄┄ partition {seen.partition}: {effect} ┄┄", Ink.LOUD if seen.partition_left_over else Ink.FAINT)
    return [*entries[:at], _Pod([(line,)], None), *entries[at:]]


# --- folding -----------------------------------------------------------------------------------------------------------------


def _fold(pods: list[_Pod], room: int, seen: Assessment) -> list[_Pod]:
    """As many pods as the room holds, those that need attention first; each run of others becomes one line."""
    if sum(len(pod.lines) for pod in pods) <= room:
        return pods
    shown = {index for index, pod in enumerate(pods) if pod.member is None}
    for index in sorted(set(range(len(pods))) - shown, key=lambda index: (_rank(pods[index].member), index)):
        if _rows(pods, shown | {index}) > room:
            break
        shown.add(index)
    folded: list[_Pod] = []
    hidden: list[Member] = []
    for index, pod in enumerate([*pods, None]):
        if pod is not None and index not in shown and pod.member is not None:
            hidden.append(pod.member)
            continue
        if hidden:
            folded.append(_Pod([_fold_line(hidden)], None))
            hidden = []
        if pod is not None:
            folded.append(pod)
    return folded


def _rank(member: Member | None) -> int:
    """What to keep in sight: trouble first, then what is on its way, then what is still to come."""
    if member is None or member.available:
        return 2 if member is None or member.updated or not member.released else 1
    return 0


def _rows(pods: list[_Pod], shown: set[int]) -> int:
    gaps = sum(index not in shown and (index == 0 or index - 1 in shown) for index in range(len(pods)))
    return gaps + sum(len(pods[index].lines) for index in shown)


def _fold_line(hidden: list[Member]) -> Line:
    available = sum(member.count for member in hidden if member.available)
    names = phrases.folded([member.span for member in hidden])
    return (faint(f"⋯ {names}: {phrases.count(sum(member.count for member in hidden), 'pod')}, {available} available"),)


# --- the tail and the branches -----------------------------------------------------------------------------------------------


def _tail(seen: Assessment, now: datetime) -> list[Line]:
    lines: list[Line] = [(("Waits for   ", Ink.BOLD), plain(text)) for text in words.waits(seen.waits_for)]
    failing = [f"{words.patience(found, now)}: {words.blocker(found)}" for found in seen.failing]
    lines += _few("Failing     ", failing, Ink.BUSY)
    lines += _few("Blocked by  ", [words.blocker(found) for found in seen.blockers], Ink.BAD)
    for node in seen.silent_nodes:
        told = f"{words.silent_node(node, now)}; see its pods with: {phrases.command(seen, 'lost')}"
        lines.append((("Silent      ", Ink.BOLD), (told, Ink.BAD)))
    if seen.unread:
        lines.append((("Not read    ", Ink.BOLD), (words.unread(seen.unread), Ink.BUSY)))
    return lines


def _few(title: str, texts: list[str], ink: Ink) -> list[Line]:
    more = len(texts) - _MOST_BLOCKERS
    lines: list[Line] = [((title, Ink.BOLD), (text, ink)) for text in texts[:_MOST_BLOCKERS]]
    return lines + ([(plain(f"            and {more} more"),)] if more > 0 else [])


def _branches(seen: Assessment, pods: list[_Pod], tail: list[Line]) -> list[Line]:
    if not pods:
        return []
    title: Line = (faint("├─ " if tail else "└─ "), ("Pods", Ink.BOLD))
    stem = "│  " if tail else "   "
    lines: list[Line] = []
    first = pods[0]
    if len(pods) > 1 and first.member is None:
        # The columns' heads stand beside the branch's title, not below it.
        head = first.lines[0]
        name_width = len(head[0][0]) + len(head[1][0])
        title = (*title, plain(" " * max(1, name_width + len("├─ ") - len("Pods"))), *head[2:])
        pods = pods[1:]
    lines.append(title)
    for index, pod in enumerate(pods):
        last = index == len(pods) - 1
        glyph, below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        lines.append((faint(stem + glyph), *pod.lines[0]))
        lines += [(faint(stem + below), *line) for line in pod.lines[1:]]
    return lines + _hang(tail, "")


def _hang(lines: list[Line], stem: str) -> list[Line]:
    return [
        (faint(stem + ("└─ " if index == len(lines) - 1 else "├─ ")), *line) for index, line in enumerate(lines)
    ]


def _stem(piece: Piece) -> Line:
    return faint("│  "), piece
