"""rollout report, on the real control plane: what it tells is what the API server, the controller and the scheduler wrote."""

import json
from datetime import datetime
from typing import Any

import pytest

from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real


def written(pets: Plugin, *words: str) -> Any:
    return json.loads(pets("rollout", "report", "web", "-o", "json", *words).stdout)


def test_a_rollout_afterwards(pets: Plugin) -> None:
    pets.make("web")
    before = pets.uids()
    pets.kubectl("set", "image", "statefulset/web", "app=app:2", "--field-manager=somebody")
    pets("wait", "web", "--for", "complete", "--timeout", "90s")
    assert not set(before.values()) & set(pets.uids().values())
    found = written(pets)
    assert found["revision"]["number"] == 2 and [each["told"] for each in found["revision"]["changes"]] == ["image app: 1 -> 2"]
    assert [each["name"] for each in found["pods"]] == ["web-2", "web-1", "web-0"] and found["done"] == 3 and found["ended"]
    for told in found["pods"]:
        raw = pets.get("pod", told["name"])
        conditions = {each["type"]: each for each in raw["status"]["conditions"]}
        assert datetime.fromisoformat(told["created"]) == datetime.fromisoformat(raw["metadata"]["creationTimestamp"])
        assert datetime.fromisoformat(told["ready"]) == datetime.fromisoformat(conditions["Ready"]["lastTransitionTime"])
        assert datetime.fromisoformat(told["scheduled"]) == datetime.fromisoformat(conditions["PodScheduled"]["lastTransitionTime"])
        assert told["progress"] == "done" and told["tookSeconds"] >= 0
    # The controller's recorder writes them when it gets to it.
    pets.eventually(lambda: all(each["deleted"] for each in written(pets)["pods"]), "the controller's events")
    writers = {each["manager"]: each["fields"] for each in written(pets)["writers"]}
    assert writers["somebody"] == ["template.spec.containers[name=app].image"] and len(writers) == 2
    text = pets("rollout", "report", "web").stdout
    assert f"{pets.namespace}/web: revision 2 " in text and "3 of 3 pods done" in text and "somebody (Update) template" in text
    assert pets("rollout", "report", "web", "-o", "md").stdout.startswith("### ") and pets("rollout", "report", "web", "-o", "html").stdout.startswith("<!doctype html>")
    first = written(pets, "--revision", "1")
    assert first["revision"]["wanted"] is False and [each["why"] for each in first["unseen"]] == ["pods-gone"] and first["pods"] == []
    assert "there are: 1, 2" in pets("rollout", "report", "web", "--revision", "9", expect=1).stderr


def test_a_rollout_that_is_stuck_half_way(pets: Plugin) -> None:
    pets.make("web")
    pets.kubectl("set", "image", "statefulset/web", "app=app:broken")
    pets("status", "web", "-w", "--timeout", "60s", expect=4)
    found = written(pets)
    assert [each["progress"] for each in found["pods"]] == ["on-its-way", "waiting", "waiting"]
    assert found["ended"] is None and found["expectedAt"] is None and found["began"] and found["done"] == 0
    pets.eventually(lambda: bool(written(pets)["pods"][0]["warnings"]), "the kubelet's Warning")
    assert "ErrImagePull" in pets("rollout", "report", "web").stdout or "pull" in pets("rollout", "report", "web").stdout
