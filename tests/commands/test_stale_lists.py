"""A list that is older than what the watch has brought, as a gateway that caches gives it: nothing is waited for in vain because of it."""

import json
from pathlib import Path

import pytest

from tests.commands.middle import Heard, Passing, middle
from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real


@pytest.mark.parametrize("times", [1, 2])
def test_the_last_look_is_answered_out_of_a_cache(pets: Plugin, tmp_path: Path, times: int) -> None:
    """As it was when a pod had yet to come. All has happened by then, so that no event comes any more that would put it right."""
    pets.make("web")
    before: list[str] = []
    over: list[str] = []

    def old(handler: Passing, heard: Heard) -> bool:
        if heard.path.partition("?")[0].rpartition("/")[2] != "pods" or heard.status != 200:
            return False
        listed = json.loads(heard.body)
        before.append(listed["metadata"]["resourceVersion"])
        ready = [each for each in listed["items"] if any(c["type"] == "Ready" and c["status"] == "True" for c in each["status"].get("conditions", []))]
        if len(over) == times or {each["spec"]["containers"][0]["image"] for each in ready} != {"app:2"} or len(ready) < 3:
            return False
        over.append(heard.path)
        older = {**listed, "metadata": {"resourceVersion": before[0]}, "items": listed["items"][1:]}
        handler.answer(heard._replace(body=json.dumps(older).encode()))
        return True

    with middle(pets.plane, tmp_path) as between:
        between.reading = old
        done = pets("rollout", "run", "web", "--image", "app:2", "--timeout", "50s", kubeconfig=between.kubeconfig, expect=None)
    assert len(over) == times, done
    assert done.code == 0, done
