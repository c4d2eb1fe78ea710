"""An object that could not be decoded makes the claims near it unsure, by name, and no others."""

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import ObjectMeta
from kubectl_pets.domain.orphans.findings import Class, EvidenceKind, Fate
from kubectl_pets.domain.orphans.inventory import ClaimInventory, PersistentVolume, Unreadable
from kubectl_pets.domain.orphans.judging import judge
from kubectl_pets.views.orphans import words
from tests.domain.orphans.builders import NOW, claim, estate, stateful_set

BEYOND = claim("data-web-9")


def whole(**changes: object) -> ClaimInventory:
    return replace(estate(BEYOND, sets=(stateful_set("web", replicas=3),)), **changes)


def test_without_any_it_is_a_candidate() -> None:
    (verdict,) = judge(whole(), NOW)
    assert verdict.klass is Class.SCALED_DOWN


@pytest.mark.parametrize("resource", ["pods", "statefulsets", "cronjobs"])
def test_near_it_is_unsure_and_says_because_of_what(resource: str) -> None:
    (verdict,) = judge(whole(unreadable=(Unreadable(resource, BEYOND.namespace, "odd"),)), NOW)
    assert (verdict.klass, verdict.would_be, verdict.candidate) == (Class.UNSURE, Class.SCALED_DOWN, False)
    assert f"{resource}/odd could not be decoded" in words.reason(verdict)


def test_in_another_namespace_it_is_nobodys_business() -> None:
    (verdict,) = judge(whole(unreadable=(Unreadable("pods", "elsewhere", "odd"),)), NOW)
    assert verdict.klass is Class.SCALED_DOWN


def test_of_a_claim_that_could_not_be_decoded_nothing_is_known() -> None:
    (verdict,) = judge(whole(claims=(replace(BEYOND, unreadable="Invalid RFC3339 encoded datetime"),)), NOW)
    assert (verdict.klass, verdict.fate, verdict.candidate) == (Class.UNSURE, Fate.UNKNOWN, False)
    assert [item.kind for item in verdict.evidence] == [EvidenceKind.UNREADABLE]


def test_nor_of_one_whose_volume_could_not_be_decoded() -> None:
    name = BEYOND.spec.volume_name
    odd = PersistentVolume(metadata=ObjectMeta(name=name), unreadable="Expected `str`, got `int`")
    (verdict,) = judge(whole(volumes={name: odd}), NOW)
    assert (verdict.klass, verdict.fate, verdict.volume) == (Class.UNSURE, Fate.UNKNOWN, None)
    assert f"persistentvolumes/{name} could not be decoded" in words.reason(verdict)
