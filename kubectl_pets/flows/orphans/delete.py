"""Claims that are to be deleted, from the plan to the last word: show, ask for rights, ask the user, delete, report.

Nothing is decided here: ``deletion`` plans and judges, ``clear`` drives, the views word it.
"""

from functools import partial
from pathlib import Path

from msgspec.structs import replace

from kubectl_pets import pasting
from kubectl_pets.domain.changes import DryRun, SetRetain, TakeSnapshot
from kubectl_pets.domain.orphans.deletion import (
    DeletionOptions,
    DeletionPlan,
    DeletionRefused,
    DeletionRefusedReason,
    Unfinished,
    UnfinishedReason,
    plan,
)
from kubectl_pets.domain.orphans.findings import ClaimVerdict, Fate
from kubectl_pets.domain.orphans.snapshots import NoSnapshot
from kubectl_pets.errors import ExitCode
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.engine.report import rehearse
from kubectl_pets.flows.engine.rights import Right, require
from kubectl_pets.flows.orphans import clear as clearing
from kubectl_pets.flows.orphans.account import Account
from kubectl_pets.flows.orphans.clear import Cleared, Outcome
from kubectl_pets.flows.orphans.records import RecordBook
from kubectl_pets.flows.orphans.retention import new_run
from kubectl_pets.flows.orphans.select import Selection, select
from kubectl_pets.flows.orphans.storage import storage_use
from kubectl_pets.session import Session, Terminal
from kubectl_pets.views.orphans import documents as claim_documents
from kubectl_pets.views.orphans import outcomes
from kubectl_pets.views.orphans import plan as claim_plans
from kubectl_pets.views.orphans import words as claim_words
from kubectl_pets.views.orphans.outcomes import Came, RunKind
from kubectl_pets.views.orphans.progress import Bar

_SNAPSHOTS = "volumesnapshots.snapshot.storage.k8s.io"
_CONTENTS = "volumesnapshotcontents.snapshot.storage.k8s.io"


#: What a claim that was named is left out by is asked for in the same breath.
_NARROWED = frozenset((DeletionRefusedReason.NOT_SELECTED, DeletionRefusedReason.KEPT_BACK, DeletionRefusedReason.OVER_LIMIT))


class DeletionRun(RunOptions, frozen=True, kw_only=True):
    """How claims are deleted, as said on the command line. ``timeout`` is for each snapshot to become ready."""

    deletion: DeletionOptions
    #: Folder for the record; None: the user's own.
    record: Path | None = None
    #: Somebody named these very claims, so that one which is refused is an answer.
    named: bool = False


def dispose(session: Session, selection: Selection, options: DeletionRun) -> ExitCode:
    """Delete the claims that are meant as far as they may be. Raises PetsError."""
    account = Account(session.terminal, options.output, RunKind.DELETE)
    account.details = lambda: {"record": None}
    return account.of(partial(_dispose, session, selection, options))


def _dispose(session: Session, selection: Selection, options: DeletionRun, account: Account) -> ExitCode:
    selected = select(session.cluster, selection, session.terminal.passing)
    deletion, terminal = replace(options.deletion, run=new_run()), session.terminal
    if deletion.snapshot:
        deletion = replace(deletion, offer=session.cluster.snapshot_offer())
    if deletion.destroy_data:
        deletion = replace(deletion, use=storage_use(session.cluster))
    planned = plan(selected.chosen, deletion, session.now())
    left_out = (DeletionRefused(verdict=each, reason=DeletionRefusedReason.NOT_SELECTED) for each in selected.left_out)
    planned = replace(planned, refused=(*left_out, *planned.refused))
    untouched = [outcomes.deletion_pending(one.verdict, Came.UNTOUCHED) for one in planned.deletions]
    account.plans(claim_documents.deletion_plan(planned), untouched)
    if selected.unsure:
        terminal.tell(claim_plans.unsure(selected.unsure))
    if options.dry_run is not DryRun.NONE:
        return _rehearse(session, planned, options, account, unsure=bool(selected.unsure))
    for refused in planned.refused:
        terminal.tell(f"refused: {claim_words.refused(refused)}")
    if not planned.deletions:
        terminal.tell("nothing to delete" if not planned.refused else "nothing was changed")
        if planned.refused:
            first = planned.refused[0].verdict
            why = pasting.pets("orphans explain", first.claim.metadata.name, namespace=first.namespace)
            terminal.tell(f"hint: all that speaks for and against it: {why}")
        return ExitCode.REFUSED if selected.unsure or (options.named and planned.refused) else ExitCode.OK
    require(session.cluster, _rights(planned))
    about = claim_plans.agreed(planned, deletion, session.cluster.server_name())
    if options.yes:
        terminal.tell(about)
    elif not terminal.agrees(f"{about} Go on?"):
        return ExitCode.REFUSED
    return _carry_out(session, planned, replace(options, deletion=deletion), account)


def _rehearse(session: Session, planned: DeletionPlan, options: DeletionRun, account: Account, *, unsure: bool) -> ExitCode:
    steps = [step for item in planned.deletions for step in item.steps]
    return rehearse(
        session.terminal,
        options,
        ExitCode.REFUSED if (planned.refused or unsure) and not planned.deletions else ExitCode.OK,
        checks=[partial(session.cluster.apply, step, dry_run=True) for step in steps],
        accepted="every step",
        picture=partial(claim_plans.draw, planned),
        document=account.instead(partial(claim_documents.plan, planned)),
    )


def _rights(planned: DeletionPlan) -> dict[str, list[Right]]:
    """What it takes, from the first claim to the last, by namespace."""
    steps = [step for item in planned.deletions for step in item.steps]
    snapshots = any(isinstance(step, TakeSnapshot) for step in steps)
    kept = [step.volume for step in steps if isinstance(step, SetRetain)]
    volumes = [item.verdict.volume.name for item in planned.deletions if item.verdict.volume is not None]
    needed: dict[str, list[Right]] = {}
    for namespace in _namespaces(planned):
        claims = [item.verdict.claim.name for item in planned.deletions if item.verdict.namespace == namespace]
        needed[namespace] = [(verb, "persistentvolumeclaims", *claims) for verb in ("delete", "get")]
        needed[namespace] += [("create", _SNAPSHOTS), ("get", _SNAPSHOTS)] if snapshots else []
    needed[""] = [("patch", "persistentvolumes", *kept)] if kept else []
    needed[""] += [("get", "persistentvolumes", *volumes)] if volumes else []
    needed[""] += [("get", _CONTENTS)] if snapshots else []
    return needed


def _namespaces(planned: DeletionPlan) -> list[str]:
    return sorted({item.verdict.namespace for item in planned.deletions})


class _Teller:
    """Says how it goes: with a bar on a terminal, line by line elsewhere."""

    def __init__(self, terminal: Terminal, bar: Bar, planned: DeletionPlan, account: Account) -> None:
        self._terminal, self._bar, self._planned, self._account = terminal, bar, planned, account
        self._told: tuple[str, str] | None = None

    def begins(self, number: int, verdict: ClaimVerdict) -> None:
        self._now = number, verdict
        self._account.notes(number - 1, outcomes.deletion_pending(verdict, Came.BEGUN))
        self._bar.begins(verdict)

    def waits(self, snapshot: str, error: str) -> None:
        number, verdict = self._now
        self._bar.waits(verdict, snapshot, error)
        if not self._bar.drawn and self._told != (snapshot, error):
            self._told = snapshot, error
            self._terminal.tell(f"{self._place(number)} {claim_plans.waiting(snapshot, error)}")

    def ends(self, number: int, outcome: Outcome) -> None:
        self._account.notes(number - 1, outcomes.deletion(outcome))
        self._bar.ends(outcome)
        if isinstance(outcome, DeletionRefused):
            told = f"{self._place(number)} refused: {claim_words.refused(outcome)}"
            self._bar.passing(lambda: self._terminal.tell(told))
        elif isinstance(outcome, Unfinished):
            lines = f"{self._place(number)} {claim_plans.unfinished(outcome)}\nhint: {claim_plans.unfinished_hint(outcome)}"
            self._bar.passing(lambda: self._terminal.tell(lines))
        elif not (self._bar.drawn and self._terminal.live):
            told = f"{self._place(number)} deleted {claim_words.title(outcome.verdict)}: data {outcome.fate}"
            self._bar.passing(lambda: self._account.say(told))

    def _place(self, number: int) -> str:
        return f"[{number}/{len(self._planned.deletions)}]"


def _carry_out(session: Session, planned: DeletionPlan, options: DeletionRun, account: Account) -> ExitCode:
    terminal = session.terminal
    book = RecordBook(options.record, session.cluster.server_name(), session.now())
    account.details = lambda: {"record": str(book.path) if book.path.exists() else None}
    with Bar(terminal, planned) as bar:
        teller = _Teller(terminal, bar, planned, account)
        cleared = clearing.clear(session.cluster, planned, options.deletion, book, teller, patience=options.timeout)
    first = len(planned.deletions) - len(cleared.left)
    for place in range(first, len(planned.deletions)):  # among them one whose turn ended before anything was sent
        account.notes(place, outcomes.deletion_pending(planned.deletions[place].verdict, Came.UNTOUCHED))
    _report(terminal, cleared, book, drawn=bar.drawn and terminal.live)
    if cleared.failure is not None:
        raise cleared.failure
    return _exit_code(cleared, options.named and not {one.reason for one in (*planned.refused, *cleared.refused)} <= _NARROWED)


def _report(terminal: Terminal, cleared: Cleared, book: RecordBook, *, drawn: bool) -> None:
    if drawn or cleared.interrupted or cleared.failure is not None:
        terminal.tell(claim_plans.ended(cleared.done, cleared.left, cleared.broken, interrupted=cleared.interrupted))
    if book.path.exists():
        terminal.tell(f"what was deleted is recorded in {book.path}")
    if any(item.fate is Fate.RETAINED for item in cleared.done):
        terminal.tell(f"hint: {pasting.pets('orphans restore', str(book.path))} brings it back onto its data")


def _exit_code(cleared: Cleared, lacks: bool) -> ExitCode:
    """``lacks``: somebody named a claim that is refused, so that what was asked for is not done."""
    reasons = {item.reason for item in cleared.refused}
    if cleared.interrupted:
        return ExitCode.INTERRUPTED
    if NoSnapshot.NOT_READY in reasons:
        return ExitCode.TIMED_OUT
    if reasons & {NoSnapshot.FAILED, NoSnapshot.NOT_TAKEN_ON}:
        return ExitCode.FAILED
    if any(item.reason is UnfinishedReason.NOT_KEPT for item in cleared.unfinished):
        return ExitCode.FAILED
    if cleared.unfinished or (lacks and cleared.done):
        return ExitCode.NOT_YET
    return ExitCode.REFUSED if cleared.refused and not cleared.done else ExitCode.OK
