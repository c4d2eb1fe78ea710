"""rollout history and rollout diff, on the real control plane: the past as it was, beside what kubectl says of it."""

import json
import os
from pathlib import Path

import pytest
import yaml

from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real

OLD, NEW = "app:1", "app:2"


def _roll(pets: Plugin, image: str = NEW) -> None:
    pets.kubectl("set", "image", "statefulset/web", f"app={image}")
    pets("status", "web", "-w", "--timeout", "60s")


def _numbers(shown: str) -> list[list[str]]:
    return [line.split() for line in shown.splitlines()[1:]]


def test_history_says_what_changed_and_who_runs_it(pets: Plugin) -> None:
    pets.make("web", replicas=2)
    _roll(pets)
    pets.kubectl("set", "env", "statefulset/web", "TOKEN=sesame", "-c", "app")
    pets("status", "web", "-w", "--timeout", "60s")
    shown = pets("rollout", "history", "web").stdout
    rows = _numbers(shown)
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert "image app: 1 -> 2" in shown and "env app/TOKEN added" in shown and "sesame" not in shown
    assert "current,update" in shown.splitlines()[3] and "web-0" in shown.splitlines()[3] and "web-0" not in shown.splitlines()[2]
    document = json.loads(pets("rollout", "history", "web", "-o", "json").stdout)
    assert [item["revision"] for item in document["revisions"]] == [1, 2, 3]
    assert document["revisions"][0]["changes"] is None and document["revisions"][2]["pods"] == ["web-0", "web-1"]
    assert document["revisions"][1]["changes"][0]["after"] == NEW
    kubectl = pets.kubectl("rollout", "history", "statefulset/web")
    assert [line.split()[0] for line in kubectl.splitlines() if line[:1].isdigit()] == ["1", "2", "3"]


def test_the_middle_of_a_rollout(pets: Plugin) -> None:
    pets.make("web")
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    first, second = pets("rollout", "history", "web", "--no-headers").stdout.splitlines()
    assert "current" in first and "web-0, web-1" in first and "update" not in first
    assert "update" in second and "web-2" in second and "current" not in second


def test_a_template_is_the_one_that_was(pets: Plugin) -> None:
    pets.make("web", replicas=1)
    before = pets.set()["spec"]["template"]
    _roll(pets)
    shown = yaml.safe_load(pets("rollout", "history", "web", "--revision", "1").stdout)
    assert shown["spec"] == before["spec"] and shown["metadata"]["labels"] == {"app": "web"}
    name = json.loads(pets("rollout", "history", "web", "-o", "json").stdout)["revisions"][0]["name"]
    assert yaml.safe_load(pets("rollout", "history", "web", "--revision", name).stdout) == shown
    assert json.loads(pets("rollout", "history", "web", "--revision", "1", "-o", "json").stdout) == shown


def test_a_revision_that_comes_back_gets_a_new_number(pets: Plugin) -> None:
    """The controller keeps one revision a template: re-applying it moves it to the top."""
    pets.make("web", replicas=1)
    _roll(pets)
    _roll(pets, OLD)
    rows = _numbers(pets("rollout", "history", "web").stdout)
    assert [row[0] for row in rows] == ["2", "3"] and "image app: 2 -> 1" in pets("rollout", "history", "web").stdout
    assert pets("rollout", "diff", "web").stdout == ""
    assert pets("rollout", "diff", "web", "3").stdout == ""


def test_a_revision_of_another_set_is_not_ours(pets: Plugin) -> None:
    pets.make("web", replicas=1)
    pets.plane.apply(
        """
apiVersion: apps/v1
kind: ControllerRevision
metadata: {name: stray, labels: {app: web}}
revision: 9
data: {spec: {template: {spec: {containers: [{name: app, image: "evil:1"}]}}}}
""",
        pets.namespace,
    )
    assert [row[0] for row in _numbers(pets("rollout", "history", "web").stdout)] == ["1"]
    assert "no revision 9" in pets("rollout", "diff", "web", "9", expect=2).stderr


def test_diff_tells_by_its_exit_code(pets: Plugin) -> None:
    pets.make("web")
    assert pets("rollout", "diff", "web").stdout == ""
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    shown = pets("rollout", "diff", "web", expect=1).stdout
    assert "-  - image: app:1" in shown and "+  - image: app:2" in shown
    assert shown.splitlines()[0].startswith("--- web revision 1 (web-") and shown.splitlines()[1] == "+++ web live template"
    assert len([line for line in shown.splitlines() if line[:1] in "+-"]) == 4
    assert pets("rollout", "diff", "web", "2").stdout == ""
    back = pets("rollout", "diff", "web", "2", "1", expect=1).stdout
    assert "+  - image: app:1" in back
    assert pets("rollout", "diff", "web", "1", "1").stdout == ""
    odd = next(each for each in pets.get("controllerrevisions")["items"] if each["revision"] == 1)
    odd["metadata"] = {key: odd["metadata"][key] for key in ("labels", "ownerReferences")} | {"name": "web-old33"}
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(odd))
    assert "+  - image: app:2" in pets("rollout", "diff", "web", "web-old33", expect=1).stdout, "it is the set's, whatever it is called"
    assert "-  - image: app:2" in pets("rollout", "diff", "web", "2", "web-old33", expect=1).stdout
    assert "no StatefulSet web-old33" in pets("rollout", "diff", "web", "sts/web-old33", expect=2).stderr


def test_trouble_is_no_difference(pets: Plugin) -> None:
    pets.make("web", replicas=1)
    version = pets.set()["metadata"]["resourceVersion"]
    for words, told in ((("web", "7"), "no revision 7"), (("web", "1", "x"), "no StatefulSet x"), (("nobody",), "no StatefulSet nobody")):
        result = pets("rollout", "diff", *words, expect=2)
        assert told in result.stderr and "hint:" in result.stderr and result.stdout == ""
    assert "no revision 7" in pets("rollout", "history", "web", "--revision", "7", expect=1).stderr
    assert "no StatefulSet" in pets("rollout", "history", "nobody", expect=1).stderr
    kubeconfig = pets.plane.kubeconfig_for("alice")
    assert "not allowed" in pets("rollout", "diff", "web", expect=2, kubeconfig=kubeconfig).stderr
    assert pets.set()["metadata"]["resourceVersion"] == version


def test_revisions_that_may_not_be_read_are_not_none(pets: Plugin) -> None:
    pets.make("web", replicas=1)
    pets.kubectl("create", "role", "sets", "--verb=get,list", "--resource=statefulsets.apps")
    pets.kubectl("create", "rolebinding", "sets", "--role=sets", "--user=bob")
    words = ("auth", "can-i", "list", "statefulsets.apps", "--as=bob", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")
    kubeconfig = pets.plane.kubeconfig_for("bob")
    assert "controllerrevisions" in pets("rollout", "history", "web", expect=1, kubeconfig=kubeconfig).stderr
    pets.kubectl("create", "role", "past", "--verb=get,list", "--resource=controllerrevisions.apps")
    pets.kubectl("create", "rolebinding", "past", "--role=past", "--user=bob")
    words = ("auth", "can-i", "list", "controllerrevisions.apps", "--as=bob", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")
    assert "?" in pets("rollout", "history", "web", kubeconfig=kubeconfig).stdout.splitlines()[1]


def test_another_program_compares(pets: Plugin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As kubectl diff: two directories, a file of one name in each, arguments of plain characters only."""
    pets.make("web")
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    program = tmp_path / "differ"
    program.write_text('#!/bin/sh\necho "$#: $1"\nshift\ndiff -r "$1" "$2"\n')
    program.chmod(0o755)
    monkeypatch.setenv("KUBECTL_EXTERNAL_DIFF", f"{program} --side-by-side $(reboot) a;b")
    result = pets("rollout", "diff", "web", expect=1)
    assert result.stdout.startswith("3: --side-by-side\n") and "> " in result.stdout
    assert f"apps.v1.StatefulSet.{pets.namespace}.web" in result.stdout
    assert "'$(reboot)'" in result.stderr and "'a;b'" in result.stderr
    pets("rollout", "diff", "web", "1", "1")
    program.write_text("#!/bin/sh\nexit 3\n")
    assert "ended with 3" in pets("rollout", "diff", "web", expect=2).stderr
    monkeypatch.setenv("KUBECTL_EXTERNAL_DIFF", os.fspath(tmp_path / "nowhere"))
    assert "could not run" in pets("rollout", "diff", "web", expect=2).stderr
