"""Stuck rollouts and the way back, on the real control plane."""

import pytest

from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real

OLD, NEW, BROKEN = "app:1", "app:2", "app:broken"


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_abort_brings_every_pod_back(pets: Plugin, policy: str) -> None:
    pets.make("web", replicas=4, policy=policy)
    before = pets.uids()
    pets("rollout", "canary", "web", "--pods", "2", "--image", NEW, "--timeout", "60s")
    pets("rollout", "abort", "web", "-y", "--timeout", "60s")
    assert set(pets.images().values()) == {OLD} and pets.partition() == 4
    after = pets.uids()
    assert [before[pod] == after[pod] for pod in sorted(after)] == [True, True, False, False]
    pets("status", "web", "--until", "ready")
    assert "app:2" in pets("status", "web", expect=3).stdout
    pets("rollout", "abort", "web", "-y")  # again: nothing to do


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_stuck_run_pauses_and_abort_frees_it(pets: Plugin, policy: str) -> None:
    pets.make("web", policy=policy)
    result = pets("rollout", "run", "web", "--image", BROKEN, "--timeout", "60s", expect=4)
    assert "web-2" in result.stderr and "ImagePull" in result.stderr
    assert pets.images() == {"web-0": OLD, "web-1": OLD, "web-2": BROKEN} and pets.partition() == 2
    pets("rollout", "promote", "web", expect=4)
    pets("rollout", "abort", "web", "-y", "--timeout", "60s")
    assert set(pets.images().values()) == {OLD}
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    assert set(pets.images().values()) == {NEW} and pets.partition() == 0


def test_run_that_aborts_by_itself(pets: Plugin) -> None:
    pets.make("web")
    pets("rollout", "run", "web", "--image", BROKEN, "--on-stuck", "abort", "--timeout", "60s", expect=4)
    assert set(pets.images().values()) == {OLD} and pets.partition() == 3


def test_abort_of_several_broken_pods(pets: Plugin) -> None:
    """In OrderedReady the lowest broken pod has to go first, or nothing above it is ever made anew."""
    pets.make("web", replicas=4)
    pets("rollout", "canary", "web", "--pods", "2", "--image", NEW, "--timeout", "60s")
    pets.kubectl("label", "pod", "web-2", "web-3", "kubectl-pets.test/unready=true")
    pets.eventually(lambda: pets.set()["status"]["readyReplicas"] == 2, "two pods unready")
    pets("rollout", "abort", "web", "-y", "--timeout", "60s")
    assert set(pets.images().values()) == {OLD}


def test_abort_asks_before_it_deletes(pets: Plugin) -> None:
    pets.make("web")
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    uids = pets.uids()
    refused = pets("rollout", "abort", "web", expect=6)
    assert "-y" in refused.stderr and "web-2" in refused.stderr
    pets("rollout", "abort", "web", expect=6, interactive=True, answers="no\n")
    assert pets.uids() == uids and pets.partition() == 2
    pets("rollout", "abort", "web", "--timeout", "60s", interactive=True, answers="y\n")
    assert set(pets.images().values()) == {OLD}


def test_who_orders_another_version_while_it_is_asked_keeps_its_pods(pets: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was agreed to is to take down the pods of the version that was wanted then."""
    from tests.terminal import FakeTerminal

    pets.make("web")
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")

    def agrees(terminal: FakeTerminal, question: str) -> bool:
        assert "web-2" in question
        pets.kubectl("set", "image", "statefulset/web", "app=app:3")
        pets.eventually(lambda: pets.images().get("web-2") == "app:3", "the pod of the new version")
        pets("status", "web", "-w", "--until", "canary", "--timeout", "60s")
        return True

    monkeypatch.setattr(FakeTerminal, "agrees", agrees)
    stopped = pets("rollout", "abort", "web", "--timeout", "60s", expect=1)
    assert "somebody changed the template" in stopped.stderr
    assert pets.images() == {"web-0": OLD, "web-1": OLD, "web-2": "app:3"} and pets.partition() == 2


def test_nothing_to_go_back_to(pets: Plugin) -> None:
    pets.make("web")
    generation = pets.set()["metadata"]["generation"]
    result = pets("rollout", "abort", "web", "-y", expect=6)
    assert "refused" in result.stderr
    assert pets.set()["metadata"]["generation"] == generation


def test_abort_waits_for_a_pod_of_the_old_revision(pets: Plugin) -> None:
    """No available pod is deleted while another one is down."""
    pets.make("web")
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    pets.kubectl("label", "pod", "web-0", "kubectl-pets.test/unready=true")
    pets.eventually(lambda: pets.set()["status"]["readyReplicas"] == 2, "web-0 unready")
    uid = pets.uids()["web-2"]
    pets("rollout", "abort", "web", "-y", "--timeout", "3s", expect=5)
    assert pets.uids()["web-2"] == uid
    pets.kubectl("label", "pod", "web-0", "kubectl-pets.test/unready-")
    pets("rollout", "abort", "web", "-y", "--timeout", "60s")
    assert set(pets.images().values()) == {OLD}


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_a_broken_canary_is_fixed_forward(pets: Plugin, policy: str) -> None:
    """Another image in place of the broken one: just the pod that is broken goes, unasked, and then all the others as usual."""
    pets.make("web", policy=policy)
    pets("rollout", "canary", "web", "--image", BROKEN, "--timeout", "60s", expect=4)
    before = pets.uids()
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    after = pets.uids()
    assert {name for name in before if before[name] == after[name]} == {"web-0", "web-1"}
    assert pets.images() == {"web-0": OLD, "web-1": OLD, "web-2": NEW} and pets.partition() == 2
