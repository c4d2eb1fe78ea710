"""One StatefulSet before the rules: what belongs to it, each thing looked up once however many rules ask for it.

A rule is a function over a ``Case``. It yields what it finds; a rule that finds nothing is passed, and one that lacks a list
which it needs is skipped, with that list's name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from kubectl_pets.domain.dns.network import EndpointSlice, Service
from kubectl_pets.domain.doctor.estate import Estate, FullSet, Guard, Unread
from kubectl_pets.domain.findings import Finding, Rule, Subject
from kubectl_pets.domain.inventory import snapshots
from kubectl_pets.domain.model import (
    Around,
    Event,
    Inventory,
    LabelSelector,
    NodeReadiness,
    Object,
    PersistentVolumeClaim,
    Pod,
    SetView,
)
from kubectl_pets.domain.orphans.findings import ClaimVerdict
from kubectl_pets.domain.orphans.judging import judge as judge_claims
from kubectl_pets.domain.resize.types import StorageClass
from kubectl_pets.domain.rollout.asking import Questions, questions
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.members import own_pods
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.kinds import SetKind, SetRef, kind_of
from kubectl_pets.domain.sets.slots import slots_of

_Item = TypeVar("_Item", bound=Object)

#: Lists are read one after the other: what is younger than this may be missing in one of them without being missing.
GRACE = timedelta(minutes=2)


class RuleSkipped(msgspec.Struct, frozen=True):
    """A rule that could not be judged: the field of the estate that it lacks."""

    field: str


Judgement = Iterator[Finding | RuleSkipped]


class RuleCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One rule as it is judged. ``needs``: fields of the estate without any of which it is skipped."""

    rule: Rule
    judge: Callable[["Case"], Iterable[Finding | RuleSkipped]]
    needs: tuple[str, ...] = ()
    #: Whether the cluster tells it of this set at all. Where not, it is skipped for whoever names it, and else not spoken of: few
    #: servers tell such a thing, and none of the others lacks a right.
    told: Callable[["Case"], bool]


def _always(case: "Case") -> bool:
    return True


def check(
    rule: Rule, *needs: str, told: Callable[["Case"], bool] = _always
) -> Callable[[Callable[["Case"], Iterable[Finding | RuleSkipped]]], RuleCheck]:
    """Makes a ``RuleCheck`` of a function over a case."""
    return lambda judge: RuleCheck(rule=rule, judge=judge, needs=needs, told=told)


class SetClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim of a position: the template it comes from, and the claim; None: there is none of that name."""

    ordinal: int
    name: str
    template: PersistentVolumeClaim
    claim: PersistentVolumeClaim | None


class Selector(msgspec.Struct, frozen=True):
    """A workload that takes pods by labels."""

    kind: str
    namespace: str
    name: str
    uid: str
    selector: LabelSelector


def _file(found: dict[tuple[str, str, str], list[Selector]], each: Selector) -> None:
    """An empty selector is invalid for a workload (apps/v1), so it says nothing."""
    if each.selector.match_labels:
        key, value = min(each.selector.match_labels.items())
        found.setdefault((each.namespace, key, value), []).append(each)
    elif each.selector.match_expressions:
        found.setdefault((each.namespace, "", ""), []).append(each)


def _ownerless(pods: Mapping[str, Iterable[Pod]]) -> dict[str, list[Pod]]:
    """By namespace, the pods that nobody controls."""
    return {space: [pod for pod in found if pod.metadata.controller() is None] for space, found in pods.items()}


class Ward:
    """All sets of an estate, and the tables that they share."""

    def __init__(self, estate: Estate, now: datetime) -> None:
        self.estate, self.now = estate, now
        inventory = Inventory(
            sets=estate.sets,
            pods=estate.pods,
            revisions=estate.revisions,
            claims=estate.claims,
            server=estate.server,
        )
        self.first_looks = tuple((view, assess(view, now)) for view in snapshots(inventory))
        self.services = by_namespace(estate.services)
        self.slices: dict[tuple[str, str], list[EndpointSlice]] = {}
        for each in estate.slices or ():
            self.slices.setdefault((each.namespace, each.service), []).append(each)
        self.pods = by_namespace(estate.pods)
        self.budgets: dict[tuple[str, str, str], list[Guard]] = {}
        for budget in estate.budgets or ():
            if budget.spec.selector is not None:
                key, value = min(budget.spec.selector.match_labels.items(), default=("", ""))
                self.budgets.setdefault((budget.namespace, key, value), []).append(budget)
        self.quotas = by_namespace(estate.quotas)
        self.claims = {(claim.namespace, claim.name): claim for claim in estate.claims or ()}
        self.ownerless = _ownerless(self.pods)
        self._snapshots = {
            (each.namespace, each.spec.source.persistent_volume_claim_name)
            for each in estate.snapshots or ()
            if each.status.ready_to_use and each.metadata.deletion_timestamp is None
        }
        self.nodes = {node.name: node for node in estate.nodes or ()}
        self.classes = {kind.name: kind for kind in estate.classes or ()}

    def has_snapshot(self, namespace: str, claim: str) -> bool:
        """Whether there is a snapshot of the claim that can be used."""
        return (namespace, claim) in self._snapshots

    def questions(self) -> dict[tuple[str, str], Questions]:
        """By namespace and name what would tell why, of the sets that are not well."""
        found: dict[tuple[str, str], Questions] = {}
        for view, seen in self.first_looks:
            asked = questions(seen)
            if view.set is not None and asked is not None:
                found[view.set.namespace, view.set.name] = asked
        return found

    def learn(self, field: str, found: object | None, unread: Unread) -> None:
        """What was asked for only because of what the first look showed, by its field of the estate; None: it could not be read.
        ``unread``: why, and what a rule that lacks a part of it is skipped for."""
        self.estate = msgspec.structs.replace(self.estate, **{field: found}, unread={**self.estate.unread, field: unread})

    @cached_property
    def alike(self) -> dict[tuple[str, str], tuple[str, str]]:
        """By namespace and name of sets that roll out: the current and the wanted revision, where lists of revisions, which hold
        no more of a template than images and volumes, show no difference between them."""
        found: dict[tuple[str, str], tuple[str, str]] = {}
        for owner, (view, _) in zip(self.estate.sets, self.first_looks, strict=True):
            status = owner.status
            known = {each.name: each.data for each in view.revisions or ()}
            current, wanted = known.get(status.current_revision), known.get(status.update_revision)
            if status.current_revision != status.update_revision and current is not None and current == wanted:
                found[owner.namespace, owner.name] = (status.current_revision, status.update_revision)
        return found

    def cases(self) -> Iterator["Case"]:
        """One a set, in their order."""
        events: dict[tuple[str, str], list[Event]] = {}
        for event in self.estate.events or ():
            events.setdefault((event.namespace, event.involved_object.name), []).append(event)
        for owner, (view, seen) in zip(self.estate.sets, self.first_looks, strict=True):
            yield Case(self, owner, *self._explained(view, seen, events))

    def _explained(
        self, view: SetView, seen: Assessment, events: dict[tuple[str, str], list[Event]]
    ) -> tuple[SetView, Assessment]:
        """With what tells why, where it is not well: what other verbs ask for set by set is in the estate already."""
        asked, owner = questions(seen), view.set
        if asked is None or owner is None:
            return view, seen
        about = (*((asked.set_name,) if asked.set_name else ()), *asked.pods)
        told = [event for name in about for event in events.get((owner.namespace, name), ())]
        names = {pod.name: pod for pod in self.pods.get(owner.namespace, ())}
        around = Around(
            events=None if self.estate.events is None else tuple(told),
            namesakes=None if self.estate.pods is None else tuple(names[name] for name in asked.missing if name in names),
            nodes=None if self.estate.nodes is None else tuple(self._readiness(name) for name in asked.nodes),
        )
        explained = msgspec.structs.replace(view, around=around)
        return explained, assess(explained, self.now)

    def _readiness(self, name: str) -> NodeReadiness:
        node = self.nodes.get(name)
        if node is None:
            return NodeReadiness(name=name, ready="")
        ready = node.ready
        return NodeReadiness(name=name, ready=ready.status if ready is not None else "Unknown", since=node.silent_since)

    @cached_property
    def selecting(self) -> dict[tuple[str, str, str], list[Selector]]:
        """Who takes pods by labels: by namespace and one label that their selector asks for; those that ask for none are under an
        empty one."""
        found: dict[tuple[str, str, str], list[Selector]] = {}
        for owner in self.estate.sets:
            if not owner.unreadable:
                _file(found, Selector("StatefulSet", owner.namespace, owner.name, owner.metadata.uid, owner.spec.selector))
        others = [("Deployment", each) for each in self.estate.deployments or ()]
        others += [("DaemonSet", each) for each in self.estate.daemon_sets or ()]
        for kind, each in others:
            meta = each.metadata
            if each.spec.selector is not None:
                _file(found, Selector(kind, meta.namespace, meta.name, "", each.spec.selector))
        return found

    def selectors_of(self, namespace: str, labels: Mapping[str, str]) -> Iterator[Selector]:
        """Whoever takes pods with these labels."""
        for key, value in (*labels.items(), ("", "")):
            for each in self.selecting.get((namespace, key, value), ()):
                if each.selector.matches(labels):
                    yield each

    def budgets_over(self, namespace: str, labels: Mapping[str, str]) -> Iterator[Guard]:
        """Those that cover a pod with these labels; an empty selector covers all of the namespace (policy/v1)."""
        for key, value in (*labels.items(), ("", "")):
            yield from (each for each in self.budgets.get((namespace, key, value), ()) if each.covers(labels))

    @cached_property
    def claim_verdicts(self) -> tuple[ClaimVerdict, ...]:
        """As ``orphans`` has them."""
        inventory = self.estate.inventory
        return () if inventory is None else judge_claims(inventory, self.now)

    @cached_property
    def claim_verdicts_by_set(self) -> dict[tuple[str, str], list[ClaimVerdict]]:
        """By the set that a claim is certainly of; under an empty name those of none."""
        found: dict[tuple[str, str], list[ClaimVerdict]] = {}
        for verdict in self.claim_verdicts:
            found.setdefault((verdict.namespace, verdict.set), []).append(verdict)
        return found

    @cached_property
    def default_classes(self) -> tuple[str, ...]:
        return tuple(sorted(name for name, each in self.classes.items() if each.default))


class Case:
    """One set. ``view`` and ``seen``: as ``status`` has them."""

    def __init__(self, ward: Ward, owner: FullSet, view: SetView, seen: Assessment) -> None:
        self.ward, self.estate, self.now = ward, ward.estate, ward.now
        self.owner, self.view, self.seen = owner, view, seen

    @cached_property
    def pods(self) -> dict[int, Pod]:
        """By ordinal, those that the set controls."""
        return own_pods(self.owner, self.view.pods)

    @property
    def subject(self) -> Subject:
        return Subject(kind="StatefulSet", namespace=self.owner.namespace, name=self.owner.name)

    @property
    def kind(self) -> SetKind:
        return kind_of(self.owner)

    @property
    def stated(self) -> dict[str, Any] | None:
        """The manifest that it comes of, as it is written; None: it comes of none."""
        return self.estate.stated.get((self.kind.group.value, self.owner.namespace, self.owner.name))

    @property
    def ref(self) -> SetRef:
        return SetRef(kind=self.kind, namespace=self.owner.namespace, name=self.owner.name)

    def about(self, kind: str, name: str) -> Subject:
        return Subject(kind=kind, namespace=self.owner.namespace, name=name)

    def pod(self, name: str) -> Subject:
        return self.about("Pod", name)

    def claim(self, name: str) -> Subject:
        return self.about("PersistentVolumeClaim", name)

    @cached_property
    def service(self) -> Service | None:
        """The governing one; None: there is none, or Services could not be read."""
        name = self.owner.spec.service_name
        return next((each for each in self.ward.services.get(self.owner.namespace, ()) if name and each.name == name), None)

    @cached_property
    def budgets(self) -> tuple[Guard, ...]:
        """Over any pod of the set, or over its template."""
        labels = [self.owner.spec.template.metadata.labels, *(pod.metadata.labels for pod in self.pods.values())]
        found = {each.name: each for own in labels for each in self.ward.budgets_over(self.owner.namespace, own)}
        return tuple(found.values())

    @cached_property
    def set_claims(self) -> tuple[SetClaim, ...]:
        """Of every position that the set is to have a pod for, as far as these are few enough to be told one by one, and of every
        pod that it has."""
        slots = slots_of(self.owner, self.pods)
        ordinals = {*(ordinal for ordinal in self.pods if ordinal in slots)}
        for gap in slots.gaps(self.pods):
            ordinals.update((gap.first, gap.last))
        return tuple(
            SetClaim(
                ordinal=ordinal,
                name=name,
                template=template,
                claim=self.ward.claims.get((self.owner.namespace, name)),
            )
            for ordinal in sorted(ordinals)
            for template in self.owner.spec.volume_claim_templates
            for name in (f"{template.name}-{slots.name(ordinal)}",)
        )

    def class_named(self, name: str | None) -> StorageClass | None:
        return self.ward.classes.get(name or "")

    def young(self, since: datetime | None, grace: timedelta = GRACE) -> bool:
        """Not for so long yet, or nothing tells for how long."""
        return since is None or self.now - since < grace


def by_namespace(found: Iterable[_Item] | None) -> dict[str, list[_Item]]:
    """Those that could be decoded."""
    table: dict[str, list[_Item]] = {}
    for each in found or ():
        if not each.unreadable:
            table.setdefault(each.namespace, []).append(each)
    return table


def once(found: Iterable[Finding]) -> Iterator[Finding]:
    """Without what was said already."""
    told: set[tuple[object, ...]] = set()
    for each in found:
        key = (each.rule, each.subject, each.names, each.detail, each.field)
        if key not in told:
            told.add(key)
            yield each
