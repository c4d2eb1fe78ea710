"""How often it is asked why: not for every moment of a rollout, and always before something is called done or stuck."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import Around, Event, NodeReadiness, ObjectReference, SetView
from kubectl_pets.domain.rollout.asking import Questions, nodes_of
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase
from kubectl_pets.errors import ForbiddenError, PetsError, ServerError
from kubectl_pets.flows.engine import beside
from kubectl_pets.flows.engine import inquiry as inquiries
from kubectl_pets.flows.engine.inquiry import Inquiries, Inquiry, LookEachPort, LookOnPort, LookPort, judged, judged_each
from tests.domain.builders import NEW, NOW, UID, pod, snapshot, statefulset

MISSING = snapshot(statefulset(), pod(0), pod(1))
WELL = snapshot(statefulset(current=NEW), pod(0, NEW), pod(1, NEW), pod(2, NEW))
REFUSED = Event(
    type="Warning",
    reason="FailedCreate",
    message="Create Pod web-2 in StatefulSet web failed error: exceeded quota",
    first_timestamp=NOW - timedelta(seconds=60),
    last_timestamp=NOW,
    involved_object=ObjectReference(kind="StatefulSet", name="web", uid=UID),
)


class Port:
    def __init__(self, answer: Around | PetsError = Around(events=(REFUSED,))) -> None:
        self.answer = answer
        self.asked: list[Questions] = []
        self.nodes: frozenset[str] | PetsError | None = None
        self.lists = 0

    def node_names(self) -> frozenset[str] | None:
        self.lists += 1
        if isinstance(self.nodes, PetsError):
            raise self.nodes
        return self.nodes

    def now(self) -> datetime:
        return NOW

    def around(self, asked: Sequence[tuple[str, Questions]]) -> tuple[Around, ...]:
        assert {namespace for namespace, _ in asked} <= {"prod"}
        self.asked += [questions for _, questions in asked]
        if not asked:
            return ()
        if isinstance(self.answer, PetsError):
            raise self.answer
        return (self.answer,) * len(asked)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def inquiry(port: Port) -> Inquiry:
    return Inquiry(cast(LookPort, port), StuckAfter())


def test_one_look_asks_once_and_only_where_something_is_not_well() -> None:
    port = Port()
    assert judged(cast(LookPort, port), WELL, StuckAfter()).phase is Phase.COMPLETE
    assert port.asked == [Questions(nodes=("node-1",))], "whether its nodes are there still"
    seen = judged(cast(LookPort, port), MISSING, StuckAfter())
    assert len(port.asked) == 2 and [(each.cause, each.pod) for each in seen.failing] == [(Cause.CREATION_REFUSED, "web-2")]


def test_one_look_does_without_the_reason_where_the_server_fails_over_it() -> None:
    port = Port(ServerError("etcd is slow"))
    seen = judged(cast(LookPort, port), MISSING, StuckAfter())
    assert seen.phase is Phase.PROGRESSING and len(port.asked) == 1


def test_what_passes_in_a_moment_is_not_asked_about() -> None:
    port = Port()
    look = inquiry(port)
    for seconds, view in enumerate((MISSING, WELL, MISSING, WELL)):
        look.judge(view, at(seconds), fresh=False)
    assert port.asked == [] and look.next_at is None


def test_what_lasts_is_asked_about_now_and_then() -> None:
    port = Port()
    look = inquiry(port)
    told = []
    for seconds in range(31):
        told.append(bool(look.judge(MISSING, at(seconds), fresh=False).failing))
    assert [seconds for seconds, known in enumerate(told) if known] == list(range(3, 31))
    assert len(port.asked) == 3
    assert look.next_at == at(33)


def test_what_is_there_at_the_first_look_is_asked_about_at_once_by_who_only_looks_on() -> None:
    port = Port()
    look = Inquiry(cast(LookPort, port), StuckAfter(), at_once=True)
    told = [bool(look.judge(MISSING, at(seconds), fresh=False).failing) for seconds in range(10)]
    assert all(told) and len(port.asked) == 1
    assert look.next_at == at(10)


def test_what_begins_later_is_asked_about_once_it_lasts() -> None:
    port = Port()
    look = Inquiry(cast(LookPort, port), StuckAfter(), at_once=True)
    look.judge(WELL, at(0), fresh=False)
    told = [bool(look.judge(MISSING, at(seconds), fresh=False).failing) for seconds in range(1, 6)]
    assert told == [False, False, False, True, True]
    assert [each.nodes for each in port.asked if each.set_name] == [()], "and first of all whether the node is there"


def test_a_pod_that_is_made_anew_all_the_time_is_one_trouble() -> None:
    port = Port()
    look = inquiry(port)
    for seconds in range(5):
        ended = replace(pod(2, NEW, phase="Failed"), metadata=replace(pod(2).metadata, uid=f"pod-{seconds}"))
        look.judge(snapshot(statefulset(), pod(0), pod(1), ended), at(seconds), fresh=False)
    assert len(port.asked) == 1


def test_before_it_counts_it_is_asked_in_any_case() -> None:
    port = Port()
    look = inquiry(port)
    assert look.judge(MISSING, at(0), fresh=True).failing and len(port.asked) == 1
    look.judge(MISSING, at(1), fresh=True)
    assert len(port.asked) == 1, "a moment ago"
    look.judge(MISSING, at(2), fresh=True)
    assert len(port.asked) == 2


def test_other_pods_are_another_question() -> None:
    port = Port()
    look = inquiry(port)
    look.judge(MISSING, at(0), fresh=True)
    later = look.judge(snapshot(statefulset(), pod(0), pod(2)), at(1), fresh=False)
    assert not later.failing and len(port.asked) == 1


@pytest.mark.parametrize("answer", [ServerError("away"), Around(events=None, namesakes=None, nodes=None)])
def test_a_pod_that_nobody_makes_is_stuck_in_the_end_also_where_nothing_tells_why(answer: Around | PetsError) -> None:
    look = inquiry(Port(answer))
    phases = [(look.judge(MISSING, at(seconds), fresh=False)).phase for seconds in (0, 60, 119, 120)]
    assert phases == [Phase.PROGRESSING] * 3 + [Phase.STUCK]
    seen = look.judge(MISSING, at(121), fresh=True)
    assert [(each.cause, each.pod) for each in seen.blockers] == [(Cause.NOT_MADE, "web-2")]


def test_in_order_only_the_lowest_one_that_is_missing_is_due() -> None:
    """web-2 cannot be made before web-1 is back, so that it is missing says nothing."""
    look = inquiry(Port(Around()))
    view: SetView = snapshot(statefulset(), pod(0), pod(1, ready=False, since=NOW, created=NOW))
    assert all(look.judge(view, at(seconds), fresh=False).phase is not Phase.STUCK for seconds in (0, 60, 300))
    parallel = replace(view, set=statefulset(policy="Parallel"))
    assert look.judge(parallel, at(301), fresh=False).blockers == ()
    assert [each.pod for each in look.judge(parallel, at(421), fresh=False).blockers] == ["web-2"]


def test_what_is_no_failure_that_passes_is_raised() -> None:
    with pytest.raises(ForbiddenError):
        inquiry(Port(ForbiddenError("no"))).judge(MISSING, at(0), fresh=True)


GONE = Around(nodes=(NodeReadiness(name="node-1", ready=""),))
THERE = Around(nodes=(NodeReadiness(name="node-1", ready="True"),))


def test_pods_on_a_node_that_is_gone_are_not_called_done() -> None:
    """The garbage collector has not looked yet, and nothing of the pods tells."""
    port = Port(GONE)
    look = inquiry(port)
    assert look.judge(WELL, at(0), fresh=False).phase is Phase.COMPLETE and not port.asked, "nothing rests on it yet"
    assert look.judge(WELL, at(1), fresh=True).phase is Phase.FAILING and len(port.asked) == 1
    told = [look.judge(WELL, at(seconds), fresh=False).phase for seconds in range(2, 11)]
    assert set(told) == {Phase.FAILING} and len(port.asked) == 1 and [look.next_at] == [at(11)]
    port.answer = THERE
    assert look.judge(WELL, at(11), fresh=False).phase is Phase.COMPLETE, "it came back"
    assert look.judge(WELL, at(12), fresh=False).phase is Phase.COMPLETE and len(port.asked) == 2 and look.next_at is None
    assert judged(cast(LookPort, Port(GONE)), WELL, StuckAfter()).phase is Phase.FAILING


def test_a_node_that_was_there_a_moment_ago_is_not_asked_for_again() -> None:
    """What is looked at meanwhile has another question, or none; the answer holds for as long as one that is asked again."""
    port = Port(THERE)
    look = inquiry(port)
    assert look.judge(WELL, at(0), fresh=True).phase is Phase.COMPLETE and port.asked == [Questions(nodes=("node-1",))]
    for seconds in (0.5, 1.0, 1.9):
        look.judge(MISSING, at(seconds), fresh=False)
        assert look.judge(WELL, at(seconds), fresh=True).phase is Phase.COMPLETE
    assert len(port.asked) == 1
    port.answer = GONE
    assert look.judge(WELL, at(2), fresh=True).phase is Phase.FAILING and len(port.asked) == 2
    look.judge(MISSING, at(2.1), fresh=False)
    assert look.judge(WELL, at(2.2), fresh=True).phase is Phase.FAILING and len(port.asked) == 3, "of one that is gone each time"
    port.answer = THERE
    assert look.judge(WELL, at(5), fresh=True).phase is Phase.COMPLETE
    look.judge(MISSING, at(5.1), fresh=False)
    look.judge(named(UID, "node-1", "node-1", "node-2"), at(5.2), fresh=True)
    assert port.asked[-1] == Questions(nodes=("node-1", "node-2")), "another node has joined them"
    look.judge(MISSING, at(5.3), fresh=False)
    look.judge(WELL, at(4), fresh=True)
    assert port.asked[-1] == Questions(nodes=("node-1",)), "the clock was put back"


def test_what_nobody_has_told_anything_of_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pod that is not up yet, and nothing is known besides; then it is missing, and since when is known."""
    judged_at: list[SetView] = []

    def assessed(view: SetView, *more: Any) -> Assessment:
        judged_at.append(view)
        return assess(view, *more)

    monkeypatch.setattr(inquiries, "assess", assessed)
    look = inquiry(Port())
    starting = snapshot(statefulset(), pod(0), pod(1), pod(2, NEW, ready=False, since=NOW, created=NOW))
    assert look.judge(starting, at(0), fresh=False).phase is Phase.PROGRESSING and judged_at == [starting]
    look.judge(MISSING, at(1), fresh=False)
    assert [view.around for view in judged_at[1:]] == [None, Around(missing_since={"web-2": at(1)})]
    assert look.judge(starting, at(2), fresh=False).phase is Phase.PROGRESSING and len(judged_at) == 4


def test_a_young_pod_keeps_nobody_from_asking_for_the_nodes() -> None:
    """Of one that was made a moment ago it is asked whether it is a successor, and that was all that was asked."""
    anew = pod(2, NEW, since=at(-20), created=at(-25))
    young, port = replace(WELL, pods=(*(WELL.pods or ())[:2], anew)), Port(GONE)
    assert judged(cast(LookPort, port), young, StuckAfter()).phase is Phase.FAILING
    assert port.asked == [Questions(pods=("web-2",), nodes=("node-1",))]
    port.nodes = frozenset()
    assert inquiry(port).judge(young, at(0), fresh=True).phase is Phase.FAILING
    assert {each.phase for each in judged_each(cast(LookEachPort, port), (young, young), StuckAfter())} == {Phase.FAILING}


def test_nodes_that_may_not_be_read_are_no_news_where_all_is_well() -> None:
    port = Port(Around(nodes=None))
    for seen in (inquiry(port).judge(WELL, at(0), fresh=True), judged(cast(LookPort, port), WELL, StuckAfter())):
        assert seen.phase is Phase.COMPLETE and seen.unread == ()
    assert len(port.asked) == 2


def test_of_many_sets_only_nodes_that_are_not_listed_are_asked_for() -> None:
    """One list, however many they are; what is not in it is asked for by name, because whoever serves it may have left it out."""
    port, looks = Port(GONE), (WELL, WELL, MISSING)
    for there in (None, frozenset(("node-1", "node-2")), ServerError("etcd is slow")):
        port.nodes, port.asked = there, []
        assert [each.phase for each in judged_each(cast(LookEachPort, port), looks, StuckAfter())][:2] == [Phase.COMPLETE] * 2
        assert not [each for each in port.asked if each.nodes and not each.set_name]
    port.nodes, port.asked = frozenset(("node-2",)), []
    found = judged_each(cast(LookEachPort, port), looks, StuckAfter())
    assert port.asked.count(Questions(nodes=("node-1",))) == 2 and found[0].phase is Phase.FAILING
    port.answer = Around()
    assert judged_each(cast(LookEachPort, port), (WELL, WELL), StuckAfter())[0].phase is Phase.COMPLETE
    before = port.lists
    judged_each(cast(LookEachPort, port), (MISSING, MISSING), StuckAfter())
    judged_each(cast(LookEachPort, port), (WELL,), StuckAfter())
    assert port.lists == before, "no set of several is well, or a single one is"


@pytest.mark.parametrize("number", [49, 50, 200])
def test_of_very_many_sets_the_nodes_are_asked_for_while_they_are_judged(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The verdicts are the same, whatever comes of it; and nothing is judged before the pods were read."""
    begun, go, port = threading.Event(), threading.Event(), Port(GONE)
    names = port.node_names

    def asked() -> frozenset[str] | None:
        begun.set()
        assert number < 50 or go.wait(60)
        return names()

    def assessed(view: SetView, now: datetime, patience: StuckAfter) -> Assessment:
        assert number < 50 or begun.wait(60)
        go.set()
        return assess(view, now, patience)

    monkeypatch.setattr(port, "node_names", asked)
    monkeypatch.setattr(inquiries, "assess", assessed)
    answers = (None, frozenset(("node-1",)), frozenset(("node-2",)), ServerError("etcd is slow"), ForbiddenError("not yours"))
    for there in answers:
        port.nodes, port.asked = there, []
        begun.clear()
        go.clear()
        looks = cast(LookEachPort, port), (WELL,) * number, StuckAfter()
        if isinstance(there, ForbiddenError):
            with pytest.raises(ForbiddenError):
                judged_each(*looks)
            continue
        phases = {each.phase for each in judged_each(*looks)}
        assert phases == {Phase.FAILING if there == frozenset(("node-2",)) else Phase.COMPLETE}
    assert port.lists == len(answers), "one list each time"


def test_of_too_many_nodes_none_is_asked_for() -> None:
    pods = [pod(ordinal, NEW) for ordinal in range(17)]
    spread = [replace(each, spec=replace(each.spec, node_name=f"node-{number}")) for number, each in enumerate(pods)]
    assert nodes_of(assess(snapshot(statefulset(replicas=17, current=NEW), *spread), NOW)) is None
    assert nodes_of(assess(snapshot(statefulset(replicas=17, current=NEW), *pods), NOW)) == Questions(nodes=("node-1",))


# --- many sets that are watched ------------------------------------------------------------------------------------------------------


def watched(port: Port) -> Inquiries:
    return Inquiries(cast(LookOnPort, port), StuckAfter())


def named(uid: str, *nodes: str) -> SetView:
    """A set that is well, with its pods on these nodes."""
    owner = statefulset(current=NEW, replicas=len(nodes))
    pods = [pod(ordinal, NEW) for ordinal in range(len(nodes))]
    pods = [replace(each, spec=replace(each.spec, node_name=node)) for each, node in zip(pods, nodes)]
    controlled = [replace(each.metadata.owner_references[0], uid=uid) for each in pods]
    pods = [replace(each, metadata=replace(each.metadata, owner_references=(whose,))) for each, whose in zip(pods, controlled)]
    view = snapshot(owner, *pods)
    return replace(view, set=replace(owner, metadata=replace(owner.metadata, uid=uid)), pods=tuple(pods))


def phases(look: Inquiries, views: Sequence[SetView], seconds: float) -> list[str]:
    return [str(each.phase) for each in look.judge(views, at(seconds))]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However loaded this machine is, the list of nodes comes at once, where a test does not say otherwise."""
    monkeypatch.setattr(beside, "WAITS", 60.0)


def test_of_many_sets_that_are_watched_the_nodes_are_listed_now_and_then() -> None:
    """A Node that is deleted while somebody looks on, and one that comes back; no set and no pod tells of either."""
    port, views = Port(GONE), (named("a", "node-1"), named("b", "node-2"))
    port.nodes = frozenset(("node-1", "node-2"))
    look = watched(port)
    assert phases(look, views, 0) == ["complete", "complete"] and port.lists == 1 and not port.asked
    assert look.next_at == at(10.02)
    port.nodes = frozenset(("node-2",))
    assert phases(look, views, 10) == ["complete", "complete"] and port.lists == 1
    assert phases(look, views, 10.02) == ["failing", "complete"] and port.lists == 2
    assert port.asked == [Questions(nodes=("node-1",))], "only what is not listed, because whoever serves the list may have left it out"
    assert phases(look, views, 19) == ["failing", "complete"] and port.lists == 2 and len(port.asked) == 1
    port.nodes = frozenset(("node-1", "node-2"))
    assert phases(look, views, 21) == ["complete", "complete"] and len(port.asked) == 1


def test_no_picture_waits_for_the_nodes_but_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "WAITS", 0.0)
    port, views, go, listed = Port(GONE), (named("a", "node-1"), named("b", "node-2")), threading.Event(), threading.Event()
    names = port.node_names

    def slow() -> frozenset[str] | None:
        assert go.wait(60)
        try:
            return names()
        finally:
            listed.set()

    port.nodes = frozenset(("node-1", "node-2"))
    look = watched(port)
    phases(look, views, 0)
    monkeypatch.setattr(port, "node_names", slow)
    port.nodes = frozenset(("node-2",))
    told = [phases(look, views, seconds) for seconds in (10.02, 10.3, 12)]
    assert told == [["complete", "complete"]] * 3 and port.lists == 1 and look.next_at == at(12.25), "it is looked again soon"
    go.set()
    assert listed.wait(60)
    monkeypatch.setattr(beside, "WAITS", 60.0)
    assert phases(look, views, 12.25) == ["failing", "complete"] and port.lists == 2
    assert look.next_at == at(22.25), "what it asks of the node that is not there"
    monkeypatch.setattr(port, "node_names", names)
    port.nodes = ServerError("etcd is slow")
    assert phases(look, views, 22.26) == ["failing", "complete"], "what is known stands"
    port.nodes = ForbiddenError("not yours")
    with pytest.raises(ForbiddenError):
        phases(look, views, 33)


class SlowPort(Port):
    """Answers, or fails, only while ``go`` is set; ``begun`` is set as soon as somebody waits for it."""

    def __init__(self) -> None:
        super().__init__(Around(events=(replace(REFUSED, involved_object=replace(REFUSED.involved_object, uid="")),)))
        self.go, self.begun = threading.Event(), threading.Event()
        self.go.set()

    def around(self, asked: Sequence[tuple[str, Questions]]) -> tuple[Around, ...]:
        if not asked:
            return ()
        self.begun.set()
        assert self.go.wait(60)
        return super().around(asked)

    def hold(self) -> None:
        self.go.clear()
        self.begun.clear()

    def release(self) -> None:
        """Once this returns what was asked has been answered."""
        self.go.set()
        for thread in threading.enumerate():
            if thread.name == "kubectl-pets-why":
                thread.join(60)


def broken(uid: str) -> SetView:
    """A set of which the third pod is missing."""
    view = named(uid, "node-1", "node-1", "node-1")
    assert view.pods is not None
    return replace(view, pods=view.pods[:2])


def failing(look: Inquiries, views: Sequence[SetView], seconds: float) -> list[bool]:
    return [bool(each.failing) for each in look.judge(views, at(seconds))]


def test_no_picture_waits_for_the_reasons_but_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes seconds for events, or never answers, holds up nobody who looks on at what else there is."""
    monkeypatch.setattr(beside, "WAITS", 0.0)
    port, first, second = SlowPort(), broken("a"), broken("b")
    look = watched(port)
    assert failing(look, (first, named("b", "node-1")), 0) == [True, False] and len(port.asked) == 1
    port.hold()
    told = [failing(look, (first, second), seconds) for seconds in (5, 8, 8.1, 12)]
    assert told == [[True, False]] * 4 and port.begun.wait(60), "what was answered before stands"
    assert look.next_at == at(12.25), "it is looked again soon"
    third = broken("c")
    assert failing(look, (first, second, third), 12.5) == [True, False, False] and len(port.asked) == 1, "one after the other"
    port.release()
    monkeypatch.setattr(beside, "WAITS", 60.0)
    assert failing(look, (first, second, third), 13) == [True, True, True], "who is seen for the first time is asked about at once"
    assert [len(port.asked), look.next_at] == [4, at(23)]
    port.answer = ServerError("etcd is slow")
    assert failing(look, (first, second, third), 23) == [True, True, True], "what is known stands"
    port.answer = ForbiddenError("not yours")
    with pytest.raises(ForbiddenError):
        failing(look, (first, second, third), 34)


def test_what_is_answered_late_is_no_answer_about_another_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was asked about is over, and another one of the same pod has begun since."""
    monkeypatch.setattr(beside, "WAITS", 0.0)
    port, well, down = SlowPort(), named("a", "node-1", "node-1", "node-1"), broken("a")
    look = watched(port)
    failing(look, (well,), 0)
    port.hold()
    assert [failing(look, (down,), seconds) for seconds in (1, 4)] == [[False], [False]] and port.begun.wait(60)
    assert failing(look, (well,), 5) == [False] and failing(look, (down,), 6) == [False]
    port.release()
    monkeypatch.setattr(beside, "WAITS", 60.0)
    asked = len(port.asked)
    assert [failing(look, (down,), seconds) for seconds in (6.5, 8)] == [[False], [False]] and len(port.asked) == asked
    assert failing(look, (down,), 9) == [True] and len(port.asked) == asked + 1
    assert failing(look, (), 10) == []


def test_a_node_that_the_list_leaves_out_is_asked_for_by_name() -> None:
    port, views = Port(THERE), (named("a", "node-1"), named("b", "node-2"))
    port.nodes = frozenset(("node-2",))
    look = watched(port)
    assert phases(look, views, 0) == ["complete", "complete"] and port.asked == [Questions(nodes=("node-1",))]
    port.answer = GONE
    assert phases(look, views, 5) == ["complete", "complete"] and len(port.asked) == 1
    assert phases(look, views, 10) == ["failing", "complete"], "asked again after a while"


@pytest.mark.parametrize("nodes", [None, ServerError("etcd is slow")])
def test_a_list_of_nodes_that_cannot_be_had_takes_no_verdict_with_it(nodes: PetsError | None) -> None:
    port, views = Port(GONE), (named("a", "node-1"), named("b", "node-2"))
    port.nodes = nodes
    look = watched(port)
    assert {tuple(phases(look, views, seconds)) for seconds in range(0, 60, 5)} == {("complete", "complete")}
    assert port.lists == (1 if nodes is None else 6), "what may not be read is not asked for again"
    assert not port.asked


@pytest.mark.parametrize("seed", range(40))
def test_whoever_looks_on_at_many_sets_says_of_their_nodes_what_one_look_says(seed: int) -> None:
    """Nodes come and go, pods are made anew on others; at random points, once the list has been read since."""
    random = Random(seed)
    names = tuple(f"node-{number}" for number in range(5))
    there, now, cluster = set(names), 0.0, Cluster()
    placed = {uid: random.choices(names, k=random.randrange(1, 4)) for uid in "abcd"}
    views = {uid: named(uid, *nodes) for uid, nodes in placed.items()}
    look = Inquiries(cluster, StuckAfter())
    for step in range(40):
        if random.random() < 0.5:
            there ^= {random.choice(names)}
        if random.random() < 0.5:
            uid = random.choice(sorted(views))
            views[uid] = named(uid, *random.choices(names, k=random.randrange(1, 4)))
        cluster.there, cluster.hidden = frozenset(there), frozenset(random.sample(names, random.randrange(2)))
        now += random.choice((0.5, 3, 11, 30))
        look.judge(tuple(views.values()), at(now))
        if random.random() < 0.4:
            now += 11
            cluster.at = at(now)
            seen = look.judge(tuple(views.values()), at(now))
            wanted = judged_each(cluster, tuple(views.values()), StuckAfter())
            assert [(each.phase, each.failing) for each in seen] == [(each.phase, each.failing) for each in wanted], f"step {step}"


class Cluster:
    """Nodes, of which a list may leave some out (``hidden``)."""

    there: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    at = NOW

    def node_names(self) -> frozenset[str]:
        return self.there - self.hidden

    def now(self) -> datetime:
        return self.at

    def around(self, asked: Sequence[tuple[str, Questions]]) -> tuple[Around, ...]:
        return tuple(
            Around(nodes=tuple(NodeReadiness(name=name, ready="True" if name in self.there else "") for name in each.nodes))
            for _, each in asked
        )
