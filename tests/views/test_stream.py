"""``-o jsonl``: an event a line, of one shape, and only where something happened."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.errors import ExitCode
from kubectl_pets.views.rollout import documents
from kubectl_pets.views.rollout.stream import EventStream, Fleet, ended, event
from tests.views import builders
from tests.views.builders import NEW, NOW, ago, pod, snapshot

FIELDS = [
    "apiVersion", "kind", "type", "time", "namespace", "name", "phase", "replicas", "ready", "available", "updated", "partition",
    "currentRevision", "updateRevision", "causes", "pods", "message", "exitCode", "status",
]  # fmt: skip


def read(lines: list[str]) -> list[dict[str, Any]]:
    assert all("\n" not in line for line in lines)
    return [json.loads(line) for line in lines]


def test_it_begins_with_all_pods_and_goes_on_with_what_changed() -> None:
    stream = EventStream()
    before = assess(snapshot([pod(0), pod(1), pod(2, NEW, ready=False, since=ago(seconds=9))]), NOW)
    after = assess(snapshot([pod(0), pod(1), pod(2, NEW)]), NOW)
    (begin,) = read(stream.lines(before, NOW))
    assert begin["type"] == "begin" and [each["name"] for each in begin["pods"]] == ["web-0", "web-1", "web-2"]
    assert stream.lines(before, NOW) == [], "nothing happened"
    (change,) = read(stream.lines(after, NOW))
    assert (change["type"], change["ready"], change["phase"]) == ("change", 3, "progressing")
    assert [(each["name"], each["state"]) for each in change["pods"]] == [("web-2", "available")]


def test_a_pod_that_is_gone_and_a_cause() -> None:
    stream = EventStream()
    stream.lines(builders.complete(), NOW)
    (change,) = read(stream.lines(builders.stuck(), NOW))
    assert change["causes"] == [{"id": "image:pull", "pods": ["web-2"]}] and change["phase"] == "stuck"


def test_what_is_done_and_what_keeps_us_from_it_is_told_once() -> None:
    stream, seen = EventStream(), builders.rolling()
    stream.lines(seen, NOW)
    assert [each["type"] for each in read(stream.lines(seen, NOW, step="released web-1"))] == ["step"]
    assert stream.lines(seen, NOW, step="released web-1") == []
    (trouble,) = read(stream.lines(seen, NOW, step="released web-1", trouble="no answer"))
    assert (trouble["type"], trouble["message"]) == ("trouble", "no answer")


def test_the_end_has_the_exit_code_and_the_whole_state() -> None:
    end = json.loads(documents.dump(ended(builders.stuck(), NOW, ExitCode.STUCK, "stuck"), "jsonl"))
    assert (end["type"], end["exitCode"], end["message"], end["status"]["status"]["phase"]) == ("end", 4, "stuck", "stuck")


def test_of_many_sets() -> None:
    fleet = Fleet()
    web, db = builders.complete(), replace(builders.complete(), name="db", uid="uid-db")
    assert [each["name"] for each in read(fleet.lines([web, db], NOW))] == ["web", "db"]
    assert fleet.lines([web, db], NOW) == []
    (gone,) = read(fleet.lines([web], NOW))
    assert (gone["name"], gone["phase"], gone["type"]) == ("db", "gone", "change") and list(gone) == FIELDS


@pytest.mark.parametrize("scene", builders.SCENES)
def test_every_event_has_the_same_fields_in_the_same_order(scene: str) -> None:
    seen = builders.SCENES[scene]()
    assert list(event("begin", seen, NOW)) == FIELDS == list(ended(seen, NOW, ExitCode.OK, ""))
    line = documents.dump(event("begin", seen, NOW), "jsonl")
    assert "\n" not in line and line.isprintable()
