"""Strategies, policies and odd shapes, on the real control plane."""

import pytest

from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real

OLD, NEW = "app:1", "app:2"


def test_on_delete_is_rolled_by_deletion_in_order(pets: Plugin) -> None:
    pets.make("web", strategy="{type: OnDelete}")
    refused = pets("rollout", "canary", "web", "--image", NEW, expect=6)
    assert "web-2" in refused.stderr and "web-1" not in refused.stderr
    assert set(pets.images().values()) == {OLD} and pets.set()["metadata"]["generation"] == 1
    pets("rollout", "canary", "web", "--image", NEW, "-y", "--timeout", "60s")
    assert pets.images() == {"web-0": OLD, "web-1": OLD, "web-2": NEW}
    pets("status", "web", expect=3)
    assert "waiting for delete" in pets("list").stdout.replace("-", " ")
    pets("rollout", "step", "web", "-y", "--timeout", "60s")
    assert pets.images() == {"web-0": OLD, "web-1": NEW, "web-2": NEW}
    pets("rollout", "run", "web", "-y", "--timeout", "60s")
    assert set(pets.images().values()) == {NEW}
    pets("status", "web")
    pets("rollout", "abort", "web", "-y", expect=6)
    pets("partition", "web", "1", expect=6)


def test_parallel_still_updates_in_order(pets: Plugin) -> None:
    pets.make("web", replicas=5, policy="Parallel")
    pets("rollout", "run", "web", "--image", NEW, "--step", "2", "--timeout", "60s")
    assert set(pets.images().values()) == {NEW}


def test_max_unavailable(pets: Plugin) -> None:
    pets.make("web", replicas=4, policy="Parallel", strategy="{rollingUpdate: {maxUnavailable: 2}}")
    pets("rollout", "run", "web", "--image", NEW, "--step", "2", "--timeout", "60s")
    assert set(pets.images().values()) == {NEW} and pets.partition() == 0


def test_ordinals_start(pets: Plugin) -> None:
    pets.make("web", extra="ordinals: {start: 7}")
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    assert pets.images() == {"web-7": OLD, "web-8": OLD, "web-9": NEW} and pets.partition() == 2
    pets("rollout", "abort", "web", "-y", "--timeout", "60s")
    assert set(pets.images().values()) == {OLD} and pets.partition() == 3


def test_min_ready_seconds_hold_every_step(pets: Plugin) -> None:
    import time

    pets.make("web", replicas=2, extra="minReadySeconds: 2")
    start = time.monotonic()
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    # Times of transition are cut to whole seconds, so each of the two pods has to wait for more than one second.
    assert time.monotonic() - start > 2 and set(pets.images().values()) == {NEW}
    pets.eventually(lambda: pets.set()["status"]["availableReplicas"] == 2, "the controller agrees")  # older ones take a while


def test_zero_replicas(pets: Plugin) -> None:
    pets.make("web", replicas=0)
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    assert pets.partition() == 0
    pets.kubectl("scale", "statefulset/web", "--replicas=1")
    pets("status", "web", "-w", "--timeout", "60s")
    assert pets.images() == {"web-0": NEW}


def test_init_containers_have_images_too(pets: Plugin) -> None:
    pets.make("web", replicas=1)
    pets.kubectl(
        "patch", "statefulset", "web", "-p",
        '{"spec":{"template":{"spec":{"initContainers":[{"name":"setup","image":"setup:1"}]}}}}',
    )
    pets("status", "web", "-w", "--timeout", "60s")
    pets("rollout", "run", "web", "--image", "app:2", expect=2)  # which one?
    pets("rollout", "run", "web", "--image", "setup=setup:2", "--image", "app=app:2", "--timeout", "60s")
    template = pets.set()["spec"]["template"]["spec"]
    assert (template["initContainers"][0]["image"], template["containers"][0]["image"]) == ("setup:2", "app:2")
