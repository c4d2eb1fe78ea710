"""The JSON Schemas in docs/schemas: one a kind of document, and as they are declared."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from kubectl_pets.domain.orphans.purging import PurgePlan
from kubectl_pets.views.orphans import documents as orphan_documents
from kubectl_pets.views.orphans.outcomes import RunKind
from kubectl_pets.views.rollout import documents
from tests.schemas import FOLDER, SCHEMAS, check, published
from tests.views import builders

ROOT = Path(__file__).parent.parent


def test_every_kind_has_one() -> None:
    texts = [path.read_text(encoding="utf-8") for folder in ("views", "flows") for path in (ROOT / "kubectl_pets" / folder).rglob("*.py")]
    texts.append((ROOT / "kubectl_pets" / "__main__.py").read_text(encoding="utf-8"))
    named = {kind for text in texts for kind in re.findall(r'(?:"kind": |_KIND = )"([A-Z]\w+)"', text)}
    assert named | set(RunKind) | {"RolloutPlanList", "RolloutList"} == set(SCHEMAS)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_files_are_what_is_declared(kind: str) -> None:
    text = (FOLDER / f"{kind}.json").read_text(encoding="utf-8")
    assert text == published(kind), "python -m tests.schemas writes them anew"
    Draft202012Validator.check_schema(json.loads(text))


def test_a_published_one_takes_and_refuses_what_the_declared_one_does() -> None:
    """With its shared parts written once."""
    public = Draft202012Validator(json.loads((FOLDER / "RolloutStatusList.json").read_text(encoding="utf-8")))
    listed = json.loads(documents.many([builders.stuck(), builders.unreadable()], "json"))
    assert public.is_valid(listed)
    listed["items"][0]["status"]["blockers"][0]["cause"] = "no such cause"
    assert not public.is_valid(listed)


def test_no_other_file_is_there() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{kind}.json" for kind in SCHEMAS}


def test_what_is_not_as_promised_is_found() -> None:
    good = orphan_documents.purge_plan(PurgePlan(purges=(), refused=()))
    check(good)
    for bad in ({**good, "purges": None}, {**good, "more": 1}, {key: each for key, each in good.items() if key != "refused"}):
        with pytest.raises(AssertionError, match="VolumePurgePlan"):
            check(bad)
