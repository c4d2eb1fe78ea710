"""Others act meanwhile, on the real control plane: deploys with a partition of their own, admission, LeaderWorkerSets; and what a
broken version is mended by."""

import http.client
import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.commands.middle import middle
from tests.commands.plugin import Plugin, manifest

pytestmark = pytest.mark.real

OLD, NEW, BROKEN = "app:1", "app:2", "app:invalid"  # which is stuck at once


def deploy(pets: Plugin, partition: int) -> str:
    """A command line that sets the partition, as a deploy that states one does."""
    patch = f'{{"spec":{{"updateStrategy":{{"rollingUpdate":{{"partition":{partition}}}}}}}}}'
    words = ["patch", "statefulset", "web", "-n", pets.namespace, "--type=merge", "-p", patch]
    return shlex.join(pets.plane.kubectl_line(*words))


def test_a_deploy_that_lowers_the_partition_under_a_gated_run(pets: Plugin) -> None:
    """It ended as complete, with no gate asked."""
    pets.make("web", replicas=4, extra="minReadySeconds: 2")
    once = f'[ "$KUBECTL_PETS_POD" = web-3 ] && {deploy(pets, 0)} || true'
    shown = pets("rollout", "run", "web", "--image", NEW, "--gate-cmd", once, "--timeout", "60s", expect=1).stderr
    assert "somebody lowered the partition" in shown and "web-2" in shown
    held = pets.partition()
    pets("status", "web", "-w", "--timeout", "60s", expect=3 if held else 0)
    images = pets.images()
    assert images["web-3"] == images["web-2"] == NEW
    assert held and [images[f"web-{ordinal}"] for ordinal in range(held)] == [OLD] * held
    assert f"partition {held}" in shown and f"kubectl pets partition web 0 -n {pets.namespace}" in shown


def test_a_new_version_of_somebody_elses_under_our_partition(pets: Plugin) -> None:
    """The run is over; that its partition holds back what was deployed is said, with what clears it."""
    pets.make("web")
    words = pets.plane.kubectl_line("set", "image", "statefulset/web", "app=app:9", "-n", pets.namespace)
    gate = f'[ "$KUBECTL_PETS_POD" = web-2 ] && {shlex.join(words)} || true'
    shown = pets("rollout", "run", "web", "--image", NEW, "--gate-cmd", gate, "--timeout", "60s", expect=1).stderr
    assert "changed the template" in shown and pets.partition() == 2
    assert "partition 2 of this run stays and holds back web-0, web-1" in shown and "partition web 0" in shown


def beside(pets: Plugin, folder: Path, words: tuple[str, ...], others: tuple[str, ...], *, behind: bool, expect: int = 0) -> str:
    """What the verb says where somebody runs kubectl right before its first change, or right ``behind`` it."""
    with middle(pets.plane, folder) as between:
        forward, left = between.gate.forward, [others]

        def interrupting(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            its_turn = method == "PATCH" and "dryRun" not in path and bool(left)
            other = left.pop() if its_turn else ()
            if other and not behind:
                pets.kubectl(*other)
            response = forward(method, path, headers, body)
            if other and behind:
                pets.kubectl(*other)
            return response

        between.gate.forward = interrupting  # type: ignore[method-assign]
        told = pets(*words, "--timeout", "60s", expect=expect, kubeconfig=between.kubeconfig).stderr
        assert not left, "it has changed nothing"
    return told


def test_a_version_that_is_deployed_right_behind_an_undo(pets: Plugin, tmp_path: Path) -> None:
    """Before its first look after the change: it ended as undone (0), and the pods ran what nobody had gone back to."""
    pets.make("web")
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    deployed = ("set", "image", "statefulset/web", "app=app:9")
    told = beside(pets, tmp_path, ("rollout", "undo", "web"), deployed, behind=True, expect=1)
    assert "somebody changed the template" in told and "undone" not in told
    pets("status", "web", "-w", "--timeout", "60s")
    assert set(pets.images().values()) == {"app:9"}


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_somebody_scales_right_before_only_the_note_of_a_pause_is_changed(pets: Plugin, tmp_path: Path, verb: str) -> None:
    """Its change is refused, for the set is another one by then. The pause said that its note was taken off, and noted none; the
    resume said that it had resumed, and the note stayed."""
    pets.make("web")
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    if verb == "resume":
        pets("rollout", "pause", "web")
    scale = ("scale", "statefulset/web", "--replicas=4")
    beside(pets, tmp_path, ("rollout", verb, "web"), scale, behind=False)
    assert ("kubectl-pets/resume-partition" in pets.set()["metadata"]["annotations"]) is (verb == "pause")
    assert pets.partition() == 2


def mirrored(pets: Plugin) -> AbstractContextManager[None]:
    """Admission in this namespace: images come from a mirror (kyverno/policies#347)."""
    image = "object.spec.template.spec.containers[0].image"
    rewrite = f'{image}.startsWith("mirror/") ? [] : [JSONPatch{{op: "replace", path: "/spec/template/spec/containers/0/image", value: "mirror/" + {image}}}]'
    return admission(pets, rewrite, lambda spec: spec["template"]["spec"]["containers"][0]["image"].startswith("mirror/"))


def unheld(pets: Plugin) -> AbstractContextManager[None]:
    """Admission in this namespace: no partition holds anything back."""
    kind = "Object.spec.updateStrategy"
    strategy = f'{kind}{{type: "RollingUpdate", rollingUpdate: {kind}.rollingUpdate{{partition: 0}}}}'
    rewrite = f'[JSONPatch{{op: "replace", path: "/spec/updateStrategy", value: {strategy}}}]'
    return admission(pets, rewrite, lambda spec: "rollingUpdate" in spec["updateStrategy"])


def pinned(pets: Plugin) -> AbstractContextManager[None]:
    """Admission in this namespace: the image is app:1, whatever is asked for."""
    image = 'JSONPatch{op: "replace", path: "/spec/template/spec/containers/0/image", value: "app:1"}'
    rewrite = f'[{image}, JSONPatch{{op: "add", path: "/spec/revisionHistoryLimit", value: 7}}]'
    return admission(pets, rewrite, lambda spec: spec["revisionHistoryLimit"] == 7)


@contextmanager
def admission(pets: Plugin, rewrite: str, rewritten: Callable[[Any], bool]) -> Iterator[None]:
    """A policy in this namespace that changes each StatefulSet. ``rewritten``: whether it has, by the spec."""
    name = f"rewrites-{pets.namespace}"
    policy = f"""
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  failurePolicy: Fail
  reinvocationPolicy: Never
  matchConstraints:
    resourceRules: [{{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [statefulsets]}}]
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {pets.namespace}}}}}
  mutations: [{{patchType: JSONPatch, jsonPatch: {{expression: '{rewrite}'}}}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {name}}}
"""
    if "mutatingadmissionpolicies" not in pets.plane.kubectl("api-resources", "--api-group=admissionregistration.k8s.io", "-o", "name").stdout:
        pytest.skip("this server has no MutatingAdmissionPolicy, which is on since 1.36 (KEP-3962)")
    pets.plane.apply(policy)
    try:
        probe = manifest("probe", replicas=0)

        def works() -> bool:
            pets.plane.apply(probe, pets.namespace)
            spec = pets.set("probe")["spec"]
            pets.kubectl("delete", "statefulset", "probe")
            return rewritten(spec)

        pets.eventually(works, "admission works")
        yield
    finally:
        pets.plane.kubectl("delete", "mutatingadmissionpolicybinding,mutatingadmissionpolicy", name)


def test_admission_that_rewrites_images(pets: Plugin) -> None:
    """Each run ended with "somebody changed the template", and the second one was refused."""
    with mirrored(pets):
        pets.make("web")
        pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
        assert pets.images()["web-2"] == "mirror/app:2" and pets.partition() == 2
        shown = pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s").stderr
        assert "admission makes mirror/app:2 of app:2" in shown
        assert set(pets.images().values()) == {"mirror/app:2"} and pets.partition() == 0
        generation = pets.set()["metadata"]["generation"]
        pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
        pets("rollout", "run", "web", "--image", "mirror/app:2", "--timeout", "60s")
        assert pets.set()["metadata"]["generation"] == generation


def test_admission_that_pins_what_runs(pets: Plugin) -> None:
    """"nothing to do, complete", and the version that was asked for ran nowhere. A gateway that answers a change with what was there
    before looks the same."""
    pets.make("web")
    with pinned(pets):
        for words in (["canary", "web", "--image", NEW], ["run", "web", "--image", NEW]):
            shown = pets("rollout", *words, "--timeout", "60s", expect=6).stderr
            assert "admission makes app:1 of app:2" in shown and "admission made of it what was there before" in shown
    assert set(pets.images().values()) == {"app:1"} and pets.set()["metadata"]["generation"] == 1


def test_admission_that_lets_go_what_a_partition_is_to_hold(pets: Plugin) -> None:
    """All pods went with the canary, and that was told as somebody else's deploy."""
    pets.make("web")
    before, generation = pets.uids(), pets.set()["metadata"]["generation"]
    with unheld(pets):
        for words in (["canary", "web", "--image", NEW], ["run", "web", "--image", NEW, "--step", "1"]):
            shown = pets("rollout", *words, "--timeout", "60s", expect=6).stderr
            assert "admission makes partition 0 of the" in shown and "kubectl get mutatingwebhookconfigurations" in shown
        pets("rollout", "canary", "web", "--image", NEW, "--dry-run=server", expect=6)
    assert pets.uids() == before and pets.set()["metadata"]["generation"] == generation


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_a_first_image_that_is_broken(pets: Plugin, policy: str) -> None:
    """kubernetes/kubernetes#60164: there was nothing to go back to, and each verb named another that was refused."""
    pets.make("web", wait=False, image=BROKEN, replicas=2, policy=policy)
    shown = pets("status", "web", "-w", "--timeout", "60s", expect=4).stderr
    assert f"kubectl pets rollout run web --image app={BROKEN} " in shown and "abort" not in shown
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    assert set(pets.images().values()) == {NEW} and pets.partition() == 0


def test_a_broken_update_by_hand_is_fixed_forward(pets: Plugin) -> None:
    pets.make("web", strategy="{type: OnDelete}")
    pets.kubectl("set", "image", "statefulset/web", f"app={BROKEN}")
    pets.kubectl("delete", "pod", "web-2")
    pets("status", "web", "-w", "--timeout", "60s", expect=4)
    pets("rollout", "run", "web", "--image", NEW, "-y", "--timeout", "60s")
    assert set(pets.images().values()) == {NEW}


def test_what_a_restart_left_alone_is_named(pets: Plugin) -> None:
    pets.make("web")
    pets.kubectl("label", "pod", "web-1", "role=primary")
    before = pets.uids()
    shown = pets("rollout", "restart", "web", "--skip-leader", "role=primary", "-y", "--timeout", "60s").stderr
    assert "left alone, because it leads: web-1" in shown
    after = pets.uids()
    assert [name for name in before if before[name] == after[name]] == ["web-1"]


def test_an_abort_under_a_deployer_that_states_a_partition(pets: Plugin) -> None:
    """The next client-side apply writes its partition over the one that holds the broken version."""
    stated = "{type: RollingUpdate, rollingUpdate: {partition: 0}}"
    pets.make("web", strategy=stated)
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    shown = pets("rollout", "abort", "web", "-y", "--timeout", "60s").stderr
    wanted = pets.set()["status"]["updateRevision"]
    assert shown.count(f"kubectl apply states a partition of its own, so its next deploy lets {wanted} loose again") == 2
    pets.make("plain")
    pets("rollout", "canary", "plain", "--image", NEW, "--timeout", "60s")
    assert "states a partition" not in pets("rollout", "abort", "plain", "-y", "--timeout", "60s").stderr


def test_server_side_apply_that_states_a_partition(pets: Plugin) -> None:
    """Our own writing takes the field from it, so what it stated is noted before."""
    text = manifest("web", strategy="{type: RollingUpdate, rollingUpdate: {partition: 0}}")
    pets.plane.kubectl("apply", "--server-side", "--field-manager=flux", "-n", pets.namespace, "-f", "-", input=text)
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")
    assert "flux states a partition" in pets("rollout", "abort", "web", "-y", "--timeout", "60s").stderr
