"""A row of ``WORKLOADS`` or ``LISTS`` is all that another kind takes: judge, reader and words go by these tables."""

import importlib
import pkgutil

import msgspec
import pytest

import kubectl_pets
from kubectl_pets.cluster.topics import claims as reading
from kubectl_pets.domain.orphans import inventory
from kubectl_pets.domain.orphans.findings import CANDIDATES, Class, EvidenceKind
from kubectl_pets.domain.orphans.inventory import LISTS, WORKLOADS, ClaimInventory, Workload, WorkloadKind, Workloads
from kubectl_pets.views.orphans import words
from tests.domain.orphans.builders import NOBODY, claim, estate, mounts, one, users, workload

ANOTHER = WorkloadKind(kind="PodTemplate", plural="podtemplates", base="/api/v1", type=Workload)


@pytest.fixture
def one_row_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the row had been written into the table: wherever that is known by name."""
    for found in pkgutil.walk_packages(kubectl_pets.__path__, "kubectl_pets."):
        if "__main__" not in found.name:
            module = importlib.import_module(found.name)
            if getattr(module, "WORKLOADS", None) is WORKLOADS:
                monkeypatch.setattr(module, "WORKLOADS", (*WORKLOADS, ANOTHER))
    assert inventory.WORKLOADS[-1] is ANOTHER


def test_a_row_is_enough_for_the_judge_and_for_the_words(one_row_more: None) -> None:
    read = estate(claim("data-web-7"), users=users(podtemplates=(workload("tool", *mounts("data-web-7")),)))
    verdict = one(read)
    assert verdict.klass is Class.USED_BY_TEMPLATE
    assert words.reason(verdict) == "PodTemplate/tool names it in its template"


def test_a_row_that_nobody_reads_makes_no_candidates(one_row_more: None) -> None:
    """The other half cannot be forgotten: what was not read is what the table has and the answer lacks."""
    verdict = one(estate(claim("data-web-7"), users={"prod": NOBODY}))
    assert (verdict.klass, verdict.not_read) == (Class.UNSURE, ("podtemplates",))
    assert words.reason(verdict) == "not read: podtemplates"


def test_a_row_is_enough_for_the_reader(one_row_more: None) -> None:
    kinds = reading._workload_kinds()
    assert kinds["podtemplates"].path("prod") == "/api/v1/namespaces/prod/podtemplates"


def test_half_a_row_cannot_be_written() -> None:
    whole = {field: getattr(ANOTHER, field) for field in WorkloadKind.__struct_fields__}
    for field in WorkloadKind.__struct_fields__:
        with pytest.raises(TypeError, match=field):
            WorkloadKind(**{key: value for key, value in whole.items() if key != field})


@pytest.mark.parametrize("row", WORKLOADS, ids=lambda row: row.plural)
def test_each_kind_of_workload_is_asked_for(row: WorkloadKind) -> None:
    """That it can be done without is not so for any: unread it is told, and what it names is used."""
    unread = one(estate(claim("data-web-7"), users={"prod": Workloads(NOBODY.read | {row.plural: None})}))
    assert unread.klass is Class.UNSURE and unread.not_read == (row.plural,)
    raw = b'{"metadata": {"name": "x"}, "spec": {"volumes": [%s], "template": {"spec": {"volumes": [%s]}}}}'
    mounting = b'{"name": "v", "persistentVolumeClaim": {"claimName": "data-web-7"}}'
    item = msgspec.json.decode(raw % (mounting, mounting), type=row.type)
    verdict = one(estate(claim("data-web-7"), users=users(**{row.plural: (item,)})))
    assert verdict.klass in (Class.IN_USE, Class.USED_BY_TEMPLATE)
    assert verdict.evidence[0 if verdict.klass is Class.IN_USE else 1].subject == f"{row.kind}/x"


def test_every_list_of_the_inventory_has_a_row() -> None:
    besides = {"claims", "volumes", "users", "custom", "companions", "told", "deployed", "unreadable", "asked_about"}
    assert {row.field for row in LISTS} == set(ClaimInventory.__struct_fields__) - besides
    for row in LISTS:
        verdict = one(estate(claim("data-web-7"), **{row.field: None}))
        assert (verdict.klass, verdict.would_be in CANDIDATES, verdict.not_read) == (Class.UNSURE, True, (row.resource,))
        assert [item.subject for item in verdict.evidence if item.kind is EvidenceKind.NOT_READ] == [row.resource]
