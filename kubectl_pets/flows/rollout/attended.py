"""A rollout that somebody looks at, with a hand on the keys: ``p``, ``s`` and ``a`` do what ``rollout pause``, ``step`` and
``abort`` do, by the same flows and with the same refusals. Only where the rights are there, and somebody sits at a terminal.
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto, unique
from functools import partial

from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.kinds import APPS_SET, Capability, SetRef
from kubectl_pets.domain.stepping.until import Progress, Until
from kubectl_pets.errors import ExitCode, PetsError
from kubectl_pets.flows.engine.choosing import at
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.keys import KeyPressed
from kubectl_pets.flows.engine.looking import Frame
from kubectl_pets.flows.engine.loop import TimedOut
from kubectl_pets.flows.engine.patience import PASSING
from kubectl_pets.flows.engine.picture import pictured
from kubectl_pets.flows.engine.report import report
from kubectl_pets.flows.rollout.follow import follow
from kubectl_pets.session import Session
from kubectl_pets.views.rollout import decisions

#: So many lines of what a key did are shown below the picture.
_NOTES = 3


@unique
class Left(Enum):
    """Why somebody no longer looks on, though it goes on."""

    #: They pressed ``q``.
    LEFT = auto()
    #: Ctrl-C, while what a key had begun was under way.
    INTERRUPTED = auto()


End = Progress | TimedOut | Left


def attend(
    session: Session,
    ref: SetRef,
    until: Until,
    *,
    stay: bool,
    tabular: bool,
    streams: bool,
    deadline: Deadline,
    stuck_after: StuckAfter,
    ends: Callable[[Assessment], bool] | None = None,
) -> tuple[End, Assessment]:
    """Follow a rollout as ``follow`` does, with a picture of it, and do what keys say meanwhile. After the first of them it is
    waited for while it rests, too."""
    look_on = partial(_look_on, session, ref, until, tabular, streams, deadline, stuck_after, ends)
    end, seen, key = look_on(stay, ())
    while key:
        with session.terminal.overheard() as told:
            code = _act(session, ref, key, seen, deadline, stuck_after)
        if code is ExitCode.INTERRUPTED:
            return Left.INTERRUPTED, seen
        said = [line for text in told for line in text.split("\n") if not line.startswith("hint: ")]  # which would be cut
        end, seen, key = look_on(True, said[-_NOTES:])
    return end, seen


def _look_on(
    session: Session,
    ref: SetRef,
    until: Until,
    tabular: bool,
    streams: bool,
    deadline: Deadline,
    stuck_after: StuckAfter,
    ends: Callable[[Assessment], bool] | None,
    stay: bool,
    notes: Sequence[str],
) -> tuple[End, Assessment, str]:
    """Follow it with a picture until it ends, or a key that is to do something was pressed; which one, empty: none."""
    try:
        with session.cluster.watch_set(at(session, ref), ref.name, ref.kind) as source:
            def keys() -> str:
                return _offered(session, ref, onlooker.frame)

            with pictured(session.terminal, tabular=tabular, streams=streams, keys=keys, notes=notes) as onlooker:
                end, seen = follow(
                    session.cluster,
                    onlooker.over(source, session.cluster),
                    until,
                    stay=stay,
                    observe=onlooker.observe,
                    deadline=deadline,
                    stuck_after=stuck_after,
                    ends=ends,
                    away=lambda: is_away(session, ref, unsaid=True),
                )
            return end, seen, ""
    except KeyPressed as pressed:
        assert onlooker.frame is not None  # keys are taken while there is a picture
        return Left.LEFT, onlooker.frame.seen, pressed.key.replace("q", "")


def is_away(session: Session, ref: SetRef, *, unsaid: bool) -> bool:
    """Whether a set that is gone is being made again, by whomever; False where that may not be read, and ``unsaid`` where the
    server fails over it: that passes."""
    try:
        return ref.kind is APPS_SET and session.cluster.recreation(at(session, ref), ref.name) is not None
    except PASSING:
        return unsaid
    except PetsError:
        return False


def _offered(session: Session, ref: SetRef, frame: Frame | None) -> str:
    """The keys that this user may press, now that ``frame`` is shown. Where nobody can say, only the one that changes nothing."""
    if Capability.CHANGE not in ref.kind.can:
        return "q"
    rights = (("patch", ref.kind.resource, ref.name), ("list", "pods"), ("watch", "pods"))
    aborting = ("delete", "pods", *(member.name for member in (frame.seen.members if frame is not None else ())))
    try:
        missing = session.cluster.missing_rights(at(session, ref), (*rights, aborting))
    except PetsError:
        return "q"
    if any(right in missing for right in rights):
        return "q"
    return "psq" if aborting in missing else "psaq"


def _act(
    session: Session, ref: SetRef, key: str, seen: Assessment, deadline: Deadline, stuck_after: StuckAfter
) -> ExitCode:
    """What a key stands for, as its verb does it without flags."""
    from kubectl_pets.cli.options import Duration
    from kubectl_pets.domain.stepping.steps import Abort, Amount, Goal, Pause, StepOn
    from kubectl_pets.flows.engine.options import RunOptions
    from kubectl_pets.flows.rollout.carry import carry
    from kubectl_pets.flows.rollout.checks import Terms
    from kubectl_pets.flows.rollout.terms import SETTLE

    settle = Duration().convert(SETTLE, None, None)
    goals: dict[str, Goal] = {"p": Pause(), "s": StepOn(pods=Amount(1), settle=settle), "a": Abort(settle=settle)}
    question = decisions.abort_question(seen, session.cluster.server_name()) if key == "a" else ""
    before, session.named_namespace = session.named_namespace, at(session, ref)
    try:
        return carry(
            session,
            ref,
            lambda seen, careful: goals[key],
            RunOptions(timeout=deadline.cap(None), stuck_after=stuck_after),
            Terms() if key == "s" else None,
            question=question,
        )
    except PetsError as error:
        return report(session.terminal, error.exit_code, f"error: {error.message}", error.hint)
    finally:
        session.named_namespace = before
