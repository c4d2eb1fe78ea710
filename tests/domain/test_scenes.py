"""Scenes: what a cluster holds, written as the API server writes it, and the verdict on it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
import pytest
import yaml

from kubectl_pets.domain.model import (
    Around,
    ControllerRevision,
    Event,
    NodeReadiness,
    PersistentVolumeClaim,
    Pod,
    ServerVersion,
    SetView,
    StatefulSet,
)
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import FAILING_REASONS, HOPELESS_REASONS
from kubectl_pets.domain.rollout.verdict import Assessment, Awaiting, Blocker

Kind = TypeVar("Kind")

SCENES = Path(__file__).parent / "scenes"
FILES = ("complete_or_not", "partition_and_strategy", "patience", "stuck_or_not")
BASE: dict[str, Any] = yaml.safe_load((SCENES / "base.yaml").read_text())


def merged(base: Any, patch: Any) -> Any:
    """RFC 7386, and ``$replace`` for a whole map."""
    if not isinstance(patch, dict):
        return patch
    if "$replace" in patch:
        return patch["$replace"]
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def one_of(kind: str, name: str, patch: Any) -> dict[str, Any]:
    found: dict[str, Any] = merged(merged(BASE[kind], {"metadata": {"name": name, "uid": f"{kind}-{name}"}}), patch)
    return found


def make_pod(name: str, words: list[Any]) -> dict[str, Any]:
    mounted = [{"name": "data", "persistentVolumeClaim": {"claimName": f"data-{name}"}}]
    found = one_of("pod", name, {"spec": {"hostname": name, "volumes": mounted}})
    for word in words:
        found = merged(found, BASE["states"][word] if isinstance(word, str) else word)
    return found


class Items(msgspec.Struct, Generic[Kind]):
    """A List as the API sends it."""

    items: tuple[Kind, ...]


def sent(document: Any) -> bytes:
    return json.dumps(document).encode()


def make_event(words: dict[str, Any]) -> dict[str, Any]:
    """``$set``: a message about the set; ``$pod``: the pod that it is about; times of 2026-03-01."""
    of_set = "$set" in words
    name = "web" if of_set else words["$pod"]
    uid = words.get("uid", BASE["set"]["metadata"]["uid"] if of_set else f"pod-{name}")
    times = {f"{key}Timestamp": f"2026-03-01T{words[key]}Z" for key in ("first", "last")}
    return {
        "metadata": {"name": f"{name}.{words['reason']}.{words['first']}", "namespace": "prod"},
        "involvedObject": {"kind": "StatefulSet" if of_set else "Pod", "name": name, "namespace": "prod", "uid": uid},
        "type": words.get("type", "Warning"),
        "reason": words["reason"],
        "message": words["$set"] if of_set else words["message"],
        "count": words.get("count", 1),
        **times,
    }


def around(asked: dict[str, Any] | None) -> Around | None:
    if asked is None:
        return None
    events, namesakes = asked.get("events", []), asked.get("namesakes", {})
    made = sent([make_pod(name, words) for name, words in namesakes.items()])
    return Around(
        events=None if events is None else msgspec.json.decode(sent([make_event(each) for each in events]), type=tuple[Event, ...]),
        namesakes=msgspec.json.decode(made, type=tuple[Pod, ...]),
        nodes=msgspec.json.decode(sent(asked.get("nodes", [])), type=tuple[NodeReadiness, ...]),
        missing_since={name: datetime.fromisoformat(time) for name, time in asked.get("missing_since", {}).items()},
    )


def decoded(scene: dict[str, Any], version: str) -> SetView:
    """Through msgspec from the bytes that a server would send."""
    server = msgspec.json.decode(sent({"gitVersion": version, "major": "1"}), type=ServerVersion)
    if "set" in scene and scene["set"] is None:
        return SetView(set=None, server=server)
    pods, claims, revisions = scene["pods"], scene.get("claims", {}), scene.get("revisions", {})

    def listed(items: list[dict[str, Any]]) -> bytes:
        return sent({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items})

    pod_list = listed([make_pod(name, words) for name, words in (pods or {}).items()])
    claim_list = listed([one_of("claim", name, patch) for name, patch in (claims or {}).items()])
    revision_list = listed([one_of("revision", name, patch) for name, patch in revisions.items()])
    return SetView(
        set=msgspec.json.decode(sent(merged(BASE["set"], scene.get("set", {}))), type=StatefulSet),
        pods=None if pods is None else msgspec.json.decode(pod_list, type=Items[Pod]).items,
        claims=None if claims is None else msgspec.json.decode(claim_list, type=Items[PersistentVolumeClaim]).items,
        revisions=msgspec.json.decode(revision_list, type=Items[ControllerRevision]).items,
        server=server,
        around=around(scene.get("around")),
    )


def cases() -> list[Any]:
    found = []
    for file in FILES:
        for scene in yaml.safe_load_all((SCENES / f"{file}.yaml").read_text()):
            for version, phase in scene.get("servers", {"v1.37.2": scene["expect"].get("phase")}).items():
                expect = scene["expect"] | ({"phase": phase} if phase else {})
                name = f"{scene['title']} ({version or 'unknown'})" if "servers" in scene else scene["title"]
                found.append(pytest.param(scene, version, expect, id=name))
    return found


def words(item: Blocker | Awaiting) -> str:
    parts = (item.cause, item.pod, item.reason) if isinstance(item, Blocker) else (item.awaited, item.pod)
    return " ".join(part for part in parts if part)


def ended(blocker: Blocker) -> str:
    code = "-" if blocker.exit_code is None else blocker.exit_code
    return f"{blocker.container} {code} {blocker.restarts}" + (f" {blocker.end}" if blocker.end not in ("", "Error") else "")


def shown(seen: Assessment) -> dict[str, Any]:
    """Whatever a scene may have an opinion on."""
    recheck = seen.recheck_at.strftime("%Y-%m-%dT%H:%M:%SZ") if seen.recheck_at else None
    return {
        "phase": str(seen.phase),
        "waits": [words(wait) for wait in seen.waits_for],
        "blockers": [words(blocker) for blocker in seen.blockers],
        "failing": [words(blocker) for blocker in seen.failing],
        "message": next((blocker.message for blocker in seen.blockers + seen.failing), ""),
        "ends": [ended(blocker) for blocker in seen.blockers],
        "unread": list(seen.unread),
        "silent_nodes": [f"{node.name} {node.ready}" for node in seen.silent_nodes],
        "pods": {member.name: str(member.state) for member in seen.members},
        "odd_images": {member.name: list(member.odd_images) for member in seen.members if member.odd_images},
        "surplus": {member.name: str(member.state) for member in seen.surplus},
        "left_over": seen.partition_left_over,
        "staged": seen.staged,
        "partition": seen.partition,
        "claims": seen.claims,
        "recheck_at": recheck,
        "revisions": {group.name: list(group.pods) for group in seen.revisions},
    }


@pytest.mark.parametrize(("scene", "version", "expect"), cases())
def test_scene(scene: dict[str, Any], version: str, expect: dict[str, Any]) -> None:
    now = datetime.strptime(scene.get("now", "2026-03-01T12:00:00Z"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    found = shown(assess(decoded(scene, version), now))
    assert set(expect) <= set(found)
    for key, value in expect.items():
        if key == "pods" and value:
            assert found[key] == found[key] | value
        else:
            assert found[key] == value, key


@pytest.mark.parametrize("reason", sorted(FAILING_REASONS | HOPELESS_REASONS))
@pytest.mark.parametrize("field", ["containerStatuses", "initContainerStatuses"])
def test_every_reason_that_keeps_a_container_from_starting(reason: str, field: str) -> None:
    status = {field: [{"name": "web", "ready": False, "restartCount": 0, "image": "x", "state": {"waiting": {"reason": reason}}, "lastState": {}}]}
    scene = {"pods": {"web-0": ["old"], "web-1": ["old"], "web-2": ["new", "pulling", {"status": status}]}}
    began = datetime(2026, 3, 1, 10, 0, 1, tzinfo=UTC)
    early, late = (assess(decoded(scene, "v1.37.2"), began + timedelta(seconds=seconds)) for seconds in (119, 120))
    assert shown(early)["phase"] == ("stuck" if reason in HOPELESS_REASONS else "failing")
    assert shown(late)["phase"] == "stuck" and shown(late)["blockers"] == [f"container web-2 {reason}"]


def test_no_two_scenes_have_the_same_title() -> None:
    titles = [case.id for case in cases()]
    assert len(titles) == len(set(titles))
