"""Brings claims back from records or volumes, one after the other, and reports: ``restore`` drives each."""

from functools import partial
from pathlib import Path

from kubectl_pets.cli import names
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.orphans import restoring
from kubectl_pets.domain.orphans.restoring import Record, RestorePlan, RestoreRefused
from kubectl_pets.errors import ExitCode, NotFoundError
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.engine.report import told_once
from kubectl_pets.flows.orphans import records
from kubectl_pets.flows.orphans.account import Account
from kubectl_pets.flows.orphans.restore import Restored, restore
from kubectl_pets.flows.orphans.retention import new_run
from kubectl_pets.pasting import kubectl
from kubectl_pets.session import Session
from kubectl_pets.views.orphans import outcomes
from kubectl_pets.views.orphans import plan as claim_plans
from kubectl_pets.views.orphans import words as claim_words
from kubectl_pets.views.orphans.outcomes import Came, RunKind
from kubectl_pets.views.rollout import documents

_NOTHING = restoring.RestoreRefusedReason.NOTHING_TO_DO


class RestoreRun(RunOptions, frozen=True, kw_only=True):
    """What is brought back, as said on the command line: paths of records, and names of volumes."""

    sources: tuple[str, ...]


def bring_back(session: Session, run: RestoreRun) -> ExitCode:
    """Bring back what was named, as far as it may be; nothing where one of the sources is none. Raises PetsError."""
    account = Account(session.terminal, run.output, RunKind.RESTORE)
    return account.of(partial(_bring_back, session, run))


def _bring_back(session: Session, run: RestoreRun, account: Account) -> ExitCode:
    found = [(source, record) for source in run.sources for record in _records(session, source)]
    bringing = _Bringing(session, run, account, found)
    for place in range(len(found)):
        bringing.one(place)
    if run.dry_run is not DryRun.NONE and not run.tabular:
        session.terminal.print(account.instead(partial(documents.dump, bringing.plan()))(run.output))
    return bringing.code


def _records(session: Session, source: str) -> tuple[Record, ...]:
    """A path, or the name of a volume (``pv/NAME`` where there is a file of that name)."""
    if _is_path(source):
        found = records.read(Path(source))
        here = session.cluster.server_name()
        if found.server not in ("", here):  # it may be the same one by another address
            session.terminal.tell(claim_words.of_another_server(source, found.server, here))
        return found.deletions
    name = names.parse(source, names.VOLUME, namespaced=False).name
    volume = session.cluster.volume(name)
    record = restoring.record_of(volume) if volume is not None else None
    if record is None:
        raise NotFoundError(
            f"{source} is neither a record nor a volume that knows its claim.", hint=f"{kubectl('get', 'pv')} lists volumes."
        )
    return (record,)


def _is_path(source: str) -> bool:
    head, slash, _ = source.partition("/")
    return source.endswith(".json") or bool(slash) and head.lower() not in names.VOLUME.words


class _Bringing:
    """The claims of one run. ``_planned``: how each comes back, as it was first told, by its place."""

    def __init__(self, session: Session, run: RestoreRun, account: Account, found: list[tuple[str, Record]]) -> None:
        self._session, self._run, self._account, self._found = session, run, account, found
        self._name = new_run()
        self._planned: dict[int, RestorePlan | RestoreRefused] = {}
        self._refused = self._open = False
        account.plans(self.plan(), [outcomes.restoration(record, Came.UNTOUCHED) for _, record in found])

    @property
    def code(self) -> ExitCode:
        if self._refused:
            return ExitCode.REFUSED
        return ExitCode.NOT_YET if self._open else ExitCode.OK

    def plan(self) -> dict[str, object]:
        """What is known so far."""
        return outcomes.restore_plan((self._found[place][1], each) for place, each in sorted(self._planned.items()))

    def one(self, place: int) -> None:
        """Bring one back, or say how it would come."""
        source, record = self._found[place]
        terminal, rehearsed = self._session.terminal, self._run.dry_run is not DryRun.NONE
        if not rehearsed:
            self._account.notes(place, outcomes.restoration(record, Came.BEGUN))
        done = restore(
            self._session.cluster,
            record,
            run=self._name,
            dry_run=rehearsed,
            tell=partial(self._tell, place),
            troubled=told_once(terminal),
        )
        name = f"{record.claim.namespace}/{record.claim.name}"
        if isinstance(done, RestoreRefused):
            idle = done.reason is _NOTHING
            self._plans(place, done)
            self._account.notes(place, outcomes.restoration(record, Came.UNCHANGED if idle else Came.REFUSED, done))
            why = claim_words.restore_refused(done, source, record.snapshot)
            terminal.tell(("" if idle else "refused: ") + f"{name}: {why}")
            self._refused = self._refused or not idle
        elif isinstance(done, Restored):
            left, rescued = done.policy_left, done.rescued
            self._account.notes(place, outcomes.restoration(record, Came.DONE, policy_left=left, rescued=rescued))
            self._account.say(f"restored {name} onto {record.volume}")
            for line in claim_plans.after_restore(record.volume, left, rescued=rescued):
                terminal.tell(line)
            self._open = self._open or bool(left)

    def _tell(self, place: int, plan: RestorePlan) -> None:
        self._plans(place, plan)
        self._session.terminal.tell(claim_plans.restore(plan))

    def _plans(self, place: int, found: RestorePlan | RestoreRefused) -> None:
        self._planned.setdefault(place, found)
        self._account.replans(self.plan())
