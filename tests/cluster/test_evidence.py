"""What is read beside a verdict: which requests, that each right is optional, and that a log never holds anybody up."""

import pytest

from kubectl_pets.cluster import Client
from kubectl_pets.domain.rollout.evidence import Clues, LogTail
from kubectl_pets.errors import ServerError
from tests.cluster.loopback import Answer, Loopback, pod, stateful_set, status

ASKED = Clues(
    namespace="x", set_name="web", pod="web-2", container="app", lines=2, pods=("web-2",), history=True, quotas=True
)
LOG, EVENTS, QUOTAS = "/api/v1/namespaces/x/pods/web-2/log", "/api/v1/namespaces/x/events", "/api/v1/namespaces/x/resourcequotas"
REVISIONS = "/apis/apps/v1/namespaces/x/controllerrevisions"


@pytest.fixture
def filled(server: Loopback) -> Loopback:
    world = server.world
    stateful_set(world)
    pod(world, "web-2")
    about = {"kind": "Pod", "name": "web-2", "uid": "u"}
    world.put("events", "web.1", involvedObject=about, reason="BackOff", message="m", type="Warning", count=3)
    world.put("resourcequotas", "compute", status={"hard": {"pods": "3"}, "used": {"pods": "3"}})
    server.fault(Answer(200, b"one\ntwo\nthree\n"), path=LOG, times=9)
    return server


def test_all_is_asked_for_at_once(filled: Loopback, client: Client) -> None:
    found = client.evidence(ASKED)
    assert found.log == LogTail(pod="web-2", container="app", previous=True, lines=("two", "three"))
    assert found.events is not None and [each.reason for each in found.events] == ["BackOff"]
    assert found.history is not None and found.history.set.name == "web"
    assert found.quotas is not None and found.quotas[0].status.used == {"pods": "3"}
    (asked,) = filled.requests(LOG)
    assert asked.query == {"container": "app", "tailLines": "2", "limitBytes": "65536", "previous": "true"}
    assert sorted(request.query["fieldSelector"] for request in filled.requests(EVENTS)) == [f"involvedObject.name={name}" for name in ("web", "web-2")]


def test_nothing_is_asked_for_that_is_not_wanted(filled: Loopback, client: Client) -> None:
    found = client.evidence(Clues(namespace="x", set_name="web"))
    assert (found.log, found.history, found.quotas) == (None, None, None) and found.events == ()
    assert [request.path for request in filled.seen] == [EVENTS]


def test_where_there_was_no_life_before_this_one_is_read(filled: Loopback, client: Client) -> None:
    filled.mend()
    told = status(400, 'previous terminated container "app" in pod "web-2" not found', "BadRequest")
    filled.fault(Answer(400, told), path=LOG, times=1)
    filled.fault(Answer(200, b"only\n"), path=LOG, times=1)
    assert client.evidence(ASKED).log == LogTail(pod="web-2", container="app", previous=False, lines=("only",))


@pytest.mark.parametrize(("path", "field"), [(LOG, "log"), (EVENTS, "events"), (QUOTAS, "quotas"), (REVISIONS, "history")])
def test_each_right_is_optional(filled: Loopback, client: Client, path: str, field: str) -> None:
    filled.mend()
    filled.fault(Answer(403), path=path, times=9)
    filled.fault(Answer(200, b"one\n"), path=LOG, times=9)
    found = client.evidence(ASKED)
    fields = ("log", "events", "quotas", "history")
    assert {name: getattr(found, name) is None for name in fields} == {name: name == field for name in fields}


@pytest.mark.parametrize("code", [404, 500, 503])
def test_a_log_that_cannot_be_had_has_no_lines(filled: Loopback, client: Client, code: int) -> None:
    filled.mend()
    filled.fault(Answer(code), path=LOG, times=9)
    found = client.evidence(ASKED)
    assert found.log is not None and found.log.lines == () and found.events


def test_trouble_is_no_missing_right(filled: Loopback, client: Client) -> None:
    filled.fault(Answer(500), path=QUOTAS, times=9)
    with pytest.raises(ServerError):
        client.evidence(ASKED)
