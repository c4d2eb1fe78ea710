"""What is read for doctor alone: volumes as kubelets have them, and revisions in full."""

import json

import pytest

from kubectl_pets.cluster import Client
from kubectl_pets.domain.doctor.estate import VolumeUse
from tests.cluster.loopback import Answer, Loopback

REVISIONS = "/apis/apps/v1/namespaces/x/controllerrevisions"


def summary_of(node: str) -> str:
    return f"/api/v1/nodes/{node}/proxy/stats/summary"


def stats(*volumes: tuple[str, int, int]) -> bytes:
    own = [
        {"name": "v", "pvcRef": {"name": claim, "namespace": "x"}, "usedBytes": used, "capacityBytes": capacity}
        for claim, used, capacity in volumes
    ]
    other = [{"name": "kube-api-access", "usedBytes": 1, "capacityBytes": 2}, {"name": "raw", "pvcRef": {"name": "raw", "namespace": "x"}}]
    return json.dumps({"node": {"nodeName": "a"}, "pods": [{"podRef": {"name": "web-0"}, "volume": [*own, *other]}, {"podRef": {"name": "no"}}]}).encode()


def test_of_each_claim_that_a_kubelet_tells_of(server: Loopback, client: Client) -> None:
    server.fault(Answer(200, stats(("data-web-0", 9, 10))), path=summary_of("a"))
    server.fault(Answer(200, stats(("data-web-1", 1, 10))), path=summary_of("b"))
    assert client.volume_usage(["a", "b"]) == {
        ("x", "data-web-0"): VolumeUse(used=9, capacity=10),
        ("x", "data-web-1"): VolumeUse(used=1, capacity=10),
    }
    assert client.volume_usage([]) == {}


@pytest.mark.parametrize("answer", [Answer(503), Answer(502, b"no route"), Answer(200, b"<html>"), Answer(404)])
def test_a_node_that_does_not_answer_costs_its_own_volumes(server: Loopback, client: Client, answer: Answer) -> None:
    server.fault(answer, path=summary_of("a"), times=99)
    server.fault(Answer(200, stats(("data-web-1", 1, 10))), path=summary_of("b"))
    assert client.volume_usage(["a", "b"]) == {("x", "data-web-1"): VolumeUse(used=1, capacity=10)}


def test_who_may_not_ask_kubelets_knows_of_none(server: Loopback, client: Client) -> None:
    server.fault(Answer(200, stats(("data-web-1", 1, 10))), path=summary_of("b"))
    server.fault(Answer(403), path=summary_of("a"))
    assert client.volume_usage(["a", "b"]) is None


def filled(server: Loopback, number: int) -> list[tuple[str, str]]:
    for each in range(number):
        template = {"$patch": "replace", "metadata": {"creationTimestamp": None, "labels": {"number": str(each)}}}
        server.world.put("controllerrevisions", f"web-{each}", revision=each, data={"spec": {"template": template}})
    return [("x", f"web-{each}") for each in range(number)]


@pytest.mark.parametrize("number", [2, 30])
def test_templates_in_full_by_name_or_out_of_the_list(server: Loopback, client: Client, number: int) -> None:
    places = filled(server, number)
    server.world.put("controllerrevisions", "other", revision=1, data={"spec": {"template": {"spec": {}}}})
    found = client.templates([*places, ("x", "gone")])
    assert found == {place: {"metadata": {"creationTimestamp": None, "labels": {"number": str(each)}}} for each, place in enumerate(places)}
    asked = {request.path for request in server.seen}
    assert (REVISIONS in asked) is (number > 20)


@pytest.mark.parametrize("number", [2, 30])
def test_templates_that_may_not_be_read(server: Loopback, client: Client, number: int) -> None:
    places = filled(server, number)
    server.fault(Answer(403), times=99)
    assert client.templates(places) is None
