"""Which claims will nobody want again? ``judge`` gives every claim of an inventory exactly one class, with the evidence.

A wrong candidate destroys somebody's data, so the questions are asked in the order of caution, and only what every one of them
leaves over is a candidate: its name must be explained by exactly one set or by none that lives, its labels must not contradict,
its creator must be on record as a StatefulSet controller, and everything that might want it must have been read.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans import doubts, origins
from kubectl_pets.domain.orphans.findings import CANDIDATES, ClaimVerdict, Class, Evidence, EvidenceKind, Fate
from kubectl_pets.domain.orphans.groups import LiveGroups, Membership
from kubectl_pets.domain.orphans.inventory import VOLUMES_RESOURCE, ClaimInventory, PersistentVolume
from kubectl_pets.domain.orphans.reach import LiveSet
from kubectl_pets.domain.orphans.searching import Index, family_of, mentions
from kubectl_pets.domain.orphans.usage import last_scaled, size_of, unused_condition
from kubectl_pets.domain.sets.grouping import NAME_LABEL

#: Its text says who keeps the claim and why.
KEEP_ANNOTATION = "kubectl-pets/keep"

#: As many siblings are named in the evidence.
_MANY = 8
_NOT_MOUNTED, _NOT_NAMED = Evidence(EvidenceKind.NOT_MOUNTED), Evidence(EvidenceKind.NOT_NAMED)
#: Nothing that is read later takes a claim out of these.
_WANTED = frozenset((Class.IN_USE, Class.IN_RANGE, Class.WILL_RETURN, Class.USED_BY_TEMPLATE))
#: Of these it may be of a set that is gone.
_GONE = frozenset((Class.SET_GONE, Class.TEMPLATE_GONE))
_IN_RANGE = frozenset((EvidenceKind.LIVE_RANGE,))
_RETURNING = frozenset(
    (
        EvidenceKind.RESERVED,
        EvidenceKind.RESERVATION_UNREADABLE,
        EvidenceKind.SET_AT_ZERO,
        EvidenceKind.AUTOSCALER,
        EvidenceKind.REMEMBERED_REPLICAS,
        EvidenceKind.OWNER_AUTOSCALED,
        EvidenceKind.SURGE,
        EvidenceKind.BELOW_START,
    )
)


class Needs(msgspec.Struct, frozen=True):
    """What still has to be read before a verdict is final, both in order."""

    #: Namespaces whose ``Workloads`` can change a verdict.
    namespaces: tuple[str, ...]
    #: Names of PersistentVolumes that can.
    volumes: tuple[str, ...]
    #: Namespace and name of the claims whose verdict they can change; the others are asked about no more.
    claims: frozenset[tuple[str, str]] = frozenset()


def judge(
    estate: ClaimInventory, now: datetime, *, among: frozenset[tuple[str, str]] | None = None
) -> tuple[ClaimVerdict, ...]:
    """Judge all claims, in their order. ``now``: the API server's clock, timezone-aware. ``among``: only these, by namespace and
    name; the others are evidence still."""
    index = Index(estate)
    judged = (claim for claim in estate.claims if among is None or (claim.namespace, claim.name) in among)
    return tuple(_Case(index, claim, now).verdict() for claim in judged)


def needs(estate: ClaimInventory, now: datetime, *, every_class: bool = False) -> Needs:
    """What to read after claims, sets and autoscalers: only what may confirm or overturn a candidate (a claim in range of a live
    set is none, whatever pods there are). ``every_class``: all that may change the class of any claim."""
    index = Index(msgspec.structs.replace(estate, users={}, volumes={}))
    claims = [claim for claim in estate.claims if every_class or _Case(index, claim, now).may_go()]
    return Needs(
        tuple(sorted({claim.namespace for claim in claims})),
        tuple(sorted({claim.spec.volume_name for claim in claims} - {""})),
        frozenset((claim.namespace, claim.name) for claim in claims),
    )


class Searched(msgspec.Struct, frozen=True):
    """Of one namespace: what custom resources have to be searched for."""

    #: Of claims.
    names: frozenset[str]
    #: By claim: the values of its labels, and words of its own name, any of which may be the name of who makes its set.
    makers: dict[str, frozenset[str]]
    #: Pods and sets that events may tell of: of claims whose set is gone, and of which the server does not say since when they
    #: are unused.
    gone: frozenset[str] = frozenset()
    #: Sets that such claims may have been of, and that are gone.
    away: frozenset[str] = frozenset()


def doubtful(
    estate: ClaimInventory,
    now: datetime,
    *,
    every_class: bool = False,
    only: frozenset[str] | None = None,
    among: frozenset[tuple[str, str]] | None = None,
) -> dict[str, Searched]:
    """By namespace, the claims whose class a custom resource may still change, once all else was read: candidates, also such as
    are unsure for another reason. ``every_class``: all but those that are wanted already. ``only``: of these names.
    ``among``: these (``Needs.claims``), which spares judging the others again."""
    index = Index(estate, searched=True)
    found: dict[str, list[PersistentVolumeClaim]] = {}
    for claim in estate.claims:
        if claim.namespace not in estate.users or (only is not None and claim.name not in only):
            continue  # not needed (``needs``), or not asked about
        if among is not None and (claim.namespace, claim.name) not in among:
            continue
        if _Case(index, claim, now).may_go() or (every_class and _Case(index, claim, now).verdict().klass not in _WANTED):
            found.setdefault(claim.namespace, []).append(claim)
    return {
        namespace: Searched(
            frozenset(claim.name for claim in claims),
            {claim.name: frozenset(claim.metadata.labels.values()) | origins.parts_of_sets(_stem(claim)) for claim in claims},
            frozenset(name for claim in claims for name in _gone(index, claim)),
            frozenset(name for claim in claims for name in _away(index, claim)),
        )
        for namespace, claims in found.items()
    }


def _gone(index: Index, claim: PersistentVolumeClaim) -> Iterator[str]:
    if unused_condition(claim) is None:
        yield from doubts.with_pods(claim, _stem(claim), _away(index, claim))


def _away(index: Index, claim: PersistentVolumeClaim) -> tuple[str, ...]:
    """A live set whose name ends the claim's does not mean that it is of that one: ``data-my-db-0`` beside ``db``."""
    stem = _stem(claim)
    return index.away(claim.namespace, stem) if stem else ()


def _stem(claim: PersistentVolumeClaim) -> str:
    parts = origins.split(claim.name)
    return parts[0] if parts is not None else ""


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
        self.groups = index.groups.of(claim.namespace, *parts) if parts else ()
        self.explained: LiveSet | LiveGroups | None = self.exact[0] if len(self.exact) == 1 else None

    @property
    def _questions(self) -> tuple[Callable[[], Class | None], ...]:
        """In the order of caution: the first that has an answer decides. None of the answers is a candidate."""
        return (
            self._in_use,
            self._wanted_by_sets,
            self._wanted_by_makers,
            self._named,
            self._owned,
            self._terminating,
            self._kept,
            self._lost,
        )

    @property
    def _is_undecoded(self) -> bool:
        return bool(self.claim.unreadable or (self._volume is not None and self._volume.unreadable))

    def may_go(self) -> bool:
        """``verdict().may_go``, found out with the first answer that says no."""
        if self._is_undecoded or any(question() is not None for question in self._questions):
            return False
        return self._origin() in CANDIDATES

    def verdict(self) -> ClaimVerdict:
        if self._is_undecoded:
            return self._undecoded()
        answers = [question() for question in self._questions]  # all of them: the evidence is for reading, too
        self._volume_terminating()
        klass = next((answer for answer in answers if answer is not None), None)
        would_be = None
        if klass is None:
            klass = self._origin()
            not_read = self._not_read(klass)
            self.evidence += [Evidence(EvidenceKind.NOT_READ, name) for name in not_read]
            near = self.index.unreadable.get(self.claim.namespace, ())
            self.evidence += [Evidence(EvidenceKind.UNREADABLE, f"{each.resource}/{each.name}") for each in near]
            if not_read or near:
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
            set=live.name if live else "",
            template=self._template(live) if live else "",
            stem=self.stem,
            ordinal=self.ordinal,
            size=size_of(self.claim, volume),
            unused_since=self._unused_since(klass if would_be is None else would_be),
        )

    def _undecoded(self) -> ClaimVerdict:
        """The verdict on a claim of which, or of whose volume, nothing could be decoded but the name: UNSURE."""
        volume = self._volume
        if self.claim.unreadable:
            subject = f"persistentvolumeclaims/{self.claim.name}"
        else:
            subject = f"{VOLUMES_RESOURCE}/{self.claim.spec.volume_name}"
        return ClaimVerdict(
            claim=self.claim,
            klass=Class.UNSURE,
            evidence=(Evidence(EvidenceKind.UNREADABLE, subject),),
            fate=Fate.UNKNOWN,
            volume=None if volume is not None and volume.unreadable else volume,
            stem=self.stem,
            ordinal=self.ordinal,
        )

    def _template(self, live: LiveSet | LiveGroups) -> str:
        group = next((group for group in self.groups if group.live is live), None) if self.groups else None
        return group.template if group else self.stem[: -len(live.name) - 1]

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
        found: list[tuple[LiveSet | LiveGroups, Evidence]]
        found = [(live, live.claims_of(self.ordinal)) for live in self.exact]
        found += [(group.live, group.evidence()) for group in self.groups]
        for ending in self.rest:
            # Nothing is said of the claims of a set at rest, those of templates that it lost included.
            if ending.at_zero and origins.labels_fit(self.claim, ending.object) is not False:
                found.append((ending, Evidence(EvidenceKind.SET_AT_ZERO, ending.subject)))
        self.evidence += [item for _, item in found]
        for kinds, klass in ((_IN_RANGE, Class.IN_RANGE), (_RETURNING, Class.WILL_RETURN)):
            for live, item in found:
                if item.kind in kinds:
                    self.explained = live
                    return klass
        return None

    def _wanted_by_makers(self) -> Class | None:
        """A set that is gone may have been one of those that come and go with the size of a custom resource, as the shards of a
        Prometheus do: then an autoscaler of that resource brings its claims back."""
        if self.ordinal is None or self.exact or self.groups:
            return None
        answer = None
        for scaled in self.index.scalers.of_custom(self.claim.namespace):
            if mentions(self.claim, self.stem, scaled.name):
                self._say(EvidenceKind.MAKER_AUTOSCALED, f"{scaled.kind}/{scaled.name}", scaled.ceiling.source)
                answer = Class.WILL_RETURN
        return answer

    def _named(self) -> Class | None:
        named = self.wanted.named(self.claim.name)
        if named is not None:
            self.evidence.append(named)
            return Class.USED_BY_TEMPLATE
        clone = self.index.clones.get((self.claim.namespace, self.claim.name))
        if clone is not None:
            self._say(EvidenceKind.CLONE_SOURCE, f"PersistentVolumeClaim/{clone}")
            return Class.USED_BY_TEMPLATE
        resource = self.index.custom(self.claim.namespace).named.get(self.claim.name)
        if resource is not None:
            self._say(EvidenceKind.NAMED_BY_RESOURCE, resource)
            return Class.USED_BY_TEMPLATE
        if not self.wanted.not_read and not self._custom_not_read:
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
        self._say(EvidenceKind.TERMINATING, detail=", ".join(self.claim.metadata.finalizers_of_others))
        return Class.TERMINATING

    def _volume_terminating(self) -> None:
        """Whatever its policy, it goes with its claim (StorageObjectInUseProtection): no deletion of the claim keeps the data."""
        volume = self._volume
        if volume is not None and volume.metadata.deletion_timestamp is not None:
            self._say(EvidenceKind.VOLUME_TERMINATING, volume.name)

    def _kept(self) -> Class | None:
        note = self.claim.metadata.annotations.get(KEEP_ANNOTATION)
        if note is None:
            return None
        self._say(EvidenceKind.KEPT, detail=note)
        return Class.KEPT

    def _lost(self) -> Class | None:
        """LOST where the claim has no volume that is bound to it; asked before its origin: without a volume nothing can be
        freed, and a volume that another claim holds is not this one's."""
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
        """The class of a claim that nobody wants: one of the candidates, or AMBIGUOUS where anything leaves a doubt."""
        made = origins.creator(self.claim)
        self.evidence.append(made)
        if self.ordinal is None:
            self._say(EvidenceKind.NO_ORDINAL)
            return Class.AMBIGUOUS
        self._look_at_siblings()
        klass = self._explain()
        found = [*doubts.about(self.claim), *self._doubts(klass)]
        self.evidence += [*found, *doubts.keepers(self.claim)]
        if found or made.kind is not EvidenceKind.CREATED_BY_SET_CONTROLLER:
            return Class.AMBIGUOUS
        if klass is Class.SET_GONE:
            self.evidence += doubts.companions(self.claim, self.stem, self.index.estate.companions)
        told = self.index.estate.told.get(self.claim.namespace, {})
        since = self._unused_since(klass) if klass is Class.SET_GONE else None
        if klass in _GONE and doubts.fresh(self.claim, self.stem, since, told, self.now):
            self._say(EvidenceKind.FRESH)
        self.evidence += doubts.lately(self.claim, self._live, self._unused_since(klass), klass, self.now)
        return klass

    @property
    def _live(self) -> Iterator[LiveSet | LiveGroups]:
        """All that live and may be its own by the name alone, whatever their labels: a set that is made again may get others."""
        yield from self.index.suffix_sets(self.claim.namespace, self.stem)
        yield from (group.live for group in self.groups)

    def _doubts(self, klass: Class) -> list[Evidence]:
        """Who may make another set of the name again, or the same, and what else the claim may be."""
        if klass is Class.AMBIGUOUS:
            return []
        found = list(self.index.returning(self.claim.namespace, self.stem))
        if klass is not Class.SCALED_DOWN:
            maybe = doubts.ephemeral(self.claim.name)
            found += [maybe] if maybe else []
            found += self._makers()
            found += self._awaited()
            found += self._listed()
        if klass is Class.SET_GONE:
            owner = self.index.sibling_owner(self.claim, self.stem)
            found += [Evidence(EvidenceKind.SIBLING_OWNED, owner)] if owner else []
        return found

    def _makers(self) -> Iterator[Evidence]:
        """Custom resources that live and that a label of the claim names, or its own name; or that control another set, whatever
        they are; apart from the one that controls its live set."""
        namespace = self.claim.namespace
        controller = self.explained.object.metadata.controller() if self.explained else None
        own = (controller.kind, controller.name) if controller else None
        living = self.index.custom(namespace).living
        for key, value in self.claim.metadata.labels.items():
            group = self.index.groups.named(namespace, value) if key == NAME_LABEL else None
            maker = group.subject if group else living.get(value)
            if maker and (own is None or maker != "/".join(own)):
                yield Evidence(EvidenceKind.OWNER_LIVES, maker, f"label {key}={value}")
        labelled = frozenset(self.claim.metadata.labels.values())
        for name in sorted((living.keys() & origins.parts_of_sets(self.stem)) - labelled) if living else ():
            if own is None or living[name] != "/".join(own):
                yield Evidence(EvidenceKind.OWNER_LIVES, living[name], "its name")
        for kind, name in sorted(self.index.makers.get(namespace, ())):
            told = mentions(self.claim, self.stem, name)
            if told and name not in living and own != (kind, name):
                yield Evidence(EvidenceKind.OWNER_LIVES, f"{kind}/{name}", told)

    def _listed(self) -> Iterator[Evidence]:
        """Deployers that have the set on their lists of what they apply, or a custom resource that may make it: whoever deletes
        it behind their backs, with syncing off or suspended, gets it back with the next sync."""
        listed = self.index.listed(self.claim.namespace)
        names = self.index.away(self.claim.namespace, self.stem)
        if not names:
            return
        living = self.index.custom(self.claim.namespace).living
        for what, who in sorted(listed.items()):
            kind, _, name = what.partition("/")
            told = name in names if kind == "StatefulSet" else mentions(self.claim, self.stem, name) and name not in living
            if told:
                yield Evidence(EvidenceKind.LISTED, who, what)

    def _awaited(self) -> Iterator[Evidence]:
        """Autoscalers of a set that is gone: whoever deletes a set to make it again leaves them. How many replicas it will have
        nobody knows, nor where its ordinals begin."""
        for _, name in origins.explanations(self.stem):
            if (self.claim.namespace, name) not in self.index.by_name:
                for ceiling in self.index.scalers.named(self.claim.namespace, name):
                    yield Evidence(EvidenceKind.AUTOSCALER_WAITS, ceiling.source, name)

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
        if self.groups:
            return self._of_groups(self.groups, possible)
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

    def _of_groups(self, groups: tuple[Membership, ...], possible: list[LiveSet]) -> Class:
        """The class of a claim beyond the range of a LeaderWorkerSet; whatever leaves a doubt that it is of that one makes it
        ambiguous."""
        group = groups[0]
        self.explained = group.live
        others = [*(each.live.subject for each in groups), *(live.subject for live in possible)]
        if len(others) > 1:
            for subject in others:
                self._say(EvidenceKind.SEVERAL_SETS, subject)
            return Class.AMBIGUOUS
        fits = group.fits(self.claim)
        self._say(EvidenceKind.LABELS_MATCH if fits else EvidenceKind.LABELS_DIFFER, group.live.subject)
        if group.template not in group.live.templates:
            self._say(EvidenceKind.TEMPLATE_NOT_IN_SET, group.live.subject, group.template)
            return Class.AMBIGUOUS
        return Class.SCALED_DOWN if fits else Class.AMBIGUOUS

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
        custom = () if klass is Class.AMBIGUOUS else self._custom_not_read
        away = klass in _GONE and self.index.away(self.claim.namespace, self.stem)
        lists = self.index.lists_not_read if away else ()
        custom = tuple(dict.fromkeys((*custom, *lists)))
        return (*self.index.not_read, *self.wanted.not_read, *custom, *(() if unbound else (VOLUMES_RESOURCE,)))

    @property
    def _custom_not_read(self) -> tuple[str, ...]:
        return self.index.custom_not_read(self.claim.namespace, self.claim.name)

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
