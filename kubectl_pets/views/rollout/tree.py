"""``kubectl pets status``: one StatefulSet as a tree. First what it is and where it stands, then its revisions, then one block of
pods in ordinal order with the partition drawn where it runs, then what it waits for and what blocks it.

Pods do not hang under their revisions, because order is what a StatefulSet is about: the eye follows the ordinals, and the column
beside them says which revision each one runs. Where a terminal is too low, pods that need no attention are folded first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.members import ClaimUse, Member, Part, PodState
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase
from kubectl_pets.domain.sets.kinds import APPS_SET
from kubectl_pets.views.rollout import claims, words
from kubectl_pets.views.text import ages as age
from kubectl_pets.views.text import phrases
from kubectl_pets.views.text.fitting import Column, fit, folded_text
from kubectl_pets.views.text.ink import Ink, Line, Piece, cells, columns, faint, plain, render

if TYPE_CHECKING:  # where all is well it is not loaded
    from kubectl_pets.domain.rollout.evidence import Explanation

_COLUMNS = (
    Column("", least=12, ease=24, middle=True),
    Column("STATE"),
    Column("REVISION", weight=5),
    Column("NODE", weight=4, least=10, ease=20, middle=True),
    Column("AGE", weight=6),
    Column("RESTARTS", weight=7),
    Column("CLAIMS", weight=2, least=10, ease=20),
)
_TITLE = len("Blocked by  ")
_AVAILABLE = Column("AVAILABLE")

#: Name, marks, pods, number, images: of these both ends count, the tag most.
_REVISION_COLUMNS = (Column("", least=12, middle=True), Column(""), Column(""), Column("", 4), Column("", least=12, middle=True))
_GAP = 2

#: Cells in front of a pod.
_BRANCH = len("│  ├─ ")

_MOST_BLOCKERS = 5

#: So many lines a sentence may take that does not fit into one.
_MOST_LINES = 4


def draw(
    seen: Assessment,
    now: datetime,
    *,
    evidence: "Explanation | None" = None,
    width: int | None = None,
    height: int | None = None,
    colour: bool = False,
    wide: bool = False,
) -> str:
    """The tree, with the ``evidence`` where it was asked for, in no more than ``width`` columns and ``height`` lines where these
    are given: pods that need no attention are folded first, then what explains least is left out, and what blocks is the last to
    be cut. ``wide``: nothing is."""
    width, height = (None, None) if wide else (width, height)
    head = (words.title(seen), Ink.BOLD), plain("  "), (words.phase(seen), words.phase_ink(seen))
    tail = [*_tail(seen, now, width), *(_evidence(evidence, now, width, wide) if evidence is not None else ())]
    parts = _Parts(_facts(seen, now), _revisions(seen, width), _pods(seen, now, width, wide), tail)
    lines = [head, *([] if seen.phase is Phase.GONE else parts.lines(seen, None if height is None else height - 1))]
    return "\n".join(render(line, width=width, colour=colour) for line in lines)


class _Leaf:
    """One entry below the pods: its lines, the first of which has the title. ``weight``: the lower, the sooner it is left out."""

    def __init__(self, weight: int, lines: list[Line]) -> None:
        self.weight, self.lines = weight, lines


class _Parts:
    """All but the title, in the order in which it is drawn."""

    #: What is left out when even folded pods are too many lines: the lowest first.
    _REVISIONS, _PODS, _FACTS = 1, 7, 8

    def __init__(self, facts: list[Line], revisions: list[Line], pods: "list[_Pod]", tail: list[_Leaf]) -> None:
        self._facts, self._revisions, self._pods, self._tail = facts, revisions, pods, tail

    def lines(self, seen: Assessment, height: int | None) -> list[Line]:
        """No more than ``height`` of them."""
        if height is None:
            return self._drawn(self._pods)
        others = len(self._facts) + len(self._revisions) + sum(len(leaf.lines) for leaf in self._tail)
        pods = _fold(self._pods, max(1, height - others), seen)
        drawn = self._drawn(pods)
        if len(drawn) <= height:
            return drawn
        note: list[Line] = [(faint("… the window is too low for the rest"),)] if height > 1 else []
        return self._cut(pods, len(drawn) - height + len(note)) + note

    def _cut(self, pods: "list[_Pod]", over: int) -> list[Line]:
        """Without so many lines of what matters least, from the end of each part."""
        shown = [line for pod in pods for line in pod.lines]
        parts = [(self._REVISIONS, self._revisions), (self._FACTS, self._facts), (self._PODS, shown)]
        parts += [(leaf.weight, leaf.lines) for leaf in reversed(self._tail)]
        for _, lines in sorted(parts, key=lambda part: part[0]):
            gone = min(max(over, 0), len(lines))
            if lines is shown and gone and len(lines) - gone < 2:  # heads without a pod
                gone = len(lines)
            del lines[len(lines) - gone:]
            over -= gone
        kept: list[_Pod] = []
        for pod in pods:
            kept += [_Pod(shown[: len(pod.lines)], pod.member)] if shown else []
            del shown[: len(pod.lines)]
        self._tail = [leaf for leaf in self._tail if leaf.lines]
        return self._drawn(kept)

    def _drawn(self, pods: "list[_Pod]") -> list[Line]:
        return [*self._facts, *self._revisions, *_branches(pods, self._tail)]


# --- the head: the set itself, and its revisions -----------------------------------------------------------------------------


def _facts(seen: Assessment, now: datetime) -> list[Line]:
    lines = [_stem(plain(text)) for text in (_manner(seen, now), _counters(seen))]
    if seen.partition_left_over:
        lines += [_stem((f"! {words.left_over(seen)}", Ink.LOUD)), _stem(plain(f"  {words.clear(seen)}"))]
    return lines


def _revisions(seen: Assessment, width: int | None) -> list[Line]:
    lines: list[Line] = [(faint("├─ "), ("Revisions", Ink.BOLD))]
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
    fitted = fit(_REVISION_COLUMNS, rows, None if width is None else max(1, width - _BRANCH), between=_GAP)
    return lines + (_hang(columns(fitted), "│  ") if rows else [_stem(faint("└─ none yet"))])


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
    if seen.leader_worker_set is not None:
        parts.append(words.part_of(seen))
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


def _pods(seen: Assessment, now: datetime, width: int | None, wide: bool) -> list[_Pod]:
    """Head line, then one entry a position or surplus pod in ordinal order; columns give way to ``width``."""
    if _unreadable(seen):
        return [_Pod([(plain("could not be read"),)], None)]
    everybody = sorted((*seen.members, *seen.surplus), key=lambda member: member.ordinal)
    if not everybody:
        return [_Pod([(faint("none"),)], None)]
    shown = (*_COLUMNS, _AVAILABLE) if wide else _COLUMNS
    rows = [tuple(faint(column.head) for column in shown), *(tuple(_row(member, seen, now, wide)) for member in everybody)]
    fitted = fit(shown, rows, None if width is None else max(1, width - _BRANCH), between=_GAP)
    table = columns(fitted, _GAP)
    indent = max(cells(row[0][0]) for row in fitted) + _GAP
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
    if member.odd_images:
        images = clean(", ".join(member.odd_images))
        remarks.append((f"{images} is not what the template says: somebody changed it in the pod, or admission did", Ink.LOUD))
    told = words.trouble(member)
    if told:
        remarks.append((told, words.marked_state(member)[1]))
    remarks += [_part(part, member) for part in member.parts]
    return [(plain(" " * indent), remark) for remark in remarks]


def _part(part: Part, member: Member) -> Piece:
    """A pod of a group: its leader bears the group's name."""
    what = "leader" if part.name == member.name else "worker"
    state = "ready" if part.ready else clean(part.reason) or "not ready"
    where = f", on {clean(part.node)}" if part.node else ""
    return (f"{what} {clean(part.name)}: {state}{where}", Ink.FAINT if part.ready else Ink.BUSY)


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


def _tail(seen: Assessment, now: datetime, width: int | None) -> list[_Leaf]:
    leaves = [_Leaf(2, _entry("Waits for", text, Ink.PLAIN, width)) for text in words.waits(seen.waits_for)]
    if seen.failing or seen.blockers:
        leaves += _troubles(seen, now, width)
    stalled = [claims.line(each, now) for each in seen.growing if each.growth.stalled]
    leaves += _few(6, "Stalled", stalled, Ink.BAD, width)
    leaves += _few(4, "Resizing", [claims.line(each, now) for each in seen.growing if not each.growth.stalled], Ink.BUSY, width)
    for node in seen.silent_nodes:
        told = f"{words.silent_node(node, now)}; see its pods with: {phrases.command(seen, 'lost')}"
        leaves.append(_Leaf(6, _entry("Silent", told, Ink.BAD, width)))
    if seen.unread:
        leaves.append(_Leaf(3, _entry("Not read", words.unread(seen.unread), Ink.BUSY, width)))
    return leaves


def _troubles(seen: Assessment, now: datetime, width: int | None) -> list[_Leaf]:
    from kubectl_pets.domain.rollout.causes import alike  # where all is well it is not loaded

    failing = [words.alike(each, words.patience(each.found, now)) for each in alike(seen.failing)]
    blocked = [words.alike(each) for each in alike(seen.blockers)]
    return [*_few(9, "Failing", failing, Ink.BUSY, width), *_few(10, "Blocked by", blocked, Ink.BAD, width)]


def _evidence(found: "Explanation", now: datetime, width: int | None, wide: bool) -> list[_Leaf]:
    from kubectl_pets.views.rollout import evidence as view

    leaves: list[_Leaf] = []
    for entry in view.entries(found, now, wide=wide):
        lines = _entry(entry.title, entry.text, Ink.PLAIN, width if entry.whole else None)
        if entry.title:
            leaves.append(_Leaf(entry.weight, lines))
        else:
            leaves[-1].lines += lines
    return leaves


def _few(weight: int, title: str, texts: list[str], ink: Ink, width: int | None) -> list[_Leaf]:
    more = len(texts) - _MOST_BLOCKERS
    leaves = [_Leaf(weight, _entry(title, text, ink, width)) for text in texts[:_MOST_BLOCKERS]]
    return leaves + ([_Leaf(weight, [(plain(f"{'':{_TITLE}}and {more} more"),)])] if more > 0 else [])


def _entry(title: str, text: str, ink: Ink, width: int | None) -> list[Line]:
    """A title and a sentence, which is folded where the line is too short for it."""
    room = None if width is None else width - len("├─ ") - _TITLE
    texts = folded_text(text, room, _MOST_LINES) if room is not None else [text]
    heads = [title, *[""] * (len(texts) - 1)]
    return [((f"{head:{_TITLE}}", Ink.BOLD), (part, ink)) for head, part in zip(heads, texts, strict=True)]


def _branches(pods: list[_Pod], tail: list[_Leaf]) -> list[Line]:
    lines: list[Line] = []
    if pods:
        title: Line = (faint("├─ " if tail else "└─ "), ("Pods", Ink.BOLD))
        stem = "│  " if tail else "   "
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
    for index, leaf in enumerate(tail):
        glyph, below = ("└─ ", "   ") if index == len(tail) - 1 else ("├─ ", "│  ")
        lines.append((faint(glyph), *leaf.lines[0]))
        lines += [(faint(below), *line) for line in leaf.lines[1:]]
    return lines


def _hang(lines: list[Line], stem: str) -> list[Line]:
    return [
        (faint(stem + ("└─ " if index == len(lines) - 1 else "├─ ")), *line) for index, line in enumerate(lines)
    ]


def _stem(piece: Piece) -> Line:
    return faint("│  "), piece
