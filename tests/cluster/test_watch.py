"""Watches: fast, whole, never back in time; through cut connections, restarts, forgotten versions and missing rights."""

import itertools
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_pets.cluster import Client
from kubectl_pets.cluster.topics import watched_sets
from kubectl_pets.cluster.topics.watched_sets import FleetSource, SetSource
from kubectl_pets.domain.changes import DeletePod, Operation, PatchSet
from kubectl_pets.domain.model import SetView
from kubectl_pets.errors import ForbiddenError, NotFoundError, PetsError, ServerError, UnauthorizedError, UnreachableError
from tests.cluster.conftest import Connector
from tests.cluster.loopback import Answer, Handler, Loopback, World, drop, loopback, pod, stall, stateful_set, status
from tests.cluster.waiting import until

_PLURALS = ("statefulsets", "pods", "controllerrevisions", "persistentvolumeclaims")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds with people takes tenths of them with tests."""
    for name, seconds in {"_LONGEST": 0.2, "_POLL": 0.05, "_GRACE": 0.3, "_DENIED": 0.2}.items():
        monkeypatch.setattr(f"kubectl_pets.cluster.objects.watches.{name}", seconds)


@pytest.fixture(autouse=True)
def web(server: Loopback) -> None:
    stateful_set(server.world, "web")
    for ordinal in range(3):
        pod(server.world, f"web-{ordinal}")
    server.world.put("controllerrevisions", "web-1", labels={"app": "web"})
    server.world.put("persistentvolumeclaims", "data-web-0", labels={"app": "web"})


@pytest.fixture
def source(server: Loopback, client: Client) -> Iterator[SetSource]:
    with client.watch_set("x", "web") as watching:
        server.await_requests(4, watch=True)
        yield watching


def pods(seen: SetView) -> list[str]:
    assert seen.pods is not None
    return sorted(each.name for each in seen.pods)


def replicas(seen: SetView) -> int:
    return seen.set.spec.replicas if seen.set is not None else -1


# --- what it shows -----------------------------------------------------------------------------------------------------------


def test_the_first_look_is_whole_and_costs_one_list_a_kind(server: Loopback, client: Client) -> None:
    with client.watch_set("x", "web") as source:
        seen = source.latest()
        assert seen.set is not None and pods(seen) == ["web-0", "web-1", "web-2"]
        assert seen.revisions is not None and seen.claims is not None
        assert (len(seen.revisions), len(seen.claims)) == (1, 1)
        assert seen.server is not None
        assert [len(server.requests(f"/{plural}", watch=False)) for plural in _PLURALS] == [1, 1, 1, 1]


def lists(server: Loopback) -> list[int]:
    return [len(server.requests(f"/{plural}", watch=False)) for plural in _PLURALS]


def test_watches_go_on_from_the_look_before_them(server: Loopback, client: Client) -> None:
    """Of the same set as it still is; what came after that look comes by the watches."""
    seen = client.set_view("x", "web")
    pod(server.world, "web-9")
    with client.watch_set("x", "web", since=seen) as source:
        assert lists(server) == [1, 1, 1, 1] and len(server.requests("/version")) == 1
        assert source.just_read() and source.latest().server == seen.server
        until(source, lambda seen: "web-9" in pods(seen))
        until(source, lambda seen: seen.revisions is not None and seen.claims is not None)
        source.refresh()
        assert lists(server)[:2] == [2, 2]


@pytest.mark.parametrize("meanwhile", ["changed", "made anew", "long ago", "another look", "not a whole one"])
def test_watches_begin_anew_where_the_look_before_is_no_more_what_there_is(
    server: Loopback, client: Client, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    if meanwhile == "not a whole one":
        server.fault(Answer(403), path="/controllerrevisions")
    seen = client.set_view("x", "web")
    match meanwhile:
        case "changed":
            stateful_set(server.world, "web", replicas=4)
        case "made anew":
            server.world.delete("statefulsets", "web")
            stateful_set(server.world, "web")
        case "long ago":
            monkeypatch.setattr(watched_sets, "monotonic", lambda: time.monotonic() + 1.0)
        case "another look":
            client.set_view("x", "web")
    before = lists(server)
    pod(server.world, "web-9")
    with client.watch_set("x", "web", since=seen) as source:
        assert [after - then for after, then in zip(lists(server), before)] == [1, 1, 1, 1]
        assert "web-9" in pods(source.latest()) and source.latest().revisions and source.latest().claims


def test_a_set_that_is_not_there_is_not_found(server: Loopback, client: Client) -> None:
    server.world.put("namespaces", "x", "")
    with pytest.raises(NotFoundError, match="no StatefulSet wep in namespace x") as caught:
        client.watch_set("x", "wep")
    assert caught.value.hint == "was web meant?"
    assert server.requests(watch=True) == []


def test_watches_ask_for_what_belongs_to_the_set_and_no_more(server: Loopback, source: SetSource) -> None:
    queries = {seen.path.rsplit("/", 1)[1]: seen.query for seen in server.requests(watch=True)}
    assert queries["statefulsets"]["fieldSelector"] == "metadata.name=web"
    for plural in _PLURALS[1:]:
        assert queries[plural]["labelSelector"] == "app=web"
    for query in queries.values():
        assert query["allowWatchBookmarks"] == "true"
        assert 240 <= int(query["timeoutSeconds"]) <= 300
        assert query["resourceVersion"] == str(server.world.version)


def test_changes_of_every_kind_are_seen(server: Loopback, source: SetSource) -> None:
    stateful_set(server.world, "web", replicas=5)
    until(source, lambda seen: replicas(seen) == 5)
    pod(server.world, "web-3")
    until(source, lambda seen: "web-3" in pods(seen))
    server.world.delete("pods", "web-3")
    until(source, lambda seen: "web-3" not in pods(seen))
    server.world.put("controllerrevisions", "web-2", labels={"app": "web"})
    until(source, lambda seen: len(seen.revisions or ()) == 2)
    server.world.put("persistentvolumeclaims", "data-web-1", labels={"app": "web"})
    until(source, lambda seen: len(seen.claims or ()) == 2)


def test_a_pod_that_leaves_or_enters_the_selector(server: Loopback, source: SetSource) -> None:
    pod(server.world, "web-0", app="other")
    until(source, lambda seen: pods(seen) == ["web-1", "web-2"])
    pod(server.world, "web-0")
    until(source, lambda seen: "web-0" in pods(seen))


def test_waiting_ends_for_news_and_only_for_news(server: Loopback, source: SetSource) -> None:
    source.latest()
    assert not source.wait(0.05)
    stateful_set(server.world, "other")
    pod(server.world, "other-0", app="other")
    assert not source.wait(0.1)
    pod(server.world, "web-0")
    assert source.wait(5) and source.wait(0), "as long as nobody looked it stays news"
    source.latest()
    assert not source.wait(0.02)


def test_a_snapshot_stays_the_same_value_while_nothing_changes(source: SetSource) -> None:
    assert source.latest() is source.latest()


def test_news_arrives_within_milliseconds(server: Loopback, source: SetSource) -> None:
    lags = []
    for number in range(30):
        source.latest()
        written = time.perf_counter()
        pod(server.world, "web-0", number=number)
        assert source.wait(5)
        lags.append(time.perf_counter() - written)
    assert sorted(lags)[len(lags) // 2] < 0.02, lags


def test_bookmarks_move_on_without_waking_anybody(server: Loopback, source: SetSource) -> None:
    source.latest()
    server.bookmark(5000)
    assert not source.wait(0.1)
    server.end_watches()
    server.await_requests(8, watch=True)
    assert {seen.query["resourceVersion"] for seen in server.requests(watch=True)[4:]} == {"5000"}


# --- sets that go and come ---------------------------------------------------------------------------------------------------


def test_a_set_that_is_deleted_and_made_anew(server: Loopback, source: SetSource) -> None:
    server.world.delete("statefulsets", "web")
    gone = until(source, lambda seen: seen.set is None)
    assert pods(gone) == ["web-0", "web-1", "web-2"], "its pods are still there"
    stateful_set(server.world, "web", uid="second")
    back = until(source, lambda seen: seen.set is not None)
    assert back.set is not None and back.set.metadata.uid == "second"
    assert len(server.requests("/pods", watch=False)) == 1, "the same selector needs no new lists"


def test_a_set_made_anew_with_another_selector(server: Loopback, source: SetSource) -> None:
    pod(server.world, "new-0", app="new")
    server.world.delete("statefulsets", "web")
    stateful_set(server.world, "web", uid="second", labels={"app": "new"})
    found = until(source, lambda seen: seen.set is not None and seen.set.metadata.uid == "second")
    assert pods(found) == ["new-0"], "never the new set with the old one's pods"
    pod(server.world, "new-1", app="new")
    until(source, lambda seen: pods(seen) == ["new-0", "new-1"])
    pod(server.world, "web-9")
    assert not source.wait(0.1)


# --- reading afresh and changing ---------------------------------------------------------------------------------------------


def test_a_fresh_read_is_two_requests(server: Loopback, source: SetSource) -> None:
    before = len(server.seen)
    source.refresh()
    asked = server.seen[before:]
    assert [seen.path.rsplit("/", 1)[1] for seen in asked] == ["statefulsets", "pods"]
    assert all("resourceVersion" not in seen.query for seen in asked)


def test_what_it_begins_with_is_a_fresh_read_once(server: Loopback, source: SetSource) -> None:
    asked = [seen for seen in server.seen if "watch" not in seen.query]
    assert [seen.path.rsplit("/", 1)[1] for seen in asked][0] == "statefulsets"
    assert all("resourceVersion" not in seen.query for seen in asked)
    assert source.just_read() and not source.just_read()


@pytest.mark.parametrize("use", [lambda source: source.wait(0.0), lambda source: source.refresh()])
def test_after_a_wait_or_another_read_it_is_none(source: SetSource, use: Callable[[SetSource], object]) -> None:
    use(source)
    assert not source.just_read()


def test_after_a_while_it_is_none(source: SetSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_sets, "_JUST_READ", 0.0)
    assert not source.just_read()


def _deaf(server: Loopback) -> None:
    """Let the watches hear nothing from now on."""
    server.fault(stall, watch=True, times=50)
    server.cut_watches()
    server.await_requests(8, watch=True)


def test_a_fresh_read_sees_what_the_watches_have_not_brought(server: Loopback, source: SetSource) -> None:
    _deaf(server)
    stateful_set(server.world, "web", replicas=9)
    server.world.delete("pods", "web-2")
    seen = source.refresh()
    assert replicas(seen) == 9 and pods(seen) == ["web-0", "web-1"]
    assert replicas(source.latest()) == 9 and pods(source.latest()) == ["web-0", "web-1"], "and it stays"


def test_a_fresh_read_of_a_set_that_is_gone(server: Loopback, source: SetSource) -> None:
    _deaf(server)
    server.world.delete("statefulsets", "web")
    assert source.refresh().set is None


def test_a_fresh_read_of_another_set_of_that_name_reads_its_pods(server: Loopback, source: SetSource) -> None:
    _deaf(server)
    pod(server.world, "new-0", app="new")
    server.world.delete("statefulsets", "web")
    stateful_set(server.world, "web", uid="second", labels={"app": "new"})
    seen = source.refresh()
    assert seen.set is not None and seen.set.metadata.uid == "second" and pods(seen) == ["new-0"]


def test_a_fresh_read_fetches_the_revision_that_the_set_speaks_of(server: Loopback, source: SetSource) -> None:
    _deaf(server)
    server.world.put("controllerrevisions", "web-2", labels={"app": "web"})
    stateful_set(server.world, "web", status={"updateRevision": "web-2"})
    assert sorted(each.name for each in source.refresh().revisions or ()) == ["web-1", "web-2"]


def test_a_fresh_read_fetches_the_new_number_of_a_revision_gone_back_to(server: Loopback, source: SetSource) -> None:
    """The controller numbers it anew (kubernetes pkg/controller/statefulset, getStatefulSetRevisions)."""
    server.world.put("controllerrevisions", "web-1", labels={"app": "web"}, revision=1)
    server.world.put("controllerrevisions", "web-2", labels={"app": "web"}, revision=2)
    until(source, lambda seen: len(seen.revisions or ()) == 2)
    _deaf(server)
    server.world.put("controllerrevisions", "web-1", labels={"app": "web"}, revision=3)
    stateful_set(server.world, "web", status={"updateRevision": "web-1"})
    assert {each.name: each.revision for each in source.refresh().revisions or ()} == {"web-1": 3, "web-2": 2}
    lists = len(server.requests("/controllerrevisions", watch=False))
    source.refresh()
    assert len(server.requests("/controllerrevisions", watch=False)) == lists, "known now"


def test_revisions_are_read_afresh_where_something_rests_on_them(server: Loopback, source: SetSource) -> None:
    """A fresh look leaves them to the watch, which may have been cut without a word."""
    server.world.put("controllerrevisions", "web-2", labels={"app": "web"})
    until(source, lambda seen: len(seen.revisions or ()) == 2)
    _deaf(server)
    server.world.delete("controllerrevisions", "web-2")
    assert sorted(each.name for each in source.refresh().revisions or ()) == ["web-1", "web-2"]
    assert [each.name for each in source.with_revisions().revisions or ()] == ["web-1"]


def test_events_that_a_fresh_read_has_overtaken_do_no_harm(server: Loopback, source: SetSource) -> None:
    _deaf(server)
    for count in (4, 5, 6):
        stateful_set(server.world, "web", replicas=count)
    server.world.delete("pods", "web-2")
    assert replicas(source.refresh()) == 6
    shown = []
    server.mend()
    server.cut_watches()
    server.stop()
    server.start()
    server.await_requests(12, watch=True)
    for _ in range(20):
        source.wait(0.01)
        shown.append((replicas(source.latest()), "web-2" in pods(source.latest())))
    assert set(shown) == {(6, False)}


def test_a_fresh_read_that_fails_is_told_and_then_there_is_something_to_wait_for(server: Loopback, source: SetSource) -> None:
    server.stop()
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(UnreachableError):
            source.refresh()
        source.wait(0.1)
    server.start()
    deadline = time.monotonic() + 5
    while source.trouble() is not None and time.monotonic() < deadline:
        source.latest()
        source.wait(1)
    assert source.trouble() is None
    assert time.monotonic() - began < 5


def test_news_from_before_a_fresh_read_that_failed_is_no_reason_to_hurry(
    server: Loopback, source: SetSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or whoever rides out a failure by waiting would not wait at all, and ask a server that is down as fast as it can."""
    server.stop()
    while len(source._board._troubles) < 4:
        time.sleep(0.01)
    monkeypatch.setattr("kubectl_pets.cluster.objects.watches._SHORTEST", 60.0)
    monkeypatch.setattr("kubectl_pets.cluster.objects.watches._LONGEST", 60.0)
    time.sleep(0.3)  # all pauses from before are over
    assert source.wait(0), "nobody has looked since it went down"
    with pytest.raises(UnreachableError):
        source.refresh()
    assert not source.wait(0.05)
    assert source.latest().set is not None and source.trouble() is not None


def patch(count: int, generation: int = 1) -> PatchSet:
    operations = (
        Operation(op="test", path="/metadata/generation", value=generation),
        Operation(op="replace", path="/spec/replicas", value=count),
    )
    return PatchSet(namespace="x", name="web", operations=operations)


def test_after_a_patch_nobody_is_shown_the_set_before_it(server: Loopback, client: Client, source: SetSource) -> None:
    _deaf(server)
    source.latest()
    client.apply(patch(7))
    assert source.wait(0)
    seen = source.latest()
    assert replicas(seen) == 7 and seen.set is not None and seen.set.metadata.generation == 2


def test_a_patch_and_its_event_race_and_the_newest_wins(server: Loopback, client: Client, source: SetSource) -> None:
    for generation in range(1, 25):
        client.apply(patch(generation, generation))
        found = source.latest().set
        assert found is not None and found.metadata.generation == generation + 1
    pod(server.world, "web-9")
    until(source, lambda seen: "web-9" in pods(seen))
    assert replicas(source.latest()) == 24


def test_a_dry_run_changes_nothing_that_is_shown(server: Loopback, client: Client, source: SetSource) -> None:
    client.apply(patch(7), dry_run=True)
    assert replicas(source.latest()) == 3


def test_another_sets_patch_is_not_ours(server: Loopback, client: Client, source: SetSource) -> None:
    stateful_set(server.world, "db")
    change = patch(7)
    client.apply(PatchSet(namespace="x", name="db", operations=change.operations))
    found = source.latest().set
    assert found is not None and (found.name, found.spec.replicas) == ("web", 3)


def test_after_a_deletion_the_pod_is_seen_to_end(server: Loopback, client: Client, source: SetSource) -> None:
    _deaf(server)
    seen = next(each for each in source.latest().pods or () if each.name == "web-1")
    client.apply(DeletePod(namespace="x", name="web-1", uid=seen.metadata.uid, resource_version=seen.metadata.resource_version))
    assert next(each for each in source.latest().pods or () if each.name == "web-1").terminating


# --- trouble -----------------------------------------------------------------------------------------------------------------


def test_cut_connections_are_picked_up_where_they_broke(server: Loopback, source: SetSource) -> None:
    for number in range(3):
        server.cut_watches()
        pod(server.world, f"web-1{number}")
        until(source, lambda seen: f"web-1{number}" in pods(seen))
    assert len(server.requests("/pods", watch=False)) == 1, "no list was needed"


def test_an_event_that_is_cut_in_half_comes_again(server: Loopback, client: Client) -> None:
    def cut_in_half(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b'100\r\n{"type": "MODIFIED", "object": {"metadata": {"na')
        handler.cut()

    server.fault(cut_in_half, path="/pods", watch=True)
    with client.watch_set("x", "web") as source:
        pod(server.world, "web-9")
        until(source, lambda seen: "web-9" in pods(seen))


def test_watches_that_the_server_ends_go_on_without_trouble(server: Loopback, source: SetSource) -> None:
    time.sleep(1.0)  # a watch that ends sooner is trouble indeed
    source.latest()
    server.end_watches()
    server.await_requests(8, watch=True)
    assert source.trouble() is None
    assert not source.wait(0.05)
    pod(server.world, "web-9")
    until(source, lambda seen: "web-9" in pods(seen))


def test_a_server_that_ends_every_watch_at_once_is_not_hammered(server: Loopback, source: SetSource) -> None:
    server.fault(Answer(200, b""), watch=True, times=1000)
    server.cut_watches()
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        source.latest()
        source.wait(0.1)
    assert len(server.requests(watch=True)) < 4 + 4 * 12
    trouble = source.trouble()
    assert trouble is not None and "at once" in trouble


@pytest.mark.parametrize("trouble", [Answer(410), Answer(500), "in the stream"])
def test_a_server_that_refuses_every_watch_is_not_hammered(server: Loopback, source: SetSource, trouble: Any) -> None:
    gone = b'{"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "gone"}}\n'
    server.fault(trouble if isinstance(trouble, Answer) else Answer(200, gone), watch=True, times=1000)
    server.cut_watches()
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        source.latest()
        source.wait(0.1)
    assert len(server.requests(watch=True)) < 4 + 4 * 12
    assert source.trouble() is not None
    server.mend()
    pod(server.world, "web-9")
    until(source, lambda seen: "web-9" in pods(seen) and source.trouble() is None)


@pytest.mark.parametrize("in_stream", [True, False])
def test_a_version_that_was_forgotten_leads_to_a_new_list(server: Loopback, source: SetSource, in_stream: bool) -> None:
    server.stop()
    pod(server.world, "web-8")
    server.world.delete("pods", "web-0")
    if in_stream:
        server.world.compacted = server.world.version
    else:
        server.fault(Answer(410, status(410, "too old resource version", "Expired")), watch=True, times=4)
    server.start()
    until(source, lambda seen: pods(seen) == ["web-1", "web-2", "web-8"])
    assert len(server.requests("/pods", watch=False)) >= 2
    pod(server.world, "web-9")
    until(source, lambda seen: "web-9" in pods(seen))


def test_a_version_that_is_forgotten_while_watching(server: Loopback, source: SetSource) -> None:
    server.compact()
    pod(server.world, "web-9")
    until(source, lambda seen: "web-9" in pods(seen))


def test_a_cluster_that_was_restored_from_a_backup(server: Loopback, source: SetSource) -> None:
    source.latest()
    server.stop()
    server.world = World(version=20)
    stateful_set(server.world, "web", replicas=1)
    pod(server.world, "web-0")
    too_new = status(504, "Timeout: Too large resource version: 107, current: 22", "Timeout")
    server.fault(Answer(504, too_new), watch=True, times=4)
    server.start()
    until(source, lambda seen: replicas(seen) == 1 and pods(seen) == ["web-0"])
    pod(server.world, "web-1")
    until(source, lambda seen: pods(seen) == ["web-0", "web-1"])


def test_an_outage_is_told_and_ridden_out(server: Loopback, source: SetSource) -> None:
    source.latest()
    server.stop()
    while source.trouble() is None:
        assert source.wait(5)
        source.latest()
    trouble = source.trouble()
    assert trouble is not None and server.url in trouble
    assert pods(source.latest()) == ["web-0", "web-1", "web-2"], "the last that was known"
    pod(server.world, "web-9")
    server.start()
    until(source, lambda seen: "web-9" in pods(seen))
    deadline = time.monotonic() + 5
    while source.trouble() is not None and time.monotonic() < deadline:
        source.wait(0.1)
        source.latest()
    assert source.trouble() is None


def test_once_one_watch_is_back_the_others_do_not_wait(
    server: Loopback, source: SetSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubectl_pets.cluster.objects.watches._LONGEST", 60.0)
    monkeypatch.setattr("kubectl_pets.cluster.objects.watches._SHORTEST", 60.0)
    server.stop()
    while len(source._board._troubles) < 4:
        for follower in source._followers:
            follower.nudge()
        source.wait(0.01)
        source.latest()
    server.start()
    deadline = time.monotonic() + 5
    while len(server.requests(watch=True)) < 5:  # it may be at an attempt that began before, which misses one
        assert time.monotonic() < deadline
        source._followers[0].nudge()
        source.wait(0.01)
    server.await_requests(8, watch=True, timeout=5)


@pytest.mark.parametrize("trouble", [Answer(500), Answer(503), Answer(429, headers=(("Retry-After", "0"),)), drop])
def test_trouble_with_watches_passes(server: Loopback, source: SetSource, trouble: Any) -> None:
    server.fault(trouble, watch=True, times=6)
    server.cut_watches()
    pod(server.world, "web-9")
    until(source, lambda seen: "web-9" in pods(seen))


def test_retry_after_is_honoured(server: Loopback, source: SetSource) -> None:
    busy = Answer(429, headers=(("Retry-After", "1"),))
    server.fault(busy, watch=True, path="/pods")
    began = time.monotonic()
    server.cut_watches()
    pod(server.world, "web-9")
    until(source, lambda seen: "web-9" in pods(seen))
    assert time.monotonic() - began >= 1.0


def _mute(handler: Any) -> None:
    """As a proxy that keeps everything back until the answer is whole."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.loopback.ended.wait(30)
    handler.cut()


def test_a_watch_that_is_held_back_is_replaced_by_lists(
    server: Loopback, source: SetSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubectl_pets.cluster.objects.watches._MUTE", 0.2)
    monkeypatch.setattr("kubectl_pets.cluster.objects.watches._POLL", 0.05)
    server.fault(_mute, watch=True, times=1000)
    server.cut_watches()
    for name in ("web-8", "web-9"):
        pod(server.world, name)
        until(source, lambda seen: name in pods(seen))
    server.await_requests(5, "/pods", watch=False)


def test_a_watch_that_is_ended_at_once_is_replaced_by_lists(
    server: Loopback, source: SetSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubectl_pets.cluster.objects.watches._POLL", 0.05)
    server.fault(Answer(200, b""), watch=True, times=1000)
    server.cut_watches()
    pod(server.world, "web-9")
    until(source, lambda seen: "web-9" in pods(seen))


def test_a_server_that_says_retry_at_once_is_not_hammered(
    server: Loopback, source: SetSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubectl_pets.cluster.objects.watches._LONGEST", 60.0)
    server.fault(Answer(429, headers=(("Retry-After", "0"),)), watch=True, path="/pods", times=1000)
    server.cut_watches()
    server.await_requests(4, "/pods", watch=True)
    before = len(server.requests("/pods", watch=True))
    time.sleep(1.0)
    assert len(server.requests("/pods", watch=True)) - before <= 2


def test_nonsense_in_a_watch_leads_to_a_new_list(server: Loopback, source: SetSource) -> None:
    nonsense = b'{"type": "MODIFIED", "object": {"metadata": {"name": 7}}}\n{]\n'
    server.fault(Answer(200, nonsense), path="/pods", watch=True)
    server.cut_watches()
    pod(server.world, "web-9")
    until(source, lambda seen: "web-9" in pods(seen))
    assert len(server.requests("/pods", watch=False)) == 2


def test_a_mistake_of_ours_is_not_taken_for_a_quiet_cluster(
    server: Loopback, source: SetSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubectl_pets.cluster.objects.watches.Follower._take", lambda self, lines: 1 / 0)
    pod(server.world, "web-9")
    with pytest.raises(ServerError, match="watching pods failed: ZeroDivisionError"):
        until(source, lambda seen: False, 5)


# --- rights and credentials --------------------------------------------------------------------------------------------------


def test_where_watching_is_not_allowed_it_is_listed_again_and_again(server: Loopback, client: Client) -> None:
    for plural in _PLURALS:
        server.fault(Answer(403), path=f"/{plural}", watch=True, times=1000)
    with client.watch_set("x", "web") as source:
        pod(server.world, "web-9")
        until(source, lambda seen: "web-9" in pods(seen))
        server.world.delete("pods", "web-9")
        until(source, lambda seen: "web-9" not in pods(seen))
        assert source.trouble() is None


def test_watching_is_tried_again_after_a_while(server: Loopback, client: Client) -> None:
    server.fault(Answer(403), path="/pods", watch=True)
    with client.watch_set("x", "web"):
        server.await_requests(2, "/pods", watch=True)


def test_pods_that_may_not_be_read_are_none_until_they_may(server: Loopback, client: Client) -> None:
    server.fault(Answer(403), path="/pods", times=3)
    with client.watch_set("x", "web") as source:
        assert source.latest().pods is None
        until(source, lambda seen: seen.pods is not None)
        assert pods(source.latest()) == ["web-0", "web-1", "web-2"]


def test_a_right_that_is_taken_away_is_noticed_and_a_hiccup_is_not(server: Loopback, source: SetSource) -> None:
    forbidden = [Answer(403)] * 2
    for answer in forbidden:
        server.fault(answer, path="/pods", watch=None)
    server.cut_watches()
    server.await_requests(3, "/pods", watch=None)
    pod(server.world, "web-9")
    until(source, lambda seen: seen.pods is not None and "web-9" in pods(seen))
    server.fault(Answer(403), path="/pods", watch=None, times=10000)
    server.cut_watches()
    until(source, lambda seen: seen.pods is None)
    server.mend()
    until(source, lambda seen: seen.pods is not None)


def test_without_the_right_to_the_set_there_is_nothing_to_wait_for(server: Loopback, source: SetSource) -> None:
    server.fault(Answer(403), path="/statefulsets", watch=None, times=10000)
    server.fault(Answer(403), path="/statefulsets/web", watch=None, times=10000)
    server.cut_watches()
    with pytest.raises(ForbiddenError):
        until(source, lambda seen: False)
    with pytest.raises(ForbiddenError):
        source.latest()


def test_the_right_to_get_alone_is_enough(server: Loopback, client: Client) -> None:
    server.fault(Answer(403), path="/statefulsets", watch=None, times=10000)
    with client.watch_set("x", "web") as source:
        stateful_set(server.world, "web", replicas=8)
        until(source, lambda seen: replicas(seen) == 8)
        assert replicas(source.refresh()) == 8
        client.apply(patch(9, 1))
        assert replicas(source.latest()) == 9
        server.world.delete("statefulsets", "web")
        until(source, lambda seen: seen.set is None)


def test_rotated_tokens_are_taken_up_after_a_401(secure: Loopback, trusting: Connector, tmp_path: Path) -> None:
    server = secure
    stateful_set(server.world)
    token = tmp_path / "token"
    token.write_text("old")
    client = trusting(server.url, user={"tokenFile": str(token)})
    with client.watch_set("x", "web") as source:
        server.await_requests(4, watch=True)

        def rotate(handler: Handler) -> None:
            token.write_text("new")
            handler.answer(Answer(401))

        server.fault(rotate, watch=True)
        server.cut_watches()
        pod(server.world, "web-9")
        until(source, lambda seen: "web-9" in pods(seen))
        server.await_authorized("Bearer new")
        assert source.trouble() is None


def test_credentials_that_ran_out_end_it(server: Loopback, source: SetSource) -> None:
    server.fault(Answer(401), watch=None, times=10000)
    server.cut_watches()
    with pytest.raises(UnauthorizedError):
        until(source, lambda seen: False)


def test_a_401_of_a_server_that_just_started_does_not(server: Loopback, source: SetSource) -> None:
    for plural in _PLURALS:
        server.fault(Answer(401), path=f"/{plural}", watch=True, times=2)
    server.cut_watches()
    pod(server.world, "web-9")
    until(source, lambda seen: "web-9" in pods(seen))


# --- ending ------------------------------------------------------------------------------------------------------------------


def watchers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("kubectl-pets-watch")]


@pytest.mark.parametrize("state", ["watching", "down", "stalled", "throttled", "denied"])
def test_closing_is_prompt_in_every_state(server: Loopback, client: Client, state: str) -> None:
    with client.watch_set("x", "web") as source:
        server.await_requests(4, watch=True)
        if state == "down":
            server.stop()
        elif state != "watching":
            trouble: Any = {"stalled": stall, "throttled": Answer(429, headers=(("Retry-After", "50"),)), "denied": Answer(403)}[state]
            server.fault(trouble, watch=None, times=100)
            server.cut_watches()
            server.await_requests(8)
        assert watchers()
        began = time.monotonic()
    assert time.monotonic() - began < 0.5
    assert watchers() == []
    source.close()


def test_closing_the_client_closes_its_watches(server: Loopback, client: Client) -> None:
    client.watch_set("x", "web")
    client.watch_inventory("x", None)
    assert len(watchers()) == 8
    client.close()
    assert watchers() == []


def test_a_quiet_watch_after_an_outage_is_no_trouble(server: Loopback, source: SetSource) -> None:
    server.restart()
    server.await_requests(8, watch=True)
    deadline = time.monotonic() + 5
    while source.trouble() is not None and time.monotonic() < deadline:
        source.latest()
        source.wait(0.1)
    assert source.trouble() is None


def test_waiting_can_be_interrupted(source: SetSource) -> None:
    source.latest()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            source.wait(None)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 2
    timer.join()


# --- many sets ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def fleet(server: Loopback, client: Client) -> Iterator[FleetSource]:
    with client.watch_inventory("x", "app=web") as watching:
        server.await_requests(4, watch=True)
        yield watching


def test_an_inventory_keeps_itself_up_to_date(server: Loopback, fleet: FleetSource) -> None:
    assert [each.name for each in fleet.latest().sets] == ["web"]
    stateful_set(server.world, "web2", labels={"app": "web"})
    assert fleet.wait(5)
    assert [each.name for each in fleet.latest().sets] == ["web", "web2"]
    stateful_set(server.world, "db")
    assert not fleet.wait(0.1), "the selector is on the sets"
    pod(server.world, "db-0", app="db")
    assert fleet.wait(5)
    assert "db-0" in [each.name for each in fleet.latest().pods or ()], "but not on the pods"
    assert fleet.latest().server is not None
    assert fleet.trouble() is None


def test_an_inventory_of_all_namespaces(server: Loopback, client: Client) -> None:
    with client.watch_inventory(None, None) as fleet:
        server.world.put("pods", "web-0", "y")
        while not any(each.namespace == "y" for each in fleet.latest().pods or ()):
            assert fleet.wait(5)
        assert len([each for each in fleet.latest().pods or () if each.name == "web-0"]) == 2


def test_an_inventory_without_the_right_to_pods(server: Loopback, client: Client) -> None:
    server.fault(Answer(403), path="/pods", times=10000, watch=None)
    with client.watch_inventory("x", None) as fleet:
        assert fleet.latest().pods is None and fleet.latest().claims is not None


def test_an_inventory_without_the_right_to_sets(server: Loopback, client: Client) -> None:
    server.fault(Answer(403), path="/statefulsets")
    with pytest.raises(ForbiddenError):
        client.watch_inventory("x", None)
    assert server.requests(watch=True) == []


# --- all at once -------------------------------------------------------------------------------------------------------------


def _read_and_patch(client: Client, source: SetSource, chance: random.Random, enough: threading.Event) -> None:
    """Until there were some looks: ``enough`` is set then."""
    newest: dict[str, int] = {}
    generation = looks = 1
    while not enough.is_set():
        try:
            seen = source.refresh() if chance.random() < 0.1 else source.latest()
            if chance.random() < 0.05:
                client.apply(patch(generation, generation))
                generation += 1
                seen = source.latest()
        except PetsError:
            source.wait(0.01)
            continue
        for each in (*(seen.pods or ()), *([seen.set] if seen.set else [])):
            version = int(each.metadata.resource_version)
            assert version >= newest.get(each.metadata.uid, 0), "went back in time"
            newest[each.metadata.uid] = version
        looks += 1
        if looks > 60:
            enough.set()
        source.wait(0.01)


@pytest.mark.parametrize("seed", range(3))
def test_under_fire_it_never_goes_back_and_ends_with_the_truth(seed: int, connecting: Connector) -> None:
    """A busy world, and a server that cuts, forgets, restarts and refuses, while somebody reads, refreshes and patches."""
    chance = random.Random(seed)
    with loopback() as server:
        stateful_set(server.world, "web", replicas=0)
        pod(server.world, "web-0")
        client = connecting(server.url)
        over = threading.Event()
        troubles: list[Any] = [Answer(500), Answer(410), drop]

        def live() -> None:
            for number in itertools.count():
                if over.is_set():
                    return
                name = f"web-{chance.randrange(8)}"
                if server.world.get("pods", name) is not None and chance.random() < 0.3:
                    server.world.delete("pods", name)
                else:
                    pod(server.world, name, uid=f"{name}-{number // 50}", number=number)
                over.wait(0.002)

        def fire() -> None:
            while not over.wait(0.03):
                what = chance.choice([server.cut_watches, server.compact, server.end_watches, server.restart, None])
                if what is not None:
                    what()
                else:
                    server.fault(chance.choice(troubles), watch=None, times=2)

        crowd = [threading.Thread(target=live), threading.Thread(target=fire)]
        with client.watch_set("x", "web") as source:
            for thread in crowd:
                thread.start()
            _read_and_patch(client, source, chance, over)
            for thread in crowd:
                thread.join()
            server.mend()
            truth = {name: item["metadata"]["resourceVersion"] for (_, name), item in server.world.objects["pods"].items()}
            until(source, lambda seen: {each.name: each.metadata.resource_version for each in seen.pods or ()} == truth)
            found = server.world.get("statefulsets", "web")
            assert found is not None
            until(source, lambda seen: replicas(seen) == found["spec"]["replicas"])


def test_a_storm_of_events_is_kept_up_with(server: Loopback, source: SetSource) -> None:
    count = 3000
    body = json.dumps({"filler": "x" * 500})
    for number in range(count):
        server.world.put("pods", f"web-{number % 50}", labels={"app": "web"}, number=number, body=body)
    written = time.monotonic()
    last = str(server.world.version)
    until(source, lambda seen: any(each.metadata.resource_version == last for each in seen.pods or ()))
    assert time.monotonic() - written < 5
