"""What a verb says and does about the VolumeSnapshots that it takes first. Where none are asked for nothing of them is loaded."""

from typing import TYPE_CHECKING, Any

from kubectl_pets.domain.changes import DryRun, TakeGroupSnapshot, TakeSnapshot
from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.steps import Goal, Plan
from kubectl_pets.errors import PetsError
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.rollout.snapshot_types import SnapshotTerms, Unready, Unsnapped
from kubectl_pets.session import Session

if TYPE_CHECKING:
    from kubectl_pets.flows.rollout.snapshots import Snapshots


class Taking:
    """The snapshots of one run, from the plan to the last word."""

    def __init__(self, session: Session, asked: SnapshotTerms | None, goal: Goal, options: RunOptions) -> None:
        """``asked`` None: there are none."""
        self._session, self._options = session, options
        self.snapshots: Snapshots | None = None
        #: What would be asked for now.
        self._takes: tuple[TakeSnapshot | TakeGroupSnapshot, ...] = ()
        if asked is not None:
            from kubectl_pets.flows.rollout.snapshots import Snapshots

            self.snapshots = Snapshots(session.cluster, asked, goal, options.stuck_after)

    def foresee(self, snapshot: SetView, seen: Assessment, planned: Plan) -> Unsnapped | None:
        """What speaks against them, found before anything is changed. Raises PetsError."""
        taking, terminal = self.snapshots, self._session.terminal
        if taking is None or snapshot.set is None:
            return None
        from kubectl_pets.views.snapshots import words

        rehearsal = self._options.dry_run
        unfit = taking.lacking(seen.namespace) if rehearsal is DryRun.NONE else ()
        if not unfit:
            foreseen = taking.foresee(planned, snapshot.set, seen, self._session.now())
            self._takes, unfit = foreseen.takes, foreseen.unfit
            if foreseen.there and not unfit:
                terminal.tell(f"note: {words.reused(foreseen.there, self._session.now(), group=taking.terms.group)}")
        if not unfit and rehearsal is not DryRun.CLIENT:
            unfit = taking.objections(self._takes)
        return Unsnapped(unfit, group=taking.terms.group) if unfit else None

    def picture(self) -> str:
        """What a plan begins with; empty: nothing would be asked for."""
        if not self._takes:
            return ""
        from kubectl_pets.views.snapshots import words

        return f"{words.planned(self._takes)}\n"

    def document(self) -> dict[str, Any]:
        """The same, as a field of the plan's document."""
        if not self._takes:
            return {}
        from kubectl_pets.views.snapshots import documents

        return documents.takes(self._takes)

    @property
    def waiting(self) -> Unready | None:
        return self.snapshots.waiting if self.snapshots is not None else None

    def told(self, seen: Assessment) -> str:
        """What is being waited for, as the end of a sentence; empty: nothing is."""
        if self.waiting is None:
            return ""
        from kubectl_pets.views.snapshots import words

        told = words.unready(self.waiting.names, self.waiting.error, self.waiting.of, group=self.waiting.group)
        # A pod goes only once a snapshot is taken.
        touched = self.snapshots is not None and bool(self.snapshots.taken)
        return f"; {told}; {words.not_rolled(seen, touched=touched)}"

    def hint(self, seen: Assessment) -> str | None:
        """What to type while they are being waited for."""
        if self.waiting is None:
            return None
        from kubectl_pets.views.snapshots import words

        return words.unready_hint(self.waiting.names, seen, group=self.waiting.group)

    def release(self, seen_name: str) -> None:
        """At the end, however it came: say which pods stand still yet, because the command that lets them go did not pass."""
        left = self.snapshots.held() if self.snapshots is not None else ()
        if left:
            from kubectl_pets.views.snapshots import words

            self._session.terminal.tell(f"warning: {words.standing_still(left, seen_name)}")

    def conclude(self, seen: Assessment) -> None:
        """Once a rollout has come to its end: say what there is to go back to, and let older generations go."""
        taking, terminal = self.snapshots, self._session.terminal
        if taking is None or not taking.taken:
            return
        from kubectl_pets.views.snapshots import words

        terminal.tell(words.kept(len(taking.taken), seen, group=taking.terms.group))
        if taking.unnoted:
            terminal.tell(words.UNNOTED)
        try:
            gone = taking.tidy(seen)
        except PetsError as error:
            terminal.tell(f"warning: older VolumeSnapshots could not be deleted: {error.message}")
        else:
            if gone.names:
                terminal.tell(words.tidied(gone.names, gone.contents))


def unfit_told(ending: Unsnapped, seen: Assessment, *, touched: bool) -> str:
    """Why no pod goes, and which ones did not. ``touched``: this run has changed something before."""
    from kubectl_pets.views.snapshots import words

    return f"{words.unfit(ending.unfit, seen, group=ending.group)}; {words.not_rolled(seen, touched=touched)}"


def unfit_hint(ending: Unsnapped, seen: Assessment) -> str | None:
    """What to type next."""
    from kubectl_pets.views.snapshots import words

    return words.unfit_hint(ending.unfit, seen) or None
