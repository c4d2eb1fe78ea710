"""partition, canary, step, promote, run, pause and resume, on the real control plane."""

import json

import pytest

from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real

OLD, NEW = "app:1", "app:2"


def test_canary_step_promote(pets: Plugin) -> None:
    pets.make("web")
    before = pets.uids()
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    assert pets.images() == {"web-0": OLD, "web-1": OLD, "web-2": NEW} and pets.partition() == 2
    pets("rollout", "canary", "web", "--image", NEW)  # typed again: nothing more
    assert pets.images()["web-1"] == OLD
    pets("status", "web", expect=3)
    pets("status", "web", "--until", "canary")
    pets("rollout", "step", "web", "--timeout", "60s")
    assert pets.images() == {"web-0": OLD, "web-1": NEW, "web-2": NEW} and pets.partition() == 1
    assert pets.uids()["web-0"] == before["web-0"]
    pets("rollout", "promote", "web", "--timeout", "60s")
    assert set(pets.images().values()) == {NEW} and pets.partition() == 0
    pets("status", "web")
    assert "kubectl-pets/resume-partition" not in pets.set()["metadata"].get("annotations", {})


def test_run_goes_all_the_way_and_only_once(pets: Plugin) -> None:
    pets.make("web", replicas=4)
    result = pets("rollout", "run", "web", "--image", f"app={NEW}", "--canary", "1", "--step", "50%", "--timeout", "90s")
    assert set(pets.images().values()) == {NEW} and pets.partition() == 0
    assert "web-3" in result.stdout
    generation, uids = pets.set()["metadata"]["generation"], pets.uids()
    pets("rollout", "run", "web", "--image", NEW)
    assert pets.set()["metadata"]["generation"] == generation and pets.uids() == uids


def test_what_was_just_done_is_not_asked_for_as_a_right(pets: Plugin) -> None:
    """The pods were listed for the plan: left are to patch the set and to watch its pods. Each look lists the pods anew."""
    pets.make("web", replicas=2)
    sent = pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s", "-v=6").stderr.splitlines()
    assert sum("/selfsubjectaccessreviews: HTTP 201" in line for line in sent) == 2
    patches = [index for index, line in enumerate(sent) if line.startswith("PATCH ") and "dryRun" not in line]
    lists = [index for index, line in enumerate(sent) if line.startswith("GET ") and "/pods?" in line and "watch" not in line]
    assert len(patches) == 3
    assert all(any(before < each < after for each in lists) for before, after in zip((0, *patches), (*patches, len(sent)))), sent


def test_run_soaks_between_steps(pets: Plugin) -> None:
    import time

    pets.make("web", replicas=2)
    start = time.monotonic()
    pets("rollout", "run", "web", "--image", NEW, "--pause", "3s", "--timeout", "60s")
    assert time.monotonic() - start >= 3 and set(pets.images().values()) == {NEW}


def test_dry_run_prints_and_changes_nothing(pets: Plugin) -> None:
    pets.make("web")
    before = pets.set()["metadata"]["resourceVersion"]
    shown = pets("rollout", "run", "web", "--image", NEW, "--dry-run").stdout
    assert "web-2" in shown and shown.index("web-2") < shown.index("web-0")
    document = json.loads(pets("rollout", "canary", "web", "--image", NEW, "--dry-run", "-o", "json").stdout)
    assert document["kind"] == "RolloutPlan"
    assert "would accept" in pets("rollout", "canary", "web", "--image", NEW, "--dry-run=server").stderr
    assert pets.set()["metadata"]["resourceVersion"] == before


def test_partition_is_set_absolute_relative_and_by_share(pets: Plugin) -> None:
    pets.make("web", replicas=5)
    for value, result in (("3", 3), ("+1", 4), ("-2", 2), ("50%", 3), ("0", 0)):
        pets("partition", "web", value)
        assert pets.partition() == result
    pets("partition", "web", "6", expect=2)
    pets("partition", "web", "-1", expect=2)
    assert pets.partition() == 0
    assert "partition 0 -> 2" in pets("partition", "web", "2", "--dry-run").stdout and pets.partition() == 0


def test_pause_holds_and_resume_goes_on(pets: Plugin) -> None:
    pets.make("web", replicas=4, pod_annotations='{kubectl-pets.test/ready-after: "2s"}')
    pets.kubectl("set", "image", "statefulset/web", f"app={NEW}")
    pets.eventually(lambda: NEW in pets.images().values(), "the controller started")
    pets("rollout", "pause", "web")
    partition = pets.partition()
    assert partition in (2, 3)
    pets("status", "web", "-w", "--until", "canary", "--timeout", "60s")
    held = {f"web-{ordinal}": OLD if ordinal < partition else NEW for ordinal in range(4)}
    assert pets.images() == held
    assert pets.set()["metadata"]["annotations"]["kubectl-pets/resume-partition"] == "0"
    pets("rollout", "resume", "web")
    pets("status", "web", "-w", "--timeout", "60s")
    assert set(pets.images().values()) == {NEW} and pets.partition() == 0
    pets("rollout", "pause", "web", expect=6)


def test_gitops_owner_is_named_before_the_change(pets: Plugin) -> None:
    pets.make("web", annotations='{argocd.argoproj.io/tracking-id: "shop:apps/StatefulSet:db/web"}')
    result = pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    assert "warning" in result.stderr and "Argo CD" in result.stderr


def test_three_revisions_are_told_apart(pets: Plugin) -> None:
    pets.make("web")
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    pets("partition", "web", "3")
    pets.kubectl("set", "image", "statefulset/web", "app=app:3")
    pets("status", "web", "-w", "--timeout", "60s", expect=3)
    shown = json.loads(pets("status", "web", "-o", "json", expect=3).stdout)
    assert len(shown["status"]["revisions"]) == 3
    pets("rollout", "promote", "web", "--timeout", "60s")
    assert set(pets.images().values()) == {"app:3"}
