"""For programs, on the real control plane: one document on stdout a run however it ends, and events a line while it goes on."""

import json
from typing import Any

import pytest

from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real

NEW, BROKEN = "app:2", "app:broken"


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_that_sticks_and_is_paused_prints_one_document_and_says_why(pets: Plugin) -> None:
    pets.make("web")
    ended = pets("rollout", "run", "web", "--image", BROKEN, "--timeout", "60s", "-o", "json", expect=4)
    document = json.loads(ended.stdout)
    assert document["kind"] == "RolloutStatus" and document["spec"]["partition"] == 2, "as the retreat left it"
    assert "Changed   image app: 1 -> broken (revision 2 against 1)" in ended.stderr


def test_a_group_prints_one_list(pets: Plugin) -> None:
    for name in ("q", "r"):
        pets.make(name, replicas=1)
        pets.kubectl("label", "statefulset", name, "tier=db")
    words = ("rollout", "run", "--group", "tier=db", "--image", NEW, "-o", "json")
    plans = json.loads(pets(*words, "--dry-run").stdout)
    assert plans["kind"] == "RolloutPlanList" and [item["metadata"]["name"] for item in plans["items"]] == ["q", "r"]
    done = json.loads(pets(*words, "--timeout", "120s").stdout)
    assert done["kind"] == "RolloutStatusList" and [item["status"]["phase"] for item in done["items"]] == ["complete"] * 2


def test_events_of_a_run_and_of_a_look(pets: Plugin) -> None:
    pets.make("web", replicas=2)
    told = events(pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s", "-o", "jsonl").stdout)
    assert told[0]["type"] == "begin" and {pod["name"] for pod in told[0]["pods"]} == {"web-0", "web-1"}
    assert {"begin", "change", "step", "end"} == {event["type"] for event in told}
    assert [event["exitCode"] for event in told if event["type"] == "end"] == [0] and told[-1]["type"] == "end"
    assert told[-1]["status"]["status"]["phase"] == "complete" and told[-1]["updated"] == 2
    (look,) = events(pets("status", "web", "-o", "jsonl").stdout)
    assert (look["type"], look["exitCode"]) == ("end", 0)
    (line,) = events(pets("list", "-o", "jsonl").stdout)
    assert (line["type"], line["name"], line["phase"]) == ("begin", "web", "complete")


def test_a_watch_ends_with_the_end(pets: Plugin) -> None:
    pets.make("web", replicas=1, image=BROKEN, wait=False)
    told = events(pets("status", "web", "-w", "-o", "jsonl", "--timeout", "60s", expect=4).stdout)
    assert told[-1]["exitCode"] == 4 and told[-1]["causes"][0]["pods"] == ["web-0"]
    assert len([event for event in told if event["type"] == "end"]) == 1
