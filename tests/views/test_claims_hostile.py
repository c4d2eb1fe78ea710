"""Whatever is written into a claim, its volume or what wants it: no view of claims lets a control character out, or breaks a line."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from kubectl_pets.domain.changes import (
    ClearClaimRef,
    CreateClaim,
    DeleteClaim,
    DestroyVolume,
    ReserveVolume,
    SetRetain,
    TakeSnapshot,
)
from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans.adopting import Adoption, AdoptPlan, AdoptRefused, AdoptRefusedReason
from kubectl_pets.domain.orphans.deletion import (
    Deletion,
    DeletionOptions,
    DeletionPlan,
    DeletionRefused,
    DeletionRefusedReason,
)
from kubectl_pets.domain.orphans.findings import ClaimVerdict, Evidence, EvidenceKind, Fate
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.purging import Purge, PurgePlan, PurgeRefused, PurgeRefusedReason
from kubectl_pets.domain.orphans.restoring import (
    AwaitBound,
    RestorePlan,
    RestorePolicy,
    RestoreRefused,
    RestoreRefusedReason,
)
from kubectl_pets.domain.orphans.snapshots import NoSnapshot
from kubectl_pets.domain.orphans.storage import StorageObjection
from kubectl_pets.domain.sets.kinds import SetKind
from kubectl_pets.views.orphans import adopt as adopt_view
from kubectl_pets.views.orphans import documents as claim_documents
from kubectl_pets.views.orphans import plan as claim_plans
from kubectl_pets.views.orphans import progress
from kubectl_pets.views.orphans import purge as purge_view
from kubectl_pets.views.orphans import table as claims
from kubectl_pets.views.orphans import words as claim_words
from tests.domain.orphans.builders import NOW
from tests.views.claim_scenes import SCENES
from tests.views.test_hostile import ENCODABLE, HOSTILE


def _poisoned(value: Any, text: str) -> Any:
    """The value with the text in every string that is not one of our own enums or kinds of sets."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return value + text
    if isinstance(value, tuple):
        return tuple(_poisoned(item, text) for item in value)
    if isinstance(value, dict):
        return {_poisoned(key, text): _poisoned(item, text) for key, item in value.items()}
    if isinstance(value, Struct) and not isinstance(value, SetKind):
        return replace(value, **{field: _poisoned(getattr(value, field), text) for field in value.__struct_fields__})
    return value


def _verdict(scene: str, text: str) -> ClaimVerdict:
    seen: ClaimVerdict = _poisoned(SCENES[scene](), text)
    return replace(seen, evidence=(*seen.evidence, *(Evidence(kind, text, text) for kind in EvidenceKind)))


def _plan(seen: ClaimVerdict, text: str) -> DeletionPlan:
    steps = (
        TakeSnapshot(namespace=text, claim=text, uid=text, name=text, snapshot_class=text),
        SetRetain(volume=text, uid=text, resource_version=text, before=text, annotations={text: text}),
        DeleteClaim(namespace=text, name=text, uid=text, resource_version=text),
    )
    return DeletionPlan(
        deletions=tuple(Deletion(verdict=seen, steps=steps, fate=fate) for fate in Fate),
        refused=tuple(DeletionRefused(verdict=seen, reason=reason, detail=text) for reason in (*DeletionRefusedReason, *NoSnapshot)),
    )


def _purging(volume: PersistentVolume, text: str) -> Iterator[str]:
    step = DestroyVolume(volume=text, uid=text, resource_version=text)
    purges = (Purge(volume=volume, since=NOW, step=step),) * 5 + (Purge(volume=volume, since=NOW, step=None),)
    reasons = (*PurgeRefusedReason, *StorageObjection)
    planned = PurgePlan(purges=purges, refused=tuple(PurgeRefused(volume=volume, reason=why, subject=text) for why in reasons))
    yield purge_view.draw(planned, NOW)
    yield purge_view.agreed(planned, text)
    yield from (purge_view.not_gone(purges[0], said) for said in ("", text))


def _adopting(volume: PersistentVolume, claim: PersistentVolumeClaim, text: str) -> Iterator[str]:
    reserve = ReserveVolume(volume=text, uid=text, resource_version=text, namespace=text, claim=text)
    steps = (CreateClaim(claim=claim), reserve, AwaitBound(namespace=text, name=text, volume=text))
    reasons = (*AdoptRefusedReason, *StorageObjection)
    planned = AdoptPlan(
        adoptions=(Adoption(volume=volume, claim=claim, steps=steps),),
        refused=tuple(AdoptRefused(volume=text, reason=why, subject=text) for why in reasons),
    )
    yield adopt_view.draw(planned)
    yield adopt_view.agreed(planned, text, text)


def _screens(seen: ClaimVerdict, text: str) -> Iterator[str]:
    """Everything that can be drawn of the claim, and of plans about it."""
    every_fate = [replace(seen, fate=fate) for fate in Fate]
    yield claims.table(every_fate, NOW, wide=True, all_namespaces=True)
    yield claims.total(every_fate, unread=(text,))
    yield from (claims.explain(each, NOW) for each in every_fate)
    planned = _plan(seen, text)
    yield claim_plans.draw(planned)
    yield claim_plans.agreed(planned, DeletionOptions(snapshot=True, snapshot_class=text), text)
    yield from map(claim_words.refused, planned.refused)
    for reason in RestoreRefusedReason:
        yield claim_words.restore_refused(RestoreRefused(reason=reason, subject=text), text)
        yield claim_words.restore_refused(RestoreRefused(reason=reason, subject=text), text, text)
    yield claim_plans.waiting(text, text)
    yield claim_plans.ended(planned.deletions, (seen,), seen, interrupted=True)
    yield progress.line(1, 2, 3, 4, claim_words.title(seen), 120)
    restoring = (
        CreateClaim(claim=seen.claim),
        ClearClaimRef(volume=text, uid=text, resource_version=text, old_claim_uid=text),
        AwaitBound(namespace=text, name=text, volume=text),
        RestorePolicy(volume=text, uid=text, policy=text),
    )
    yield claim_plans.restore(RestorePlan(steps=restoring))
    yield claim_plans.step(DestroyVolume(volume=text, uid=text, resource_version=text))
    yield from _adopting(seen.volume or PersistentVolume(), seen.claim, text)
    yield from _purging(seen.volume or PersistentVolume(), text)
    yield claim_documents.many(every_fate, "name")
    yield claim_documents.plan(planned, "name")


def _explained(seen: ClaimVerdict) -> Iterator[tuple[str, str]]:
    """Whole, and in a narrow terminal, where a sentence goes on below itself."""
    for each in (replace(seen, fate=fate) for fate in Fate):
        yield claims.explain(each, NOW), claims.explain(each, NOW, width=50)


#: A branch or an end of a tree.
_BRANCH = re.compile("(│ {2}| {3})?[├└]─ ")


@settings(deadline=None)
@given(st.sampled_from(sorted(SCENES)), HOSTILE)
def test_no_control_character_comes_out_and_no_line_is_broken(scene: str, text: str) -> None:
    screens = _screens(_verdict(scene, text), text)
    # With its dots: what has a group behind one is a custom resource, of which more is told.
    usual_text = "".join("." if each == "." else "é" for each in text) or "é"
    harmless = _screens(_verdict(scene, usual_text), usual_text)
    for screen, usual in zip(screens, harmless, strict=True):
        assert not [character for character in screen if not (character.isprintable() or character == "\n")], screen
        assert screen.count("\n") == usual.count("\n"), screen
    for whole, narrow in _explained(_verdict(scene, text)):
        assert not [character for character in narrow if not (character.isprintable() or character == "\n")], narrow
        ends = [line for line in narrow.split("\n") if _BRANCH.match(line)]
        assert len(ends) == len([line for line in whole.split("\n") if _BRANCH.match(line)]), narrow


@pytest.mark.timeout(900)  # each document is held against its schema, a minute's work on an idle core
@settings(deadline=None)
@given(st.sampled_from(sorted(SCENES)), ENCODABLE)
def test_no_control_character_comes_out_of_a_document(scene: str, text: str) -> None:
    """Nothing is taken away there, so it has to be escaped."""
    seen = _verdict(scene, text)
    for output in ("json", "yaml"):
        for document in (claim_documents.many([seen], output), claim_documents.plan(_plan(seen, text), output)):
            assert document.replace("\n", "").isprintable()
