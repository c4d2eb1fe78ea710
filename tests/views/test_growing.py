"""A resize under way, as ``status``, ``list`` and ``scale`` tell it, and that nothing of the cluster's breaks a line."""

import json

from hypothesis import given, settings
from msgspec.structs import replace

from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.scale.plan import plan
from kubectl_pets.domain.scale.types import Surroundings
from kubectl_pets.views.rollout import documents, table, tree
from kubectl_pets.views.scale import plan as scale
from tests.domain.builders import NOW
from tests.domain.claims.test_growing import REFUSED, STALLED, WORKING, On
from tests.domain.resize import claim
from tests.views.test_hostile import HOSTILE
from tests.views.test_safety_hostile import _clean, _poisoned

SEEN: Assessment = assess(On((WORKING, STALLED, REFUSED)).view, NOW)


def test_status_has_a_line_a_claim_the_stalls_first() -> None:
    lines = tree.draw(SEEN, NOW).splitlines()
    assert lines[-3:] == [
        "├─ Stalled     data-web-1 to 20Gi: has 10Gi, its volume has grown and the node waits for 3m: it goes on when web-1 is started again",
        "├─ Stalled     data-web-2 to 20Gi: has 10Gi, infeasible for 5s: no room; it can be asked for less, as long as that is more than 10Gi",
        "└─ Resizing    data-web-0 to 20Gi: has 10Gi, the storage is at it for 5s",
    ]
    assert "Stalled" not in tree.draw(assess(On((claim(0), claim(1))).view, NOW), NOW)


def test_many_are_counted() -> None:
    many = replace(SEEN, growing=SEEN.growing[:1] * 9)
    assert tree.draw(many, NOW).splitlines()[-1] == "└─             and 4 more"


def test_list_marks_the_claims() -> None:
    def cell(*names: str) -> str:
        head, row = table.table([replace(SEEN, growing=tuple(each for each in SEEN.growing if each.claim in names))], NOW).splitlines()
        at = head.index("CLAIMS")
        return row[at:].split("   ")[0]

    assert cell() == "3"
    assert cell("data-web-0") == "3 (1 resizing)"
    assert cell("data-web-0", "data-web-1", "data-web-2") == "3 (2 stalled!)"


def test_programs_get_each_claim() -> None:
    found = json.loads(documents.one(SEEN, "json", None))["status"]["resizing"]
    assert [each["name"] for each in found] == ["data-web-0", "data-web-1", "data-web-2"]
    assert found[2] == {
        "name": "data-web-2",
        "pod": "web-2",
        "stage": "infeasible",
        "asks": 20 << 30,
        "has": 10 << 30,
        "message": "no room",
        "since": "2026-03-01T11:59:55Z",
        "offlineOnly": False,
    }


def test_scale_warns() -> None:
    view = On((WORKING, STALLED, REFUSED)).view
    assert view.set is not None
    around = Surroundings(claims=view.claims, volumes={}, autoscalers=(), scaled_objects=())
    told = scale.draw(plan(view.set, view, around, 2, NOW), SEEN, NOW)
    assert "warning: data-web-2 is being resized: the storage goes on, and what the node has to do waits for the next pod" in told


@settings(deadline=None)
@given(HOSTILE)
def test_whatever_the_cluster_holds(text: str) -> None:
    poisoned = _poisoned(SEEN, text)
    _clean(tree.draw(poisoned, NOW), len(tree.draw(_poisoned(SEEN, "é"), NOW).split("\n")))
    _clean(table.table([poisoned], NOW), 2)
