"""Where rollouts stand: sets looked at once, or followed to their end, one after the other; and the exit code that says so."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.domain.stepping.until import KubectlEnd, Progress, Until, kubectl_end, progress
from kubectl_pets.errors import ExitCode
from kubectl_pets.flows.engine.choosing import SetSelection, at, views
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.inquiry import judged_each
from kubectl_pets.flows.engine.patience import Patience
from kubectl_pets.flows.rollout.why import why, why_told
from kubectl_pets.pasting import pets
from kubectl_pets.session import Session, Terminal
from kubectl_pets.views.rollout import tree, words
from kubectl_pets.views.text.ink import cells

if TYPE_CHECKING:  # where all is well it is not loaded
    from kubectl_pets.domain.rollout.evidence import Explanation

_EXIT = {
    Progress.REACHED: ExitCode.OK,
    Progress.GOING_ON: ExitCode.NOT_YET,
    Progress.RESTING: ExitCode.NOT_YET,
    Progress.STUCK: ExitCode.STUCK,
    Progress.GONE: ExitCode.FAILED,
}

#: Of several sets the code that says most, the worst first.
_WORST_FIRST = (ExitCode.FAILED, ExitCode.STUCK, ExitCode.TIMED_OUT, ExitCode.NOT_YET, ExitCode.OK)


class StatusAim(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of each set, and how the answer is printed. ``listed``: as a list, however many there are."""

    until: Until
    #: What rests is waited on.
    stay: bool
    patience: StuckAfter
    output: str
    #: Of a log, 0: none.
    log_lines: int
    listed: bool = False
    #: Ends where ``kubectl rollout status`` does, with its words and its exit code.
    as_kubectl: bool = False

    @property
    def tabular(self) -> bool:
        return self.output in ("table", "wide")

    @property
    def streams(self) -> bool:
        return self.output == "jsonl"


def look(session: Session, looks: Sequence[SetView], aim: StatusAim) -> ExitCode:
    """Each set as it is now. Raises PetsError."""
    codes: list[ExitCode] = []
    found: "list[tuple[Assessment, Explanation | None]]" = []
    for number, seen in enumerate(judged_each(session.cluster, looks, aim.patience)):
        evidence = why(session.cluster, seen, aim.log_lines) if aim.output not in ("name", "jsonl") else None
        codes.append(_exit(progress(aim.until, seen), seen, aim))
        found.append((seen, evidence))
        if aim.tabular:
            _draw(session, seen, evidence, aim, first=number == 0)
            _say_kubectl_s(session.terminal, seen, aim)
        elif aim.streams:
            _end(session, seen, codes[-1])
    if not (aim.tabular or aim.streams):
        _document(session, found, aim)
        for seen, _ in found:
            _hint(session.terminal, _advised(seen))
    return _worst(codes)


def follow_each(session: Session, refs: Sequence[SetRef], aim: StatusAim, timeout: float | None) -> ExitCode:
    """Each set to its end, one after the other; ``timeout``: seconds for all of them. The first that does not come to what is
    waited for ends it; of several all are looked at once more, and whichever is not there any more is followed again. Raises
    PetsError."""
    deadline, code = Deadline(timeout), ExitCode.OK
    found: dict[SetRef, Assessment] = {}
    left = tuple(refs)
    while left and code is ExitCode.OK:
        for ref in left:
            code, found[ref] = _followed(session, ref, aim, deadline)
            if code is not ExitCode.OK:
                break
        left = _fallen_back(session, refs, aim, deadline) if code is ExitCode.OK and len(refs) > 1 else ()
    if not (aim.tabular or aim.streams):
        _document(session, [(seen, None) for seen in found.values()], aim)
    return code


def _fallen_back(session: Session, refs: Sequence[SetRef], aim: StatusAim, deadline: Deadline) -> tuple[SetRef, ...]:
    """Those that had come to their end, and are not there any more now that the last one has."""
    from kubectl_pets.flows.engine.report import told_once

    patience = Patience(deadline, troubled=told_once(session.terminal))
    looks, _ = patience.read(lambda: views(session, SetSelection(names=tuple(refs))))
    pairs = zip(refs, judged_each(session.cluster, looks, aim.patience), strict=True)
    return tuple(ref for ref, seen in pairs if _exit(progress(aim.until, seen), seen, aim) is not ExitCode.OK)


def _followed(session: Session, ref: SetRef, aim: StatusAim, deadline: Deadline) -> tuple[ExitCode, Assessment]:
    # which one look does without
    from kubectl_pets.domain.stepping.steps import Stuck
    from kubectl_pets.flows.engine.loop import TimedOut
    from kubectl_pets.flows.engine.report import report
    from kubectl_pets.flows.rollout.attended import Left, attend, is_away
    from kubectl_pets.views.rollout import advice

    end, seen = attend(
        session,
        ref,
        aim.until,
        stay=aim.stay,
        tabular=aim.tabular,
        streams=aim.streams,
        deadline=deadline,
        stuck_after=aim.patience,
        ends=(lambda seen: kubectl_end(seen) is not None) if aim.as_kubectl else None,
    )
    if isinstance(end, Left):
        code = ExitCode.INTERRUPTED if end is Left.INTERRUPTED else _exit(progress(aim.until, seen), seen, aim)
        return report(session.terminal, code, words.headline(seen)), seen
    code = ExitCode.TIMED_OUT if isinstance(end, TimedOut) else _exit(end, seen, aim)
    if aim.streams:
        _end(session, seen, code)
    evidence = why_told(session.cluster, seen) if isinstance(end, TimedOut) or end is Progress.STUCK else ""
    if isinstance(end, TimedOut):
        told = f"timed out: {words.headline(seen)}"
        return report(session.terminal, code, told, _advised(seen), why=evidence, about=words.title(seen)), seen
    if end is Progress.GONE:
        told, hint = f"StatefulSet {ref.typed} was deleted", None
        if is_away(session, ref, unsaid=False):
            told = f"StatefulSet {ref.typed} is away, to be made again; its pods run on"
            again = pets("recreate", ref.typed, namespace=at(session, ref))
            hint = f"where nobody is at it any more, go on with: {again}"
        return report(session.terminal, code, told, hint, why=evidence, about=ref.typed), seen
    told, about = words.headline(seen), words.title(seen)
    _say_kubectl_s(session.terminal, seen, aim)
    hint = advice.hint(Stuck(blockers=seen.blockers), seen) if end is Progress.STUCK else None
    return report(session.terminal, code, told, hint, why=evidence, about=about), seen


def _exit(end: Progress, seen: Assessment, aim: StatusAim) -> ExitCode:
    if aim.as_kubectl and (kubectl_s := kubectl_end(seen)) is not None:
        return ExitCode.OK if kubectl_s is KubectlEnd.PARTITIONED else ExitCode.FAILED
    return _EXIT[end]


def _say_kubectl_s(terminal: Terminal, seen: Assessment, aim: StatusAim) -> None:
    """What kubectl says of it, where that is not all of the truth, with what is."""
    end = kubectl_end(seen) if aim.as_kubectl else None
    if end is not None:
        terminal.tell(words.as_kubectl_says(end, seen))


def _end(session: Session, seen: Assessment, code: ExitCode) -> None:
    from kubectl_pets.views.rollout import documents, stream

    session.terminal.print(documents.dump(stream.ended(seen, session.now(), code, words.headline(seen)), "jsonl"))


def _draw(session: Session, seen: Assessment, evidence: "Explanation | None", aim: StatusAim, *, first: bool) -> None:
    """On a terminal the tree is folded so that it and the hint are on one screen."""
    terminal, hint = session.terminal, _advised(seen)
    told = terminal.broken(f"hint: {hint}").split("\n") if hint else []
    below = sum(-(-cells(line) // terminal.width) for line in told) + 1  # and the next prompt
    drawn = tree.draw(
        seen,
        session.now(),
        evidence=evidence,
        width=terminal.width,
        height=max(1, terminal.rows - below) if terminal.rows is not None else None,
        colour=terminal.colour,
        wide=aim.output == "wide",
    )
    terminal.print(drawn if first else f"\n{drawn}")
    _hint(terminal, hint)


def _advised(seen: Assessment) -> str | None:
    """What to type next; None where there is nothing to do."""
    if seen.phase is Phase.COMPLETE and not (seen.partition_left_over or seen.notes or seen.leader_worker_set):
        return None  # which a set that is well does without loading what else there is to say
    from kubectl_pets.views.rollout import advice

    return advice.after_a_look(seen)


def _hint(terminal: Terminal, hint: str | None) -> None:
    if hint:
        terminal.tell(f"hint: {hint}")


def _document(session: Session, found: "Sequence[tuple[Assessment, Explanation | None]]", aim: StatusAim) -> None:
    terminal = session.terminal
    if aim.output in ("html", "svg"):
        from kubectl_pets.views.rollout import poster

        terminal.print(poster.draw(found, session.now(), aim.output))
        return
    from kubectl_pets.views.rollout import documents

    if aim.listed:
        terminal.print(documents.many([seen for seen, _ in found], aim.output, evidence=[told for _, told in found]))
    else:
        terminal.print(documents.one(found[0][0], aim.output, found[0][1]))


def _worst(codes: Iterable[ExitCode]) -> ExitCode:
    return min(codes, key=_WORST_FIRST.index, default=ExitCode.OK)
