"""Brings one deleted claim back onto its volume, and says so only when it is.

The steps that are left are planned anew on every reading, so that an interrupted restore can be run again, and one that somebody
else disturbs goes on from what it finds.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

import msgspec

from kubectl_pets import pasting
from kubectl_pets.domain.changes import ClearClaimRef, CreateClaim, SetRetain
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.restoring import (
    AwaitBound,
    AwaitKept,
    Record,
    RestorePlan,
    RestorePolicy,
    RestoreRefused,
    RestoreRefusedReason,
    RestoreStep,
    is_back,
    may_settle,
    plan_restore,
)
from kubectl_pets.errors import ConflictError, NotFoundError, PetsError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.interrupts import whole
from kubectl_pets.flows.engine.patience import PASSING, Patience
from kubectl_pets.flows.engine.rights import Right, require
from kubectl_pets.flows.engine.waiting import Unended, until
from kubectl_pets.flows.orphans.retention import RetentionPort, put_back
from kubectl_pets.flows.orphans.stranding import take_back
from kubectl_pets.ports.server import RightsPort

_E = TypeVar("_E")
_Look = tuple[RestorePlan | RestoreRefused, PersistentVolume | None]

#: A volume that changes under our hands this often is somebody else's business.
_ATTEMPTS = 5
_BINDING_SECONDS = 60.0
#: For the volume controller to see that a claim was deleted.
_SETTLING_SECONDS = 5.0
_PAUSE = 0.1


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """The claim is bound to its volume. ``policy_left``: the reclaim policy that could not be put back, so that it stays Retain;
    ``rescued``: its destruction had been asked for, and did not happen while it was watched."""

    policy_left: str = ""
    rescued: bool = False


class RestorePort(RetentionPort, RightsPort, Protocol):
    """What it takes to bring a claim back."""


def restore(
    cluster: RestorePort,
    record: Record,
    *,
    run: str,
    dry_run: bool,
    tell: Callable[[RestorePlan], None],
    troubled: Callable[[PetsError], object] = lambda failure: None,
) -> Restored | RestorePlan | RestoreRefused:
    """Bring one claim back; with ``dry_run`` what would be done, after the server was asked whether it would take the claim.
    ``tell`` hears each plan. Once the server has answered, outages are ridden out, and ``troubled`` hears of them. Raises
    PetsError."""
    turn = _Restoring(cluster, record, run, tell, troubled)
    return turn.rehearse() if dry_run else turn.carry_out()


def _rights(planned: RestorePlan, record: Record) -> dict[str, list[Right]]:
    """What it takes, to the last step: a claim that was made for a volume that may not be cleared would wait for ever."""
    claim = record.claim
    of_claims: list[Right] = [("get", "persistentvolumeclaims", claim.name)]
    of_volumes: list[Right] = []
    for step in planned.steps:
        if isinstance(step, CreateClaim):
            of_claims.append(("create", "persistentvolumeclaims"))
        elif not isinstance(step, AwaitBound | AwaitKept):
            of_volumes = [("patch", "persistentvolumes", record.volume)]
        if isinstance(step, RestorePolicy):  # which is fenced by a mark on the claim
            of_claims.append(("patch", "persistentvolumeclaims", claim.name))
    return {claim.namespace: of_claims, "": of_volumes}


class _Restoring:
    def __init__(
        self,
        cluster: RestorePort,
        record: Record,
        run: str,
        tell: Callable[[RestorePlan], None],
        troubled: Callable[[PetsError], object],
    ) -> None:
        self._cluster, self._record, self._run, self._tell, self._troubled = cluster, record, run, tell, troubled
        self._policy_left, self._rescued = "", False
        self._told: list[type] = []
        #: The claim that this run has made, or tried to.
        self._made: CreateClaim | None = None

    def rehearse(self) -> RestorePlan | RestoreRefused:
        planned, _ = self._look()
        if isinstance(planned, RestorePlan):
            self._tell(planned)
            for step in planned.steps:
                if isinstance(step, CreateClaim):  # quota, admission, and whether there is such a namespace
                    self._make(step, dry_run=True)
        return planned

    def _make(self, step: CreateClaim, *, dry_run: bool = False) -> None:
        try:
            self._cluster.apply(step, dry_run=dry_run)
        except NotFoundError as error:
            again = f"{pasting.kubectl('create', 'namespace', step.claim.namespace)}; then run the same restore again."
            raise NotFoundError(str(error), hint=again) from error

    def carry_out(self) -> Restored | RestoreRefused:
        try:
            done = self._carried_out()
        except PetsError:
            self._take_back()
            raise
        if isinstance(done, RestoreRefused):
            self._take_back()
        return done

    def _take_back(self) -> None:
        """What was made for nothing, because somebody else destroyed or took the volume."""
        if self._made is not None:
            take_back(self._cluster, self._made, self._record.volume_uid, self._record.claim.metadata.uid)

    def _carried_out(self) -> Restored | RestoreRefused:
        conflicts, begun = 0, False
        reads, attempts = (Patience(Deadline(None), troubled=self._troubled) for _ in range(2))
        planned, volume = self._look()
        if isinstance(planned, RestorePlan):
            require(self._cluster, _rights(planned, self._record))
        # Not the engine's ``insist``: what is left is planned anew also where nothing failed, and reads that succeed renew the
        # patience with reads alone.
        while True:
            if may_settle(planned, volume):
                planned, volume = self._settled(planned, volume)
            if isinstance(planned, RestoreRefused):
                done = begun and planned.reason is RestoreRefusedReason.NOTHING_TO_DO
                return self._confirm() if done else planned
            self._announce(planned)
            begun = True
            try:
                if self._all(planned, volume):
                    return self._confirm()
            except (ConflictError, NotFoundError):
                conflicts += 1
                if conflicts == _ATTEMPTS:
                    raise
            except PASSING as failure:  # what was sent may have been carried out or not: the next look tells
                attempts.ride_out(failure)
            planned, volume = reads.read(self._look)

    def _look(self) -> _Look:
        record, cluster = self._record, self._cluster
        volume = cluster.volume(record.volume) if record.volume else None
        claims = cluster.claims(record.claim.namespace)
        return plan_restore(record, volume, claims, cluster.now(), self._run), volume

    def _settled(self, planned: RestorePlan | RestoreRefused, volume: PersistentVolume | None) -> _Look:
        """A look that no controller will change in a moment; the last one where that takes too long."""
        last = planned, volume

        def look() -> _Look | None:
            nonlocal last
            last = self._look()
            return None if may_settle(*last) else last

        self._until(look, _SETTLING_SECONDS)
        return last

    def _until(self, look: Callable[[], _E | None], within: float | None) -> _E | Unended:
        return until(look, within=within, every=_PAUSE, troubled=self._troubled)

    def _announce(self, planned: RestorePlan) -> None:
        """Once, and again where other steps are left than those that were told."""
        kinds = [type(step) for step in planned.steps]
        if self._told[-len(kinds):] != kinds:
            self._tell(planned)
            self._told = kinds

    def _all(self, planned: RestorePlan, volume: PersistentVolume | None) -> bool:
        """Whether every step was carried out; False: what is left has to be planned anew."""
        for step in planned.steps:
            if isinstance(step, AwaitKept):
                self._rescued = True
                self._watch(step)
                return False
            self._one(step, volume)
        return not any(isinstance(step, SetRetain) for step in planned.steps)

    def _one(self, step: RestoreStep, volume: PersistentVolume | None) -> None:
        if isinstance(step, AwaitBound):
            self._await_bound(step)
            return
        whole(partial(self._change, step, volume))

    def _change(self, step: RestoreStep, volume: PersistentVolume | None) -> None:
        if isinstance(step, RestorePolicy):
            self._put_back(step, volume)
        elif isinstance(step, CreateClaim):
            self._made = step
            self._make(step)
        elif isinstance(step, SetRetain | ClearClaimRef):
            self._cluster.apply(step)

    def _put_back(self, step: RestorePolicy, volume: PersistentVolume | None) -> None:
        meta = self._record.claim.metadata
        claim = self._cluster.claim(meta.namespace, meta.name)
        if claim is None or volume is None:
            raise NotFoundError(f"claim {meta.namespace}/{meta.name} was deleted meanwhile")
        if not put_back(self._cluster, claim, volume, step.policy, self._run, takes_over=True):
            self._policy_left = step.policy

    def _watch(self, step: AwaitKept) -> None:
        """Raises PetsError where the volume is destroyed after all."""

        def look() -> bool | None:
            volume = self._cluster.volume(step.volume)
            if volume is None or volume.metadata.uid != step.uid or volume.metadata.deletion_timestamp is not None:
                raise PetsError(
                    f"volume {step.volume} is destroyed: that had begun before it could be set to Retain. Nothing is restored.",
                    hint=f"look for a copy with: {pasting.kubectl('get', 'volumesnapshots', '-A')}",
                )
            if volume.spec.persistent_volume_reclaim_policy != "Retain":
                raise ConflictError(f"the reclaim policy of volume {step.volume} was set back by somebody else")
            return self._cluster.now() >= step.until or None

        self._until(look, None)

    def _await_bound(self, step: AwaitBound) -> None:
        def look() -> bool | None:
            claim = self._cluster.claim(step.namespace, step.name)
            if claim is None:
                raise NotFoundError(f"claim {step.namespace}/{step.name} was deleted meanwhile")
            return claim.status.phase == "Bound" and claim.spec.volume_name == step.volume or None

        if self._until(look, _BINDING_SECONDS) is Unended.LATE:
            raise PetsError(
                f"claim {step.name} in namespace {step.namespace} was not bound to {step.volume} within "
                f"{_BINDING_SECONDS:.0f} s",
                hint=f"{pasting.kubectl('describe', 'pvc', step.name, namespace=step.namespace)}; "
                "then run the same restore again, it goes on from there.",
            )

    def _confirm(self) -> Restored:
        """Read claim and volume once more. The claim is called Bound a moment before the volume is."""
        meta = self._record.claim.metadata

        def look() -> bool | None:
            volume = self._cluster.volume(self._record.volume)
            return is_back(self._record, volume, self._cluster.claim(meta.namespace, meta.name)) or None

        if self._until(look, _SETTLING_SECONDS) is Unended.LATE:
            raise PetsError(
                f"claim {meta.namespace}/{meta.name} is not back: it or volume {self._record.volume} changed meanwhile.",
                hint=f"{pasting.kubectl('describe', 'pv', self._record.volume)}; "
                "then run the same restore again, it goes on from there.",
            )
        return Restored(policy_left=self._policy_left, rescued=self._rescued)
