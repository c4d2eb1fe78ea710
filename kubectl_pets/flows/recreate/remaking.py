"""Makes a set again. ``running`` says what next; here it is read and done, until there is nothing more to do.

From the deletion to the creation there is no set: then neither Ctrl-C nor a time that is over ends the run, an outage is waited
out, and what the API server refuses (a quota that was filled meanwhile) is sent again. Should the run be killed, what is intended
lies in the cluster; should somebody take it from there meanwhile (a pruning deployer, a clean-up), the run keeps it there anew.
"""

import getpass
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import msgspec
from msgspec.structs import replace

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.changes import AnnotateClaim, CreateSet, ForgetRecreation, OrphanSet, SaveRecreation
from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.recreate.content import created, mark, marked, unmark
from kubectl_pets.domain.recreate.refusing import refusals
from kubectl_pets.domain.recreate.running import Finished, Glance, Perform, RecreateEnd, RecreateStep, next_step
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.sets.away import (
    RECREATING_ANNOTATION,
    Recreation,
    SavedRecreation,
    SetContent,
    WholeSet,
    record_name,
)
from kubectl_pets.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, PetsError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.interrupts import held_back
from kubectl_pets.flows.engine.report import told_once
from kubectl_pets.flows.engine.waiting import Unended, until
from kubectl_pets.session import Session
from kubectl_pets.views.recreate import words

#: Seconds between two looks while somebody else has to do something.
_EVERY = 0.05

#: For how many seconds a creation that is refused is sent again.
_INSISTING = 300.0

#: For how many seconds a set that was deleted is waited for without a word: its garbage collector lets it go within moments.
_LEAVES_WITHIN = 5.0

#: A record that is gone was taken away while there was no set only if it was seen within this time; a run that was stopped for
#: longer cannot tell: another one may have come to the end, and somebody may have deleted the set since.
_JUST_NOW = timedelta(minutes=1)

_WAITS = (
    RecreateStep.AWAIT_REST,
    RecreateStep.AWAIT_GONE,
    RecreateStep.AWAIT_CREATION,
    RecreateStep.AWAIT_ADOPTION,
)


#: Where what is intended is made from the set itself.
_BEFORE = (
    RecreateStep.SAVE,
    RecreateStep.MARK_CLAIMS,
    RecreateStep.MARK,
    RecreateStep.AWAIT_REST,
    RecreateStep.DELETE,
)


class Remade(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended. ``gap``: for how many seconds, at most, there was no set; None: it was not this run that deleted it, or saw
    the new one. ``revision``: that of the pods before; ``revision_now``: that they are to have now."""

    finished: Finished
    gap: float | None = None
    revision: str = ""
    revision_now: str = ""


class Remaking:
    """One run. ``uid``: of the set that is replaced; ``wanted``: immutable fields of its spec, as the API server writes them.
    ``told`` hears of each step when it is done."""

    def __init__(
        self,
        session: Session,
        name: str,
        uid: str,
        wanted: Mapping[str, Any],
        deadline: Deadline,
        *,
        hand_over: bool = False,
        operator_paused: bool = False,
        abandon: bool = False,
        told: Callable[[Perform], object] = lambda move: None,
    ) -> None:
        self._session, self._name, self._uid, self._wanted = session, name, uid, dict(wanted)
        self._namespace = session.namespace
        self._deadline, self._hand_over, self._operator_paused = deadline, hand_over, operator_paused
        self._told, self._abandon = told, abandon
        self._troubled = told_once(session.terminal)
        self._insisting: Deadline | None = None
        self._leaving: tuple[Deadline, Deadline] | None = None
        self._gone_since: float | None = None
        self._gap: float | None = None
        self._revision, self._revision_now = "", ""
        self._kept: SetContent | None = None
        #: What this run has deleted the set for, and when it last saw that kept in the cluster.
        self._intended: Recreation | None = None
        self._seen: datetime | None = None
        #: What has to be typed again to go on as this run would.
        self.flags = ("--operator-paused",) * operator_paused + ("--hand-over",) * hand_over
        #: There is no set, or there soon will be none.
        self.away = False

    def to_the_end(self) -> Remade:
        """Raises PetsError for what lasts, KeyboardInterrupt where a Ctrl-C came; never while the set is away, but for a second
        one that comes long after."""
        with held_back() as held:
            found = until(self._look, every=_EVERY, held=lambda: held() and not self.away, troubled=self._troubled)
        if found is Unended.STOPPED:
            raise KeyboardInterrupt
        assert isinstance(found, Finished)
        return Remade(finished=found, gap=self._gap, revision=self._revision, revision_now=self._revision_now)

    def _look(self) -> Finished | None:
        """As many steps as can be done at once."""
        for _ in RecreateStep:
            glance = self._glance()
            if glance is None:
                return None
            now, how = self._session.now(), {"hand_over": self._hand_over, "abandon": self._abandon}
            lost = self._lost(glance, now)
            if lost is not None:
                return self._keep_anew(lost, glance)
            move = next_step(glance, self._uid, self._wanted, now, **how)
            if isinstance(move, Finished):
                return move
            self._hold_to(move)
            if self._deadline.passed and not self.away:
                return Finished(end=RecreateEnd.TIMED_OUT)
            if move.step is RecreateStep.AWAIT_GONE:
                self._still_there(glance)
            if move.step in _WAITS or not self._tried(move, glance):
                return None
            self._told(move)
        return None

    def _hold_to(self, move: Perform) -> None:
        """What this run itself has seen kept is what is created, and nothing that somebody has put in its place since: whoever
        may write ConfigMaps could have any pod made with the rights of whoever runs this. Raises PetsError."""
        if move.step in _BEFORE:
            self._kept = move.intended.content
        elif move.step is RecreateStep.CREATE and self._kept not in (None, move.intended.content):
            where = f"ConfigMap {record_name(self._name)}"
            raise PetsError(
                f"{where} was changed by somebody after the set was deleted, so nothing is created from it",
                hint=f"look at it; {words.resume_hint(self._namespace, self._name)}, from what it holds then",
            )

    def _lost(self, glance: Glance, now: datetime) -> Recreation | None:
        """What is intended, where this run has deleted the set, what was created is not verified, and it is not kept any more."""
        if glance.saved is not None and glance.saved.intended is not None:
            self._seen = now
            return None
        live, done = glance.live, self._gap is not None
        if live is not None and live.metadata.uid != self._uid:
            done = live.metadata.annotations.get(RECREATING_ANNOTATION) != self._uid
        return None if done or self._seen is None or now - self._seen > _JUST_NOW else self._intended

    def _keep_anew(self, intended: Recreation, glance: Glance) -> Finished | None:
        self._troubled(PetsError(f"ConfigMap {record_name(self._name)} was taken away by somebody; it is made anew"))
        saved = glance.saved
        uid, version = (saved.uid, saved.resource_version) if saved is not None else ("", "")
        try:
            self._session.cluster.apply(SaveRecreation(intended=intended, uid=uid, resource_version=version))
        except ConflictError:
            return None
        except NotFoundError:  # the namespace, where there was no record to be replaced
            return Finished(end=RecreateEnd.GONE) if saved is None else None
        except (ForbiddenError, InvalidError) as refusal:
            self._insist(refusal)
        return None

    # --- reading ---------------------------------------------------------------------------------------------------------------

    def _glance(self) -> Glance | None:
        """None: what was read does not fit together, so it is read again in a moment."""
        saved, live = self._read()
        if saved is None and (live is None or live.metadata.uid != self._uid):
            saved, live = self._read()  # another run may have kept it, and more, between the two reads
        leaving = live is not None and live.metadata.uid == self._uid and live.metadata.deletion_timestamp is not None
        self.away = (live is None or leaving) and not self._hand_over
        if live is None or leaving:
            return Glance(live=live, saved=saved)
        if live.metadata.uid != self._uid:
            return self._after(live, saved)
        try:
            view = self._session.cluster.set_view(self._namespace, self._name)
        except NotFoundError:
            return None
        # Read before the set is read again: claims without a mark after another run's end would be marked for a set that is gone.
        claims = self._session.cluster.claims(self._namespace)
        live = self._session.cluster.whole_set(self._namespace, self._name)
        if live is None or view.set is None or not view.set.metadata.uid == live.metadata.uid == self._uid:
            return None
        if live.metadata.deletion_timestamp is not None:
            return None
        seen = assess(view, self._session.now())
        # Right before the deletion: who might take on the pods while they are nobody's.
        takers = self._session.cluster.pod_takers(self._namespace)[0] if marked(live) and not self._abandon else ()
        refused = refusals(live, view, seen, self._wanted, operator_paused=self._operator_paused, takers=takers)
        return Glance(live=live, saved=saved, claims=claims, pods=view.pods or (), refused=refused)

    def _after(self, live: WholeSet, saved: SavedRecreation | None) -> Glance | None:
        if self._gap is None and self._gone_since is not None:
            self._gap = monotonic() - self._gone_since
        self._revision_now = live.status.update_revision
        if saved is None:
            return Glance(live=live, saved=None)
        try:
            pods = self._session.cluster.set_view(self._namespace, self._name).pods
        except NotFoundError:
            return None
        if pods is None:
            raise ForbiddenError("the pods may not be listed, so nobody can say whether the new set has taken them on")
        return Glance(live=live, saved=saved, claims=self._session.cluster.claims(self._namespace), pods=pods)

    def _read(self) -> tuple[SavedRecreation | None, WholeSet | None]:
        cluster = self._session.cluster
        saved = cluster.recreation(self._namespace, self._name)
        if saved is not None and saved.intended is not None:
            self._revision = saved.intended.revision
        return saved, cluster.whole_set(self._namespace, self._name)

    # --- doing -----------------------------------------------------------------------------------------------------------------

    def _tried(self, move: Perform, glance: Glance) -> bool:
        """Whether it was done; otherwise somebody was faster, or the API server would not."""
        try:
            self._do(move, glance)
        except (ConflictError, NotFoundError):
            return False
        except (ForbiddenError, InvalidError) as refusal:
            if move.step is not RecreateStep.CREATE:
                raise
            self._insist(refusal)
            return False
        return True

    def _insist(self, refusal: PetsError) -> None:
        """A creation was refused, and there is no set: somebody may yet make room for it. Raises the refusal once that has taken
        too long."""
        self._troubled(refusal)
        self._insisting = self._insisting or Deadline(_INSISTING)
        if self._insisting.passed or self._deadline.passed:
            raise refusal

    def _still_there(self, glance: Glance) -> None:
        """The set is deleted and stays: say what keeps it, for neither Ctrl-C nor the deadline takes effect meanwhile. Raises
        PetsError once that has taken as long as a creation that is refused."""
        self._leaving = self._leaving or (Deadline(_LEAVES_WITHIN), Deadline(_INSISTING))
        soon, late = self._leaving
        if not soon.passed:
            return
        kept = ", ".join(glance.live.metadata.finalizers) if glance.live is not None else ""
        told = f"StatefulSet {self._name} is deleted and not gone yet, its pods run on: finalizers {clean(kept) or 'none'}"
        stays = PetsError(told, hint=words.resume_hint(self._namespace, self._name))
        if late.passed:
            raise stays
        self._troubled(stays)

    def _do(self, move: Perform, glance: Glance) -> None:
        apply, live, saved, intended = self._session.cluster.apply, glance.live, glance.saved, move.intended
        match move.step:
            case RecreateStep.SAVE:
                uid, version = (saved.uid, saved.resource_version) if saved is not None else ("", "")
                signed = intended if intended.by else replace(intended, by=_user())
                apply(SaveRecreation(intended=signed, uid=uid, resource_version=version))
            case RecreateStep.MARK_CLAIMS | RecreateStep.UNMARK_CLAIMS:
                text = self._uid if move.step is RecreateStep.MARK_CLAIMS else None
                for claim in move.claims:
                    apply(_annotated(claim, text))
            case RecreateStep.CREATE:
                apply(CreateSet(namespace=self._namespace, name=self._name, content=created(intended)))
            case RecreateStep.FORGET if saved is not None:
                at = {"namespace": self._namespace, "name": self._name}
                apply(ForgetRecreation(**at, uid=saved.uid, resource_version=saved.resource_version))
            case RecreateStep.DELETE if live is not None:
                self._gone_since, self._intended = monotonic(), intended
                self.away = not self._hand_over
                at = {"namespace": self._namespace, "name": self._name}
                apply(OrphanSet(**at, uid=live.metadata.uid, resource_version=live.metadata.resource_version))
            case _ if live is not None:
                apply(mark(live) if move.step is RecreateStep.MARK else unmark(live, intended.fields))


def _user() -> str:
    """Who types, as this machine calls them; empty where it does not know (a container's bare uid)."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _annotated(claim: PersistentVolumeClaim, text: str | None) -> AnnotateClaim:
    return AnnotateClaim(
        namespace=claim.namespace,
        name=claim.name,
        uid=claim.metadata.uid,
        resource_version=claim.metadata.resource_version,
        annotations={RECREATING_ANNOTATION: text},
    )
