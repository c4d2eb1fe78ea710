"""What is asked where a set is not well: which requests, and that a missing right is None and trouble is neither."""

import pytest

from kubectl_pets.cluster import Client
from kubectl_pets.domain.model import NodeReadiness
from kubectl_pets.domain.rollout.asking import Questions
from kubectl_pets.errors import ServerError
from tests.cluster.loopback import Answer, Loopback, pod

ASKED = Questions(set_name="web", pods=("web-2",), missing=("web-2", "web-3"), nodes=("a", "gone", "mute"))
EVENTS, POD, NODE = "/api/v1/namespaces/x/events", "/api/v1/namespaces/x/pods/web-2", "/api/v1/nodes/a"


@pytest.fixture
def filled(server: Loopback) -> Loopback:
    world = server.world
    pod(world, "web-2")
    ready = {"type": "Ready", "status": "False", "lastTransitionTime": "2026-03-01T12:00:00Z"}
    world.put("nodes", "a", "", status={"conditions": [ready]})
    world.put("nodes", "mute", "", status={"conditions": None})
    about = {"kind": "StatefulSet", "name": "web", "uid": "u"}
    world.put("events", "web.1", involvedObject=about, reason="FailedCreate", message="m", type="Warning", count=3, lastTimestamp="2026-03-01T12:00:00Z")
    world.put("events", "web.2", involvedObject=about, reason="Odd", firstTimestamp=None, eventTime="2026-03-01T11:00:00.123456Z", series={"count": 5})
    return server


def test_all_is_asked_for_at_once(filled: Loopback, client: Client) -> None:
    (found,) = client.around([("x", ASKED)])
    assert found.events is not None and {(each.reason, each.times) for each in found.events} == {("FailedCreate", 3), ("Odd", 5)}
    assert found.namesakes is not None and [each.name for each in found.namesakes] == ["web-2"]
    assert found.nodes is not None and [(each.name, each.ready) for each in found.nodes] == [("a", "False"), ("gone", ""), ("mute", "Unknown")]
    assert found.nodes[0].since is not None and found.nodes[1] == NodeReadiness(name="gone", ready="")
    asked = sorted((request.path, request.query.get("fieldSelector", "")) for request in filled.seen)
    assert [query for path, query in asked if path == EVENTS] == ["involvedObject.name=web", "involvedObject.name=web-2"]
    assert len(asked) == 2 + 2 + 3


@pytest.mark.parametrize(("path", "field"), [(EVENTS, "events"), (POD, "namesakes"), (NODE, "nodes")])
def test_each_right_is_optional(filled: Loopback, client: Client, path: str, field: str) -> None:
    filled.fault(Answer(403), path=path, times=9)
    (found,) = client.around([("x", ASKED)])
    assert {name: getattr(found, name) is None for name in ("events", "namesakes", "nodes")} == {
        name: name == field for name in ("events", "namesakes", "nodes")
    }


def test_trouble_is_no_missing_right(filled: Loopback, client: Client) -> None:
    filled.fault(Answer(500), path=EVENTS, times=9)
    with pytest.raises(ServerError):
        client.around([("x", ASKED)])


def test_where_nothing_is_asked_nothing_is_sent(server: Loopback, client: Client) -> None:
    (found,) = client.around([("x", Questions())])
    assert (found.events, found.namesakes, found.nodes) == ((), (), ()) and not server.seen


def test_of_many_sets_each_thing_is_asked_once_and_no_denied_one_again(filled: Loopback, client: Client) -> None:
    """A hundred sets that share a node, in a namespace of which events may not be listed."""
    filled.fault(Answer(403), path=EVENTS, times=999)
    sets = [("x", Questions(set_name=f"web{number}", nodes=("a",))) for number in range(100)]
    found = client.around(sets)
    assert len(found) == 100 and all(each.events is None and each.namesakes == () for each in found)
    assert all(each.nodes is not None and [node.name for node in each.nodes] == ["a"] for each in found)
    paths = [request.path for request in filled.seen]
    assert paths.count(NODE) == 1 and paths.count(EVENTS) <= 16
