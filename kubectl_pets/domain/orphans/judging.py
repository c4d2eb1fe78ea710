"""Which claims will nobody want again? ``judge`` gives every claim of an estate exactly one class, with the evidence.

A wrong candidate destroys somebody's data, so the questions are asked in the order of caution, and only what every one of them
leaves over is a candidate: its name must be explained by exactly one set or by none that lives, its labels must not contradict,
its creator must be on record as a StatefulSet controller, and everything that might want it must have been read.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans import origins
from kubectl_pets.domain.orphans.findings import CANDIDATES, ClaimVerdict, Class, Evidence, EvidenceKind
from kubectl_pets.domain.orphans.inventory import VOLUMES_RESOURCE, ClaimInventory, PersistentVolume
from kubectl_pets.domain.orphans.reach import LiveSet
from kubectl_pets.domain.orphans.searching import Index, family_of
from kubectl_pets.domain.orphans.usage import last_scaled, size_of, unused_condition

#: Its text says who keeps the claim and why.
KEEP_ANNOTATION = "kubectl-pets/keep"

#: As many siblings are named in the evidence.
_MANY = 8
_NOT_MOUNTED, _NOT_NAMED = Evidence(EvidenceKind.NOT_MOUNTED), Evidence(EvidenceKind.NOT_NAMED)
_IN_RANGE = frozenset((EvidenceKind.LIVE_RANGE,))
_RETURNING = frozenset(
    (
        EvidenceKind.RESERVED,
        EvidenceKind.RESERVATION_UNREADABLE,
        EvidenceKind.SET_AT_ZERO,
        EvidenceKind.AUTOSCALER,
        EvidenceKind.REMEMBERED_REPLICAS,
        EvidenceKind.OWNER_AUTOSCALED,
        EvidenceKind.BELOW_START,
    )
)


class Needs(msgspec.Struct, frozen=True):
    """What still has to be read before a verdict is final, both in order."""

    #: Namespaces whose ``Users`` can change a verdict.
    namespaces: tuple[str, ...]
    #: Names of PersistentVolumes that can.
    volumes: tuple[str, ...]


def judge(estate: ClaimInventory, now: datetime) -> tuple[ClaimVerdict, ...]:
    """Judge all claims, in their order. ``now``: the API server's clock, timezone-aware."""
    index = Index(estate)
    return tuple(_Case(index, claim, now).verdict() for claim in estate.claims)


def needs(estate: ClaimInventory, now: datetime, *, every_class: bool = False) -> Needs:
    """What to read after claims, sets and autoscalers: only what may confirm or overturn a candidate (a claim in range of a live
    set is none, whatever pods there are). ``every_class``: all that may change the class of any claim."""
    claims = [
        verdict.claim
        for verdict in judge(msgspec.structs.replace(estate, users={}, volumes={}), now)
        if every_class or verdict.would_be in CANDIDATES
    ]
    return Needs(
        tuple(sorted({claim.namespace for claim in claims})),
        tuple(sorted({claim.spec.volume_name for claim in claims} - {""})),
    )


class _Case:
    """One claim before the judge: gathers evidence, question by question."""

    def __init__(self, index: Index, claim: PersistentVolumeClaim, now: datetime) -> None:
        self.index, self.claim, self.now = index, claim, now
        self.evidence: list[Evidence] = []
        parts = index.parts[claim.name]
        self.stem = parts[0] if parts else ""
        self.ordinal = parts[1] if parts else None
        key = (claim.namespace, self.stem)
        self.exact = index.by_stem.get(key, []) if parts else []
        self.rest = [] if self.exact or not parts else index.suffix_sets(*key)
        self.wanted = index.wanted(claim.namespace)
        self.explained: LiveSet | None = self.exact[0] if len(self.exact) == 1 else None

    def verdict(self) -> ClaimVerdict:
        questions: tuple[Callable[[], Class | None], ...] = (
            self._in_use,
            self._wanted_by_sets,
            self._named,
            self._owned,
            self._terminating,
            self._kept,
            self._lost,
        )
        answers = [question() for question in questions]  # all of them: the evidence is for reading, too
        klass = next((answer for answer in answers if answer is not None), None)
        would_be = None
        if klass is None:
            klass = self._origin()
            not_read = self._not_read(klass)
            self.evidence += [Evidence(EvidenceKind.NOT_READ, name) for name in not_read]
            if not_read:
                klass, would_be = Class.UNSURE, klass
        volume = self._volume
        live = None if Class.AMBIGUOUS in (klass, would_be) else self.explained
        return ClaimVerdict(
            claim=self.claim,
            klass=klass,
            would_be=would_be,
            evidence=tuple(self.evidence),
            fate=origins.fate(self.claim, volume),
            volume=volume,
            set=live.object.name if live else "",
            template=self.stem[: -len(live.object.name) - 1] if live else "",
            stem=self.stem,
            ordinal=self.ordinal,
            size=size_of(self.claim, volume),
            unused_since=self._unused_since(klass if would_be is None else would_be),
        )

    @property
    def _volume(self) -> PersistentVolume | None:
        return (self.index.estate.volumes or {}).get(self.claim.spec.volume_name)

    def _say(self, kind: EvidenceKind, subject: str = "", detail: str = "") -> None:
        self.evidence.append(Evidence(kind, subject, detail))

    # --- the questions, in the order of caution ------------------------------------------------------------------------------

    def _in_use(self) -> Class | None:
        mounted = self.wanted.mounted(self.claim.name)
        if mounted is not None:
            self.evidence.append(mounted)
            return Class.IN_USE
        if self.wanted.pods_read:
            self.evidence.append(_NOT_MOUNTED)
        unused = unused_condition(self.claim)
        if unused is not None:
            self._say(EvidenceKind.SERVER_SAYS_UNUSED if unused[0] else EvidenceKind.SERVER_SAYS_USED)
        return Class.IN_USE if unused is not None and not unused[0] else None

    def _wanted_by_sets(self) -> Class | None:
        if self.ordinal is None:
            return None
        found = [(live, live.claims_of(self.ordinal)) for live in self.exact]
        for live in self.rest:
            # Nothing is said of the claims of a set at rest, those of templates that it lost included.
            if live.at_zero and origins.labels_fit(self.claim, live.object) is not False:
                found.append((live, Evidence(EvidenceKind.SET_AT_ZERO, live.subject)))
        self.evidence += [item for _, item in found]
        for kinds, klass in ((_IN_RANGE, Class.IN_RANGE), (_RETURNING, Class.WILL_RETURN)):
            for live, item in found:
                if item.kind in kinds:
                    self.explained = live
                    return klass
        return None

    def _named(self) -> Class | None:
        named = self.wanted.named(self.claim.name)
        if named is not None:
            self.evidence.append(named)
            return Class.USED_BY_TEMPLATE
        clone = self.index.clones.get((self.claim.namespace, self.claim.name))
        if clone is not None:
            self._say(EvidenceKind.CLONE_SOURCE, f"PersistentVolumeClaim/{clone}")
            return Class.USED_BY_TEMPLATE
        if not self.wanted.not_read:
            self.evidence.append(_NOT_NAMED)
        return None

    def _owned(self) -> Class | None:
        """Any owner is reason enough: the garbage collector takes the claim with it, or somebody else's controller has plans."""
        for owner in self.claim.metadata.owner_references:
            subject = f"{owner.kind}/{owner.name}"
            if owner.uid in self.index.uids or owner.kind == "Pod":
                self._say(EvidenceKind.OWNED_FOR_RETENTION, subject)
            elif owner.kind == "StatefulSet" and (self.claim.namespace, owner.name) in self.index.by_name:
                self._say(EvidenceKind.OWNER_STALE, subject)
            else:
                self._say(EvidenceKind.OWNED_BY, subject, owner.api_version)
        return Class.OWNED if self.claim.metadata.owner_references else None

    def _terminating(self) -> Class | None:
        if self.claim.metadata.deletion_timestamp is None:
            return None
        self._say(EvidenceKind.TERMINATING)
        return Class.TERMINATING

    def _kept(self) -> Class | None:
        note = self.claim.metadata.annotations.get(KEEP_ANNOTATION)
        if note is None:
            return None
        self._say(EvidenceKind.KEPT, detail=note)
        return Class.KEPT

    def _lost(self) -> Class | None:
        """Before its origin: without a volume nothing can be freed, and a volume that another claim holds is not this one's."""
        if self.claim.status.phase == "Lost":
            self._say(EvidenceKind.LOST)
        name = self.claim.spec.volume_name
        if name and name in (self.index.estate.volumes or {}):
            bound = origins.binding(self.claim, self._volume)
            self.evidence.append(bound)
            if bound.kind is not EvidenceKind.VOLUME_AGREES:
                return Class.LOST
        return Class.LOST if self.claim.status.phase == "Lost" else None

    # --- what is left over ---------------------------------------------------------------------------------------------------

    def _origin(self) -> Class:
        """One of the candidates, or AMBIGUOUS where anything leaves a doubt."""
        made = origins.creator(self.claim)
        self.evidence.append(made)
        if self.ordinal is None:
            self._say(EvidenceKind.NO_ORDINAL)
            return Class.AMBIGUOUS
        self._look_at_siblings()
        klass = self._explain()
        return klass if made.kind is EvidenceKind.CREATED_BY_SET_CONTROLLER else Class.AMBIGUOUS

    def _explain(self) -> Class:
        ending = self.index.suffix_sets(self.claim.namespace, self.stem)
        fits = [(live, self._fit(live)) for live in {id(live): live for live in self.exact + ending}.values()]
        possible = [live for live, fit in fits if fit is not False]
        if len(possible) > 1 or len(self.exact) > 1:
            for live in possible or self.exact:
                self._say(EvidenceKind.SEVERAL_SETS, live.subject)
            return Class.AMBIGUOUS
        certain = any(fit for _, fit in fits)
        if self.exact:
            return self._of_live(self.exact[0], Class.SCALED_DOWN, certain=certain and self.exact == possible)
        if possible:
            live = self.explained = possible[0]
            self._say(EvidenceKind.TEMPLATE_NOT_IN_SET, live.subject, self.stem[: -len(live.object.name) - 1])
            return self._of_live(live, Class.TEMPLATE_GONE, certain=certain)
        for template, name in origins.explanations(self.stem):
            self._say(EvidenceKind.NO_SUCH_SET, name, template)
        if not self.claim.metadata.labels:
            self._say(EvidenceKind.NO_LABELS)
            return Class.AMBIGUOUS
        return Class.SET_GONE

    def _fit(self, live: LiveSet) -> bool | None:
        fit = origins.labels_fit(self.claim, live.object)
        kind = EvidenceKind.LABELS_MATCH if fit else EvidenceKind.LABELS_DIFFER
        self._say(EvidenceKind.LABELS_UNDECIDED if fit is None else kind, live.subject)
        return fit

    def _of_live(self, live: LiveSet, klass: Class, *, certain: bool) -> Class:
        controller = live.object.metadata.controller()
        if controller is not None:
            self._say(EvidenceKind.SET_CONTROLLED, f"{controller.kind}/{controller.name}")
        return klass if certain else Class.AMBIGUOUS

    def _look_at_siblings(self) -> None:
        """Claims that differ in their ordinal only. They tell a person much, and decide nothing: two claims that were typed by
        hand are siblings, too."""
        family = self.index.siblings.get(family_of(self.claim, self.stem), ())
        others = [ordinal for ordinal in family[: _MANY + 1] if ordinal != self.ordinal]
        if others:
            self.evidence.append(Evidence(EvidenceKind.SIBLINGS, count=len(family) - 1, ordinals=tuple(others[:_MANY])))

    def _not_read(self, klass: Class) -> tuple[str, ...]:
        """The lists that might overturn this class. A claim that nothing explains may still turn out to be in use."""
        if self.ordinal is None:
            return self.wanted.not_read
        name = self.claim.spec.volume_name
        unbound = klass is Class.AMBIGUOUS or not name or name in (self.index.estate.volumes or {})
        return (*self.index.not_read, *self.wanted.not_read, *(() if unbound else (VOLUMES_RESOURCE,)))

    def _unused_since(self, klass: Class) -> datetime | None:
        """The newest time at which it may have been used: as the server says, or when its set was last scaled, or when its pod
        came back without it. Never later than now."""
        unused = unused_condition(self.claim)
        since: datetime | None = None
        if unused is not None:
            since = unused[1] if unused[0] else None
        elif klass is Class.SCALED_DOWN and self.explained is not None:
            since = last_scaled(self.explained.object)
        elif klass is Class.TEMPLATE_GONE and self.explained is not None:
            since = self.wanted.pod_made.get(f"{self.explained.object.name}-{self.ordinal}")
        return min(since, self.now) if since is not None else None
