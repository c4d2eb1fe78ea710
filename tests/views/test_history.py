"""``kubectl pets rollout history`` and ``diff``: the table, what is said of a change, templates and differences as YAML."""

import json
from typing import Any

import pytest
import yaml

from kubectl_pets.domain.rollout.history import ABSENT, Difference, RevisionEntry
from kubectl_pets.views.rollout import changes, history
from kubectl_pets.views.text.ink import bare
from tests.views.builders import NEW, NOW, OLD, ago
from tests.views.screens import screen


def change(path: str, before: Any = ABSENT, after: Any = ABSENT, *, reordered: bool = False) -> Difference:
    return Difference(path=tuple(path.split("|")), before=before, after=after, reordered=reordered)


def template(image: str) -> dict[str, Any]:
    return {"spec": {"initContainers": [{"name": "init", "image": "setup:1"}], "containers": [{"name": "app", "image": image}]}}


def past(*, pods: bool = True) -> tuple[RevisionEntry, RevisionEntry]:
    old = RevisionEntry(
        name=OLD, number=9, created=ago(days=40), template=template("app:1"), changes=None,
        pods=("web-0", "web-1") if pods else None, current=True, update=False, live=False,
    )  # fmt: skip
    changes = (
        change("spec|containers|app|env|TOKEN", after={"name": "TOKEN", "value": "sesame"}),
        change("spec|containers|app|image", "reg:5000/app:1", "reg:5000/app:2"),
        change("spec|volumes|tmp", {"name": "tmp"}),
        change("spec|terminationGracePeriodSeconds", 10, 30),
    )
    new = RevisionEntry(
        name=NEW, number=10, created=ago(minutes=3), template=template("app:2"), changes=changes,
        pods=("web-2",) if pods else None, current=False, update=True, live=True,
    )  # fmt: skip
    return old, new


def test_the_table() -> None:
    assert history.table(past(), NOW) == screen(
        """
        REVISION   NAME            AGE   MARKS     PODS           IMAGES          CHANGED
        9          web-77f9c6d8b   40d   current   web-0, web-1   setup:1,app:1   -
        10         web-5d8f7b9c4   3m    update    web-2          setup:1,app:2   image app: 1 -> 2, env app/TOKEN added, volume tmp removed and 1 more
        """
    )
    wide = history.table(past(pods=False), NOW, wide=True, headers=False).splitlines()[1]
    assert "?" in wide and wide.endswith("volume tmp removed, terminationGracePeriodSeconds: 10 -> 30")
    assert history.table((), NOW, headers=False) == ""


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (change("spec|containers|app|image", "app:1", "db:1"), "image app: app:1 -> db:1"),
        (change("spec|initContainers|app|image", "app:1", "app:2"), "image app: 1 -> 2"),
        (change("spec|containers|app|image", "app@sha256:0", "app@sha256:1"), "image app: 0 -> 1"),
        (change("spec|containers|b", after={}), "container b added"),
        (change("spec|initContainers|b", {}), "init container b removed"),
        (change("spec|containers", ["a", "b"], ["b", "a"], reordered=True), "containers reordered"),
        (change("spec|containers|app|env|LOG|value", "hush", "sesame"), "env app/LOG changed"),
        (change("spec|containers|app|env|LOG|valueFrom", after={}), "env app/LOG valueFrom added"),
        (change("spec|containers|app|env|LOG", {}), "env app/LOG removed"),
        (change("spec|containers|app|env", [1], [2]), "app env changed"),
        (change("spec|containers|app|args", ["--pass=1"], ["--pass=2"]), "app args changed"),
        (change("spec|containers|app|volumeMounts|/data|readOnly", after=True), "mount app//data readOnly added"),
        (change("spec|containers|app|resources|limits|cpu", "1", "2"), "app resources.limits.cpu: 1 -> 2"),
        (change("spec|containers|app|livenessProbe|periodSeconds", 1, 2), "app livenessProbe.periodSeconds: 1 -> 2"),
        (change("metadata|labels|tier", "one", "two"), "label tier: one -> two"),
        (change("metadata|annotations|kubectl.kubernetes.io/restartedAt", after="now"), "annotation kubectl.kubernetes.io/restartedAt added"),
        (change("spec|hostNetwork", False, True), "hostNetwork: false -> true"),
        (change("spec|affinity", {"a": "x" * 50}, {"a": "y"}), "affinity changed"),
        (change("spec", after={"a": 1}), "spec added"),
        (Difference(path=(), before={}, after={"a": 1}), 'template: {} -> {"a":1}'),
    ],
)
def test_what_is_said_of_a_change(item: Difference, told: str) -> None:
    assert changes.phrase(item) == told


def test_for_programs() -> None:
    document = json.loads(history.one(history.document(past(), "default", "web"), "json"))
    assert document["kind"] == "RolloutHistory" and [item["revision"] for item in document["revisions"]] == [9, 10]
    assert document["revisions"][0]["changes"] is None
    assert document["revisions"][1]["changes"][0] == {
        "path": ["spec", "containers", "app", "env", "TOKEN"],
        "after": {"name": "TOKEN", "value": "sesame"},
    }
    assert document["revisions"][1]["changes"][2] == {"path": ["spec", "volumes", "tmp"], "before": {"name": "tmp"}}


def test_templates_survive_their_yaml() -> None:
    odd = {"b": "x\ny\n", "a": ["no", "1", "é", "\x1b[2J", "a: b", None, True, "x" * 300], "script": "#!/bin/sh\n\techo  \n"}
    assert yaml.safe_load(history.template(odd)) == odd
    assert json.loads(history.template(odd, "json")) == odd
    assert history.template({"b": "x\ny\n"}) == "b: |\n  x\n  y"
    assert "\x1b" not in history.template(odd)


def test_the_difference_of_two_templates() -> None:
    before, after = (history.comparable(each) for each in (template("app:1"), template("app:2")))
    drawn = history.unified(before, after, ("web revision 1", "web live template"))
    assert drawn == screen(
        """
        --- web revision 1
        +++ web live template
        @@ -1,6 +1,6 @@
         spec:
           containers:
        -  - image: app:1
        +  - image: app:2
             name: app
           initContainers:
           - image: setup:1
        """
    )
    coloured = history.unified(before, after, ("web revision 1", "web live template"), colour=True)
    assert bare(coloured) == drawn and "\x1b[31m-  - image: app:1\x1b[0m" in coloured and "\x1b[32m+  - image: app:2" in coloured
    assert history.unified(before, before, ("a", "b")) == ""
