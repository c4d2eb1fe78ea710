"""Bad input: a message that names what was tried and the next step, the right exit code, an unchanged cluster."""

import json
from pathlib import Path

import pytest

from kubectl_pets.__main__ import run
from kubectl_pets.session import Session
from tests.commands.plugin import Plugin
from tests.controlplane import ControlPlane
from tests.terminal import FakeTerminal

NEW = "app:2"


def alone(*words: str, expect: int) -> str:
    """Run it without any cluster; returns what it said on stderr."""
    terminal = FakeTerminal()
    assert run(words, Session(terminal=terminal)) == expect, terminal.stderr_text
    assert terminal.stdout_text == ""
    return terminal.stderr_text


@pytest.mark.parametrize("pods", ["0", "-1", "150%", "two"])
@pytest.mark.parametrize("verb", ["canary", "step"])
def test_numbers_of_pods_that_cannot_be_meant(verb: str, pods: str) -> None:
    said = alone("rollout", verb, "web", f"--pods={pods}", expect=2)
    assert f"'{pods}'" in said and "--help" in said


def test_a_verb_that_does_not_exist() -> None:
    assert "Did you mean 'status'?" in alone("statsu", "web", expect=2)
    assert "Did you mean 'canary'?" in alone("rollout", "canari", "web", expect=2)


@pytest.mark.parametrize("verb", ["status", "dns"])
def test_a_timeout_where_nothing_is_waited_for(verb: str) -> None:
    assert alone(verb, "web", "--timeout", "5s", expect=2) == "error: --timeout goes with -w.\n"


@pytest.mark.parametrize("words", [("--soak", "5m"), ("--quorum",), ("--min-available", "2"), ("--gate-dns",)])
def test_what_is_asked_of_pods_where_there_are_none(words: tuple[str, ...]) -> None:
    assert "--with-data is for a set at 0 replicas" in alone("rollout", "undo", "web", "--with-data", *words, expect=2)


def test_what_goes_with_the_data_alone() -> None:
    assert "go with --with-data" in alone("rollout", "undo", "web", "--confirm", "web", expect=2)


def test_another_kind() -> None:
    assert "is not a StatefulSet" in alone("status", "deployment/web", expect=2)


def test_no_kubeconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    said = alone("list", expect=1)
    assert str(tmp_path / ".kube" / "config") in said and "hint:" in said
    assert "nowhere.yaml" in alone("list", "--kubeconfig", str(tmp_path / "nowhere.yaml"), expect=1)


@pytest.mark.real
def test_wrong_context(controlplane: ControlPlane) -> None:
    said = alone("list", "--kubeconfig", str(controlplane.kubeconfig), "--context", "productoin", expect=1)
    assert "productoin" in said and "controlplane" in said


def test_unreachable_server(tmp_path: Path) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "sesame"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = tmp_path / "config"
    path.write_text(json.dumps(config))
    said = alone("status", "web", "--kubeconfig", str(path), expect=1)
    assert "127.0.0.1:1" in said and "hint:" in said and "sesame" not in said


@pytest.mark.real
def test_expired_token(controlplane: ControlPlane) -> None:
    said = alone("list", "--kubeconfig", str(controlplane.expired_kubeconfig), expect=1)
    assert "hint:" in said and "Traceback" not in said and "credentials" in said.lower()


@pytest.mark.real
def test_no_such_set(pets: Plugin) -> None:
    pets.make("webshop", replicas=0)
    said = pets("status", "webshp", expect=1).stderr
    assert "webshp" in said and pets.namespace in said and "webshop" in said


@pytest.mark.real
def test_a_deployment_by_that_name(pets: Plugin) -> None:
    pets.kubectl("create", "deployment", "api", "--image=app:1", "--replicas=0")
    said = pets("status", "api", expect=1).stderr
    assert "Deployment" in said


@pytest.mark.real
def test_more_pods_than_there_are(pets: Plugin) -> None:
    pets.make("web")
    version = pets.set()["metadata"]["resourceVersion"]
    for words in (("canary", "web", "--pods", "99", "--image", NEW), ("step", "web", "--pods", "99")):
        said = pets("rollout", *words, expect=6).stderr
        assert "99" in said and "3" in said
    assert pets.set()["metadata"]["resourceVersion"] == version


@pytest.mark.real
def test_unknown_container(pets: Plugin) -> None:
    pets.make("web")
    version = pets.set()["metadata"]["resourceVersion"]
    said = pets("rollout", "run", "web", "--image", "sidecar=x:1", expect=2).stderr
    assert "'sidecar'" in said and "app" in said
    assert pets.set()["metadata"]["resourceVersion"] == version


@pytest.mark.real
@pytest.mark.parametrize(
    "words",
    [
        ("canary", "web"),
        ("pause", "web"),
        ("abort", "web", "-y"),
    ],
)
def test_nothing_under_way(pets: Plugin, words: tuple[str, ...]) -> None:
    pets.make("web")
    version = pets.set()["metadata"]["resourceVersion"]
    assert "hint:" in pets("rollout", *words, expect=6).stderr
    assert pets.set()["metadata"]["resourceVersion"] == version


@pytest.mark.real
def test_rights_are_asked_for_before_anything_changes(pets: Plugin) -> None:
    pets.make("web")
    kubeconfig = pets.plane.kubeconfig_for("alice")
    assert "statefulsets" in pets("status", "web", expect=1, kubeconfig=kubeconfig).stderr
    pets.kubectl("create", "role", "look", "--verb=get,list,watch", "--resource=statefulsets.apps,controllerrevisions.apps,pods")
    pets.kubectl("create", "rolebinding", "look", "--role=look", "--user=alice")
    pets.eventually(lambda: _may_look(pets), "the role counts")
    assert "web-2" in pets("status", "web", kubeconfig=kubeconfig).stdout  # claims cannot be read, the rest can
    assert "?" in pets("list", kubeconfig=kubeconfig).stdout
    version = pets.set()["metadata"]["resourceVersion"]
    said = pets("rollout", "run", "web", "--image", NEW, expect=1, kubeconfig=kubeconfig).stderr
    assert "patch statefulsets.apps" in said and "Nothing was changed" in said
    assert pets.set()["metadata"]["resourceVersion"] == version


def _may_look(pets: Plugin) -> bool:
    words = ("auth", "can-i", "list", "pods", "--as=alice", "-n", pets.namespace)
    return pets.plane.kubectl(*words, check=False).stdout.strip() == "yes"


@pytest.mark.real
def test_pods_that_cannot_be_read_are_not_no_pods(pets: Plugin) -> None:
    pets.make("web")
    pets.kubectl("create", "role", "sets", "--verb=get,list,watch", "--resource=statefulsets.apps,controllerrevisions.apps")
    pets.kubectl("create", "rolebinding", "sets", "--role=sets", "--user=bob")
    kubeconfig = pets.plane.kubeconfig_for("bob")
    words = ("auth", "can-i", "list", "statefulsets.apps", "--as=bob", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")
    shown = pets("status", "web", expect=3, kubeconfig=kubeconfig).stdout
    assert "unknown" in shown and "complete" not in shown


@pytest.mark.real
def test_a_question_without_a_terminal(pets: Plugin) -> None:
    pets.make("web", strategy="{type: OnDelete}")
    version = pets.set()["metadata"]["resourceVersion"]
    said = pets("rollout", "run", "web", "--image", NEW, expect=6).stderr
    assert "-y" in said and "Nothing was changed" in said
    assert pets.set()["metadata"]["resourceVersion"] == version


@pytest.mark.real
@pytest.mark.parametrize("verb", ["run", "canary"])
def test_a_container_that_is_given_two_images(pets: Plugin, verb: str) -> None:
    """The last one was taken, and then called somebody else's."""
    pets.make("web")
    before = pets.set()["metadata"]["resourceVersion"]
    for words in (("app=app:2", "app=app:3"), ("app:2", "app=app:3")):
        typed = [word for image in words for word in ("--image", image)]
        said = pets("rollout", verb, "web", *typed, expect=2).stderr
        assert said == "error: container app is given two images, app:2 and app:3. Nothing was changed.\nhint: say each once.\n"
    assert pets.set()["metadata"]["resourceVersion"] == before
    planned = pets("rollout", verb, "web", "--image", "app:2", "--image", "app=app:2", "--dry-run").stdout
    assert planned.count("app=app:2") == 1
