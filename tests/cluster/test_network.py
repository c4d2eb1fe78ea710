"""A set with its Services and EndpointSlices: read once, and kept up to date by watches."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from kubectl_pets.cluster import Client
from kubectl_pets.cluster.topics.network import WatchedNetwork
from kubectl_pets.domain.dns.network import HEADLESS, SERVICE_LABEL
from kubectl_pets.errors import NotFoundError
from tests.cluster.loopback import Answer, Loopback, drop, pod, stateful_set
from tests.cluster.waiting import until

_PLURALS = ("statefulsets", "pods", "services", "endpointslices")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"_LONGEST": 0.2, "_POLL": 0.05, "_GRACE": 0.3, "_DENIED": 0.2}.items():
        monkeypatch.setattr(f"kubectl_pets.cluster.objects.watches.{name}", seconds)


def service(server: Loopback, name: str, **spec: Any) -> None:
    server.world.put("services", name, spec={"clusterIP": "None", "selector": {"app": "web"}, "ports": None, **spec})


def endpoint_slice(server: Loopback, name: str, *addresses: str) -> None:
    endpoints = [{"addresses": [address], "conditions": {"ready": True}, "hostname": f"web-{number}", "targetRef": {"kind": "Pod", "name": f"web-{number}"}} for number, address in enumerate(addresses)]
    server.world.put("endpointslices", name, labels={SERVICE_LABEL: "nginx"}, addressType="IPv4", endpoints=endpoints or None, ports=None)


@pytest.fixture(autouse=True)
def web(server: Loopback) -> None:
    stateful_set(server.world, "web", replicas=2)
    for ordinal in range(2):
        pod(server.world, f"web-{ordinal}")
    pod(server.world, "other", app="other")
    service(server, "nginx", ports=[{"name": "web", "port": 80, "targetPort": "http"}], publishNotReadyAddresses=True)
    service(server, "other", type="ExternalName", externalName="db.example.org", clusterIP="")
    server.world.put("services", "elsewhere", "y", spec={})
    endpoint_slice(server, "nginx-1", "10.0.0.1", "10.0.0.2")
    endpoint_slice(server, "nginx-2")


@pytest.fixture
def source(server: Loopback, client: Client) -> Iterator[WatchedNetwork]:
    with client.watch_network("x", "web") as watching:
        server.await_requests(4, watch=True)
        yield watching


def test_one_look_brings_what_names_come_from(server: Loopback, client: Client) -> None:
    seen = client.network("x", "web")
    assert seen.set.name == "web"
    assert seen.pods is not None and sorted(each.name for each in seen.pods) == ["web-0", "web-1"]
    assert seen.services is not None
    services = {each.name: each for each in seen.services}
    assert list(services) == ["nginx", "other"]
    assert services["nginx"].spec.cluster_ip == HEADLESS and services["nginx"].headless
    assert services["nginx"].spec.publish_not_ready_addresses
    assert services["nginx"].spec.ports[0].target_port == "http"
    assert services["other"].spec.external_name == "db.example.org" and not services["other"].headless
    assert seen.slices is not None
    full, empty = seen.slices
    assert (full.service, full.address_type) == ("nginx", "IPv4")
    assert [(each.addresses, each.hostname, each.ready) for each in full.endpoints or ()] == [(("10.0.0.1",), "web-0", True), (("10.0.0.2",), "web-1", True)]
    assert (empty.endpoints, empty.ports) == (None, None)
    assert [len(server.requests(f"/{plural}", watch=False)) for plural in _PLURALS[1:]] == [1, 1, 1]


def test_a_set_that_is_not_there(server: Loopback, client: Client) -> None:
    server.world.put("namespaces", "x", "")
    for look in (client.network, client.watch_network):
        with pytest.raises(NotFoundError, match="no StatefulSet wep in namespace x") as caught:
            look("x", "wep")
        assert caught.value.hint == "was web meant?"


@pytest.mark.parametrize("plural, part", [("pods", "pods"), ("services", "services"), ("endpointslices", "slices")])
def test_what_may_not_be_read_is_none(server: Loopback, client: Client, plural: str, part: str) -> None:
    server.fault(Answer(403), path=f"/{plural}", times=1)
    seen = client.network("x", "web")
    assert [name for name in ("pods", "services", "slices") if getattr(seen, name) is None] == [part]
    server.fault(Answer(403), path=f"/{plural}", times=50, watch=None)
    with client.watch_network("x", "web") as source:
        seen = source.latest()
        assert [name for name in ("pods", "services", "slices") if getattr(seen, name) is None] == [part]
        assert source.trouble() is None
        server.mend()  # the right is given
        until(source, lambda seen: getattr(seen, part) is not None)


def test_changes_of_every_kind_are_seen(server: Loopback, source: WatchedNetwork) -> None:
    stateful_set(server.world, "web", replicas=3)
    until(source, lambda seen: seen.set.spec.replicas == 3)
    pod(server.world, "web-2")
    until(source, lambda seen: len(seen.pods or ()) == 3)
    service(server, "third")
    until(source, lambda seen: len(seen.services or ()) == 3)
    server.world.delete("services", "third")
    until(source, lambda seen: len(seen.services or ()) == 2)
    endpoint_slice(server, "nginx-2", "10.0.0.9")
    until(source, lambda seen: any(each.endpoints and each.endpoints[0].addresses == ("10.0.0.9",) for each in seen.slices or ()))


def test_nothing_new_is_nothing_to_wake_up_for(server: Loopback, source: WatchedNetwork) -> None:
    source.latest()
    assert not source.wait(0.1)
    server.world.put("services", "elsewhere", "y", spec={})
    assert not source.wait(0.1)


def test_connections_that_are_cut_and_versions_that_are_forgotten(server: Loopback, source: WatchedNetwork) -> None:
    server.fault(drop, watch=True, times=4)
    server.cut_watches()
    endpoint_slice(server, "nginx-2", "10.0.0.3")
    server.compact()
    until(source, lambda seen: any((each.endpoints or ())[:1] and (each.endpoints or ())[0].addresses == ("10.0.0.3",) for each in seen.slices or ()))
    server.restart()
    service(server, "after")
    until(source, lambda seen: len(seen.services or ()) == 3)


def test_a_set_that_is_deleted_and_one_that_takes_its_name(server: Loopback, source: WatchedNetwork) -> None:
    server.world.delete("statefulsets", "web")
    deadline = time.monotonic() + 10
    with pytest.raises(NotFoundError, match="StatefulSet web was deleted"):
        while time.monotonic() < deadline:
            source.latest()
            source.wait(0.5)
    stateful_set(server.world, "web", labels={"app": "other"}, uid="another")
    while time.monotonic() < deadline:
        source.wait(0.5)
        try:
            seen = source.latest()
        except NotFoundError:
            continue
        if [each.name for each in seen.pods or ()] == ["other"]:
            return
    pytest.fail("the new set's pods were not seen")
