"""The files of ``examples``: what they type exists, and what they apply an API server takes."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from kubectl_pets.__main__ import run
from kubectl_pets.domain.rollout.verdict import Phase
from kubectl_pets.errors import ExitCode
from kubectl_pets.session import Session
from kubectl_pets.views.rollout import metrics
from tests.commands.plugin import Plugin
from tests.controlplane import binaries
from tests.terminal import FakeTerminal
from tests.views import builders

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
    return [shlex.split(re.sub(r"\$[A-Z]+|\{\{ [^{}]+ \}\}", "web", match[1])) for match in found if match]


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


def samples() -> dict[str, dict[str, set[str]]]:
    """Of every metric that ``-o openmetrics`` prints, the values of its labels."""
    scenes = [builders.complete(), builders.stuck(), builders.left_over(), builders.rolling(), builders.unreadable()]
    printed = metrics.draw(scenes, builders.NOW, not_read=("statefulsets.apps.kruise.io",))
    found: dict[str, dict[str, set[str]]] = {}
    for name, labels in re.findall(r"^(kubectl_pets_\w+)(?:\{(.*)\})? ", printed, re.MULTILINE):
        for key, value in re.findall(r'(\w+)="([^"]*)"', labels):
            found.setdefault(name, {}).setdefault(key, set()).add(value)
        found.setdefault(name, {})
    return found


def test_alerts_are_about_metrics_that_there_are() -> None:
    """No name, label or phase in an expression, and no label in a sentence, that ``list -o openmetrics`` does not print."""
    (file,) = documents("alert-rules.yaml")
    (rules,) = [group["rules"] for group in file["groups"]]
    known = samples()
    assert len(rules) == len({rule["alert"] for rule in rules}) == 6
    for rule in rules:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"} and re.fullmatch(r"\d+[mhd]", rule["for"])
        named = re.findall(r"(kubectl_pets_\w+)(?:\{(.*?)\})?", rule["expr"])
        assert named, rule
        for name, selector in named:
            assert name in known, name
            for key, values in re.findall(r'(\w+)=~?"([^"]*)"', selector):
                assert set(values.split("|")) <= known[name][key], (name, key, values)
        labels = set.intersection(*(set(known[name]) for name, _ in named))
        told = " ".join(rule["annotations"].values())
        assert set(re.findall(r"\$labels\.(\w+)", told)) <= labels, rule
        bare = re.sub(r'kubectl_pets_\w+(\{.*?\})?', "1", rule["expr"])
        assert re.fullmatch(r"(?:[\d\s()+/<>=-]|floor|time|absent|and|or)+", bare) and bare.count("(") == bare.count(")"), bare


@pytest.fixture
def prometheus() -> str:
    """Prometheus' own parsers and rules as a program (tests/controlplane/go/prometheus)."""
    return str(binaries(names=["prometheus"])["prometheus"])


def prometheus_makes(prometheus: str, of: str, *words: str) -> list[str]:
    """The lines that it prints of a text; what it holds against it fails the test."""
    ran = subprocess.run([prometheus, *words], input=of, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


SCENES = {
    "complete": builders.complete(),
    "stuck": builders.stuck(),
    "failing": replace(builders.stuck(), phase=Phase.FAILING),
    "left-over": builders.left_over(),
    "rolling": builders.rolling(),
    "no-majority": replace(builders.stuck(), members=builders.stuck().members[:1]),
    "hostile": replace(builders.complete(), name='we"b\\n\n'),
}


@pytest.mark.real
def test_prometheus_reads_the_metrics(prometheus: str) -> None:
    """By the parser of OpenMetrics, and by that of the older format, which the textfile collector has: each sample, as printed."""
    printed = metrics.draw(SCENES.values(), builders.NOW, not_read=("statefulsets.apps.kruise.io",))
    read = prometheus_makes(prometheus, printed, "samples")
    assert len(read) == sum(not line.startswith("#") for line in printed.splitlines()) > 100
    assert any('statefulset="we\\"b\\\\n\\n"' in line for line in read)


#: Of each alert: the scene that it is about, and for how many minutes it waits; None: for as long as nobody looks.
ALERTS = {
    "StatefulSetStuck": ("stuck", 10),
    "StatefulSetFailing": ("failing", 30),
    "StatefulSetQuorumLost": ("no-majority", 5),
    "StatefulSetRolloutTakesLong": ("rolling", 120),
    "StatefulSetPartitionLeftOver": ("left-over", 24 * 60),
    "StatefulSetsNotLookedAt": (None, 15),
}


@pytest.mark.real
@pytest.mark.parametrize("alert", ALERTS)
def test_prometheus_fires_each_alert_when_its_time_has_come(prometheus: str, alert: str) -> None:
    """Of the metrics of a set, as they are printed, looked at every five minutes: pending first, firing after its time, with the
    set and a command in its words. No alert that is about something else fires, and none of a set that is complete."""
    scene, minutes = ALERTS[alert]
    looks = minutes // 5 + 12
    shown = SCENES[scene or "complete"]
    lines = []
    for line in metrics.draw([shown], builders.NOW).splitlines():
        if not line.startswith("#"):
            series, _, value = line.rpartition(" ")
            steps = "0+300" if "looked_timestamp" in series and scene else "0+0" if "looked_timestamp" in series else f"{value}+0"
            lines.append(f"  {series} {steps}x{looks}")
    rules = str(EXAMPLES / "alert-rules.yaml")
    series = "\n".join(["load 5m", *lines])
    told = [json.loads(line) for line in prometheus_makes(prometheus, series, "alerts", rules, f"{minutes + 40}m")]
    states = {minute["at"]: {each["name"]: each["state"] for each in minute["alerts"]} for minute in told}
    begins = next(at for at, found in sorted(states.items()) if alert in found)
    assert begins == (0 if scene else 31), "since half an hour, and a minute, nobody has looked"
    assert {states[at][alert] for at in range(begins, begins + minutes) if at in states} == {"pending"}
    fired = [each for minute in told if minute["at"] == begins + minutes for each in minute["alerts"] if each["state"] == "firing"]
    (found,) = [each for each in fired if each["name"] == alert]
    if scene:
        assert f"{shown.namespace}/{shown.name}" in found["annotations"]["summary"]
        assert shown.name in shlex.split(found["annotations"]["command"])
    expected = {"StatefulSetStuck", "StatefulSetQuorumLost"} if scene == "no-majority" else {alert}
    assert {name for found in states.values() for name, state in found.items() if state == "firing"} == expected
    assert scene is None or "StatefulSetsNotLookedAt" not in {name for found in states.values() for name in found}


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
