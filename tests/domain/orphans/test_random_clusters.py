"""No claim that anybody will want again is ever a candidate, in a hundred thousand random clusters; and the test would notice.

Whether it would is shown by judges with the mistakes that such tools typically make: each of them is convicted in a fraction of the
clusters.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec
import pytest

from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans import claim_users as workloads
from kubectl_pets.domain.orphans import doubts, findings, groups
from kubectl_pets.domain.orphans import judging as orphans
from kubectl_pets.domain.orphans import origins, reach, searching
from kubectl_pets.domain.orphans.deletion import Deletion, DeletionOptions, deletion
from kubectl_pets.domain.orphans.findings import CANDIDATES, ClaimVerdict, Class, Evidence, EvidenceKind
from kubectl_pets.domain.orphans.inventory import LISTS, WORKLOADS, ClaimInventory, CustomUse, Deployed, Workloads
from kubectl_pets.domain.orphans.judging import Searched, doubtful, judge, needs
from kubectl_pets.domain.sets.reserved import Reserved
from tests.domain.examples import times
from tests.domain.orphans.builders import NOW
from tests.domain.orphans.world import RESTORER, Name, World

CLUSTERS, PARTS = 100_000, 10
KINDS = tuple(row.plural for row in WORKLOADS)


def candidates(estate: ClaimInventory) -> set[Name]:
    return {(verdict.namespace, verdict.name) for verdict in judge(estate, NOW) if verdict.candidate}


def fresh(estate: ClaimInventory) -> set[Name]:
    return {(verdict.namespace, verdict.name) for verdict in judge(estate, NOW) if verdict.candidate and verdict.fresh}


def mistakes(world: World, verdicts: Iterable[ClaimVerdict]) -> set[Name]:
    """Candidates that are not: what may be used again, and what was never a set's; and what may be deleted without a word more
    although its set went, or was made from another manifest, minutes ago and comes back as it was."""
    candidates = [verdict for verdict in verdicts if verdict.klass in CANDIDATES]
    goes = [verdict for verdict in candidates if isinstance(deletion(verdict, DeletionOptions(), NOW), Deletion)]
    found = {(verdict.namespace, verdict.name) for verdict in candidates} & (world.wanted() | world.untouchable())
    return found | {(verdict.namespace, verdict.name) for verdict in goes} & world.away


def wrong(world: World) -> set[Name]:
    return mistakes(world, judge(world.estate(), NOW))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_claim_that_is_or_will_be_wanted_is_a_candidate(part: int) -> None:
    found: Counter[Class] = Counter()
    restored = 0
    for number in range(CLUSTERS // PARTS):
        world = World.grown(f"{part}/{number}")
        verdicts = judge(world.estate(), NOW)
        assert len(verdicts) == len(world.claims)
        suspects = {(verdict.namespace, verdict.name) for verdict in verdicts if verdict.klass in CANDIDATES}
        made = mistakes(world, verdicts)
        assert not made, f"World.grown('{part}/{number}'): {made}"
        found.update(verdict.klass for verdict in verdicts)
        restored += any(world.claims[name].maker == RESTORER for name in suspects)
    # A judge who finds nothing makes no mistakes either; and a world without a class tests nothing about it.
    assert set(found) == set(Class)
    assert all(found[klass] > CLUSTERS // PARTS // 5 for klass in found), found
    assert restored > 100  # what came back may go again


# --- mistakes that have to be noticed ----------------------------------------------------------------------------------------


def _by_prefix(patch: pytest.MonkeyPatch) -> None:
    """The first set with such a template, if its name follows: "data-web-1-0" is taken for the claim of web."""
    plain = searching.Index.__init__

    class Prefixes(dict[tuple[str, str], list[reach.LiveSet]]):
        def get(self, key: tuple[str, str], default: Any = None) -> Any:
            for (namespace, stem), sets in self.items():
                if namespace == key[0] and key[1].startswith(stem):
                    return sets[:1]
            return default

    def prefixed(self: searching.Index, estate: ClaimInventory) -> None:
        plain(self, estate)
        self.by_stem = Prefixes(self.by_stem)

    patch.setattr(searching.Index, "__init__", prefixed)
    patch.setattr(searching.Index, "suffix_sets", lambda *_: [])


def _by_name_alone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(origins, "creator", lambda claim: Evidence(EvidenceKind.CREATED_BY_SET_CONTROLLER))


def _by_note(patch: pytest.MonkeyPatch) -> None:
    """Whoever made the claim: what is noted on it is believed."""
    plain = origins.creator

    def believing(claim: PersistentVolumeClaim) -> Evidence:
        noted = claim.metadata.annotations.get(origins.CREATOR_ANNOTATION)
        return Evidence(EvidenceKind.CREATED_BY_SET_CONTROLLER, noted) if noted else plain(claim)

    patch.setattr(origins, "creator", believing)


def _setting(target: object, name: str, value: object) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(target, name, value)


def _setting_custom(**found: Any) -> Callable[[pytest.MonkeyPatch], None]:
    """Custom resources were read, and this is all that was found."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        plain = searching.Index.custom
        patch.setattr(
            searching.Index, "custom", lambda self, namespace: msgspec.structs.replace(plain(self, namespace), **found)
        )

    return apply


def _read(change: Callable[[ClaimInventory], dict[str, Any]]) -> Callable[[pytest.MonkeyPatch], None]:
    """The inventory is taken for another one."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        plain = searching.Index.__init__

        def changed(self: searching.Index, estate: ClaimInventory) -> None:
            plain(self, msgspec.structs.replace(estate, **change(estate)))

        patch.setattr(searching.Index, "__init__", changed)

    return apply


def _without_scalers(estate: ClaimInventory) -> dict[str, Any]:
    return {"custom": {space: msgspec.structs.replace(use, scalers=()) for space, use in estate.custom.items()}}


def _taken_for_decoded(patch: pytest.MonkeyPatch) -> None:
    plain = orphans._Case.__init__

    def decoded(self: orphans._Case, index: searching.Index, claim: PersistentVolumeClaim, now: datetime) -> None:
        plain(self, index, msgspec.structs.replace(claim, unreadable=""), now)

    patch.setattr(orphans._Case, "__init__", decoded)


def _emptying(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """A table of the index is empty."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        plain = searching.Index.__init__

        def emptied(self: searching.Index, estate: ClaimInventory) -> None:
            plain(self, estate)
            setattr(self, name, {})

        patch.setattr(searching.Index, "__init__", emptied)

    return apply


def _unread(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """The list is taken for empty."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        plain = searching.Index.__init__

        def emptied(self: searching.Index, estate: ClaimInventory) -> None:
            if name in KINDS:
                users = {key: Workloads(item.read | {name: ()}) for key, item in estate.users.items()}
                estate = msgspec.structs.replace(estate, users=users)
            else:
                estate = msgspec.structs.replace(estate, **{name: ()})
            plain(self, estate)

        patch.setattr(searching.Index, "__init__", emptied)

    return apply


MISTAKES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "names are matched by prefix": _by_prefix,
    "names are enough": _by_name_alone,
    "notes are enough": _by_note,
    "what was restored was a set's": _setting(origins, "SET_CONTROLLERS", origins.SET_CONTROLLERS | {origins.RESTORER}),
    "a set at 0 is taken for small": _setting(reach.LiveSet, "at_zero", False),
    "ordinals start at 0": _setting(reach.LiveSet, "start", 0),
    "holes are not counted": _setting(reach, "reserved_ordinals", lambda item: Reserved()),
    "the range is one too short": _setting(
        reach.LiveSet, "covers", lambda self, ordinal, replicas: self.start <= ordinal < self.start + replicas - 1
    ),
    "what autoscalers may do is ignored": _setting(reach.Scalers, "of", lambda self, item: ()),
    "notes of the size before are ignored": _setting(reach, "remembered", lambda item: ()),
    "custom resources name nothing": _setting_custom(named={}),
    "who makes sets is ignored": _setting_custom(living={}),
    "what is scaled above sets is ignored": _setting(reach.Scalers, "of_custom", lambda self, namespace: []),
    "what is left of a set means nothing": _setting(searching.Index, "returning", lambda self, namespace, stem: ()),
    "rollouts make no more groups": _setting(groups.LiveGroups, "_with_surge", lambda self, groups: groups),
    "workers are their set's alone": _setting(groups.Groups, "of", lambda self, namespace, stem, ordinal: ()),
    "claims say nothing of themselves": _setting(doubts, "about", lambda claim: ()),
    "whoever applied a claim is ignored": _setting(doubts, "_TRACKERS", {}),
    "our own mark is ignored": _setting(doubts, "RECREATING_ANNOTATION", "other"),
    "sizes that change are ignored": _setting(doubts, "_resizing", lambda claim: ""),
    "copied fields are believed": _setting(origins, "_older_than_itself", lambda claim: False),
    "ephemeral volumes always have an owner": _setting(doubts, "ephemeral", lambda name: None),
    "a set that went a moment ago is gone": _setting(doubts, "fresh", lambda claim, stem, since, told, now: False),
    "a set that was made a moment ago is as it was": _setting(orphans._Case, "_live", ()),
    "what was brought back a moment ago may go again": _setting(findings, "_LATELY", findings._LATELY - {EvidenceKind.BROUGHT_BACK}),
    "finalizers of others are ignored": _setting(doubts, "_guards", lambda claim: ()),
    "events tell nothing of a set that is gone": _setting(doubts, "named", lambda claim, stem: iter(())),
    "autoscalers of sets that are gone are ignored": _setting(orphans._Case, "_awaited", lambda self: ()),
    "autoscalers of a set's owner are ignored": _setting(
        reach.Scalers, "of", lambda self, item: tuple(self.named(item.namespace, item.name))
    ),
    "autoscalers of other kinds are ignored": _read(_without_scalers),
    "a sibling's owner is ignored": _setting(searching.Index, "sibling_owner", lambda self, claim, stem: ""),
    "a sibling of another template is none": _emptying("_set_owners"),
    "copies under way are ignored": _emptying("clones"),
    "copies to come are ignored": _setting(workloads.MountedBy, "_add_sources", lambda self, templates, subject: None),
    "objects that cannot be decoded are ignored": _emptying("unreadable"),
    "claims that cannot be decoded are judged": _taken_for_decoded,
    "kinds that may not be read are ignored": _setting(searching.Index, "custom_not_read", lambda self, space, claim: ()),
    "backups are not told apart": _setting(origins, "_BACKUP_LABELS", ()),
    "only pods count": _setting(workloads.MountedBy, "named", lambda self, claim: None),
    "pods do not count": _setting(workloads.MountedBy, "mounted", lambda self, claim: None),
    "owners are ignored": _setting(orphans._Case, "_owned", lambda self: None),
    "what was kept is ignored": _setting(orphans._Case, "_kept", lambda self: None),
    "what goes already is ignored": _setting(orphans._Case, "_terminating", lambda self: None),
    "what is lost is ignored": _setting(orphans._Case, "_lost", lambda self: None),
    **{
        f"no {name} were looked for": _unread(name)
        for name in (*(row.field for row in LISTS), *KINDS)
    },
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_typical_mistakes_are_noticed(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MISTAKES[mistake](monkeypatch)
    assert any(wrong(World.grown(f"0/{number}")) for number in range(CLUSTERS // PARTS))


# --- what is not read --------------------------------------------------------------------------------------------------------

FIELDS = (*(row.field for row in LISTS), "volumes")


def _without(estate: ClaimInventory, world: World) -> ClaimInventory:
    """Some of it unread: one thing, or several."""
    random = world.random
    for _ in range(random.choice((1, 1, 2, 4))):
        match random.choice(("list", "list", "users", "namespace", "volume", "custom", "kind", "claim")):
            case "custom" if estate.custom:
                gone = random.choice(sorted(estate.custom))
                estate = msgspec.structs.replace(estate, custom={key: use for key, use in estate.custom.items() if key != gone})
            case "kind" | "claim" as what if estate.custom:
                space = random.choice(sorted(estate.custom))
                use = estate.custom[space]
                some = frozenset(name for name in sorted(use.searched) if random.random() < 0.5)
                less: dict[str, Any] = {"not_read": ("virtualmachines.kubevirt.io",)} if what == "kind" else {"searched": some}
                use = msgspec.structs.replace(use, named={}, living={}, **less)
                if what == "claim":  # found are only those that are searched for
                    use = msgspec.structs.replace(estate.custom[space], searched=some)
                estate = msgspec.structs.replace(estate, custom=estate.custom | {space: use})
            case "list":
                estate = msgspec.structs.replace(estate, **{random.choice(FIELDS): None})
            case "users" if estate.users:
                space = random.choice(sorted(estate.users))
                unread = Workloads(estate.users[space].read | {random.choice(KINDS): None})
                estate = msgspec.structs.replace(estate, users=estate.users | {space: unread})
            case "namespace" if estate.users:
                space = random.choice(sorted(estate.users))
                rest = {key: item for key, item in estate.users.items() if key != space}
                estate = msgspec.structs.replace(estate, users=rest)
            case "volume" if estate.volumes:
                name = random.choice(sorted(estate.volumes))
                left = {key: item for key, item in estate.volumes.items() if key != name}
                estate = msgspec.structs.replace(estate, volumes=left)
    return estate


def test_what_is_not_read_makes_no_candidates() -> None:
    """Monotonicity: with less to see there are fewer candidates, and never others."""
    fewer = 0
    for number in range(times(4_000)):
        world = World.grown(f"unread/{number}")
        whole = world.estate()
        partial = _without(whole, world)
        seen, known = candidates(partial), candidates(whole)
        assert seen <= known, f"World.grown('unread/{number}')"
        fewer += seen < known
    assert fewer > times(1_000)


@pytest.mark.parametrize("name", FIELDS)
def test_no_list_can_be_done_without(name: str) -> None:
    """Each one that was not read leaves no candidate at all (volumes: none that has one)."""
    for number in range(times(300)):
        estate = msgspec.structs.replace(World.grown(f"list/{number}").estate(), **{name: None})
        left = [verdict for verdict in judge(estate, NOW) if verdict.candidate]
        assert all(name == "volumes" and not verdict.claim.spec.volume_name for verdict in left)


@pytest.mark.parametrize("name", KINDS)
def test_no_user_can_be_done_without(name: str) -> None:
    for number in range(times(300)):
        estate = World.grown(f"user/{number}").estate()
        users = {space: Workloads(item.read | {name: None}) for space, item in estate.users.items()}
        assert not candidates(msgspec.structs.replace(estate, users=users))


def test_reading_only_what_is_needed_finds_the_same() -> None:
    spared = unsearched = 0
    for number in range(times(4_000)):
        whole = World.grown(f"needs/{number}").estate()
        first = msgspec.structs.replace(whole, users={}, volumes=None, custom={}, deployed=None, told={})
        needed = needs(first, NOW)
        assert not candidates(first)
        assert whole.volumes is not None
        second = msgspec.structs.replace(
            first,
            users={space: whole.users[space] for space in needed.namespaces},
            volumes={name: whole.volumes[name] for name in needed.volumes},
        )
        assert not candidates(second)
        searched_for = doubtful(second, NOW, among=needed.claims)
        assert searched_for == doubtful(second, NOW)
        found = {space: _narrowed(whole.custom[space], searched_for[space].names) for space in searched_for}
        read = msgspec.structs.replace(second, custom=found, deployed=_asked_for(whole, searched_for), told=_told_of(whole, searched_for))
        assert candidates(read) == candidates(whole) and fresh(read) == fresh(whole)
        may_go = [verdict for verdict in judge(read, NOW) if verdict.may_go]
        assert [verdict for verdict in judge(read, NOW, among=needed.claims) if verdict.may_go] == may_go
        unsearched += sum(len(use.searched) for use in whole.custom.values()) - sum(len(use.searched) for use in found.values())
        spared += len(whole.users) - len(needed.namespaces)
    assert spared > times(1_000) and unsearched > times(10_000)


def _asked_for(whole: ClaimInventory, wanted: dict[str, Searched]) -> Deployed:
    assert whole.deployed is not None
    away = {f"StatefulSet/{name}" for each in wanted.values() for name in each.away}
    return Deployed(listed={space: {what: who for what, who in rows.items() if what in away} for space, rows in whole.deployed.listed.items()})


def _told_of(whole: ClaimInventory, wanted: dict[str, Searched]) -> dict[str, dict[str, datetime]]:
    return {space: {name: at for name, at in whole.told[space].items() if name in each.gone} for space, each in wanted.items()}


def _narrowed(use: CustomUse, names: frozenset[str]) -> CustomUse:
    named = {claim: subject for claim, subject in use.named.items() if claim in names}
    return msgspec.structs.replace(use, searched=names, named=named)


def test_what_is_asked_first_says_no_as_the_whole_verdict_does() -> None:
    """To see early that a claim is wanted spares the evidence, and changes no answer; read or unread."""
    answers: Counter[bool] = Counter()
    for number in range(300):
        whole = World.grown(f"early/{number}").estate()
        for estate in (whole, msgspec.structs.replace(whole, users={}, volumes={}), msgspec.structs.replace(whole, custom={})):
            index = searching.Index(estate)
            for claim in estate.claims:
                early = orphans._Case(index, claim, NOW).may_go()
                assert early is orphans._Case(index, claim, NOW).verdict().may_go, f"World.grown('early/{number}'): {claim.name}"
                answers[early] += 1
    assert min(answers[True], answers[False]) > 300


def test_custom_resources_cannot_be_done_without() -> None:
    """A kind that was not read, claims that were not searched for, a namespace that was left out: no candidate is left."""
    for number in range(times(300)):
        whole = World.grown(f"custom/{number}").estate()
        for less in ({"not_read": ("virtualmachines.kubevirt.io",)}, {"searched": frozenset[str]()}):
            custom = {space: msgspec.structs.replace(use, **less) for space, use in whole.custom.items()}
            assert not candidates(msgspec.structs.replace(whole, custom=custom))
        assert not candidates(msgspec.structs.replace(whole, custom={}))


def test_the_order_of_the_lists_does_not_matter() -> None:
    for number in range(times(1_000)):
        world = World.grown(f"order/{number}")
        estate = world.estate()
        shuffled: dict[str, Any] = {
            name: tuple(world.random.sample(items, len(items)))
            for name in ("claims", *FIELDS[:-1])
            if (items := getattr(estate, name)) is not None
        }
        assert candidates(estate) == candidates(msgspec.structs.replace(estate, **shuffled))
