"""The files of ``examples``: what they type exists, and what they apply an API server takes."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_pets.__main__ import run
from kubectl_pets.errors import ExitCode
from kubectl_pets.session import Session
from tests.commands.plugin import Plugin
from tests.terminal import FakeTerminal

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILES = sorted(path.name for path in EXAMPLES.iterdir())


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((EXAMPLES / name).read_text(encoding="utf-8")))


def strings(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if "command" in node and isinstance(node["command"], list):
            yield shlex.join(node["command"])
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
    elif isinstance(node, str):
        yield node


def typed(name: str) -> list[list[str]]:
    """The words after ``kubectl pets`` of each command in the file, with something for each variable."""
    found = (re.search(r"kubectl[ -]pets (.+?)(?=$|;|\||2>)", text) for document in documents(name) for text in strings(document))
    return [shlex.split(re.sub(r"\$[A-Z]+", "web", match[1])) for match in found if match]


#: Where nobody answers.
NOWHERE = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:9"}}]
contexts: [{name: web, context: {cluster: c}}]
current-context: web
"""


@pytest.mark.parametrize("name", FILES)
def test_what_is_typed_exists(name: str, tmp_path: Path) -> None:
    """Each command gets as far as asking the cluster: its verb and flags are there, and go together."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(NOWHERE, encoding="utf-8")
    commands = typed(name)
    assert commands
    for words in commands:
        terminal = FakeTerminal()
        assert run([*words, "--kubeconfig", str(kubeconfig)], Session(terminal=terminal)) == ExitCode.FAILED, terminal.stderr_text
        assert "127.0.0.1:9" in terminal.stderr_text, words


@pytest.mark.real
def test_what_is_applied_is_accepted(pets: Plugin) -> None:
    """Also by the Restricted Pod Security Standard, which the API server holds pods of the job against."""
    path = EXAMPLES / "cronjob-orphans.yaml"
    pets.plane.kubectl("apply", "--dry-run=server", "-f", str(path))
    pets.plane.kubectl("label", "namespace", pets.namespace, "pod-security.kubernetes.io/enforce=restricted")
    (job,) = [document for document in documents(path.name) if document["kind"] == "CronJob"]
    template = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "job"}, "spec": {**template, "serviceAccountName": "default"}}
    pets.kubectl("wait", "--for=create", "serviceaccount/default", "--timeout=60s")
    pets.plane.kubectl("create", "--dry-run=server", "-f", "-", "-n", pets.namespace, input=yaml.safe_dump(pod))
