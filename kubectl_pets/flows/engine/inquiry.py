"""Asking why: what tells more than the set and its pods, and not more often than it has to be asked.

A rollout is never quite well while it goes on, so whoever looks on asks only once the same pods have been in the same trouble for
a moment, then now and then, and in any case before something is called done or stuck.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import msgspec
from msgspec.structs import replace

from kubectl_pets.domain.model import Around, SetView
from kubectl_pets.domain.rollout.asking import Questions, all_nodes, beside, nodes_missing, nodes_of, nodes_under, questions
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.members import PodState, Quiet
from kubectl_pets.domain.rollout.moments import Moment
from kubectl_pets.domain.rollout.stuck import next_to_go
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.flows.engine import beside as waiting
from kubectl_pets.flows.engine.beside import SOON, Beside
from kubectl_pets.flows.engine.node_list import Names, NodeList
from kubectl_pets.flows.engine.patience import PASSING
from kubectl_pets.ports.server import ClockPort
from kubectl_pets.ports.sets import AroundPort, NodeNamesPort

#: Trouble that lasts for less is not asked about while somebody looks on.
_MOMENT = timedelta(seconds=3)

#: What is known of what is around a set before anybody has asked.
_NOTHING = Around()

#: Of so many sets one at least is well, nearly always: nodes are asked for before that is known, while the sets are judged. Not
#: earlier: a node that goes while pods are read would be taken for one that is there.
_MANY = 50

#: What was answered holds for so long; before something is called done or stuck, for less.
_LASTS, _LASTS_FRESH = timedelta(seconds=10), timedelta(seconds=2)


class LookPort(ClockPort, AroundPort, Protocol):
    """What it takes to judge a set, besides reading it."""


class LookEachPort(LookPort, NodeNamesPort, Protocol):
    """The same of several."""


class LookOnPort(AroundPort, NodeNamesPort, Protocol):
    """The same again and again, by a clock of its own."""


class HeardNodes:
    """The nodes that were told to be there and Ready, and when. For as long as any other answer is relied on they are not asked
    for again, so that the looks of one run, the one that it plans by among them, ask once."""

    def __init__(self) -> None:
        self._at: dict[str, datetime] = {}

    def note(self, asked: Questions, answer: Around, now: datetime) -> None:
        """What was ``asked`` has been answered."""
        ready = {node.name: now for node in answer.nodes or () if node.ready == "True"}
        self._at = {name: at for name, at in self._at.items() if name not in asked.nodes} | ready

    def unheard(self, asked: Questions | None, now: datetime) -> Questions | None:
        """What is to be asked of the nodes of a set that is well; None: each was told to be there a moment ago."""
        ages = [now - self._at[name] if name in self._at else _LASTS_FRESH for name in asked.nodes] if asked else []
        return None if all(timedelta(0) <= age < _LASTS_FRESH for age in ages) else asked


def judged(port: LookPort, view: SetView, stuck_after: StuckAfter, heard: HeardNodes | None = None) -> Assessment:
    """The verdict on one set for somebody who looks once, as ``judged_each``. ``heard`` is told of its nodes."""
    return _judged(port, (view,), stuck_after, _on_few_nodes, heard or HeardNodes())[0]


def judged_each(port: LookEachPort, views: Iterable[SetView], stuck_after: StuckAfter) -> list[Assessment]:
    """The verdicts for somebody who looks once. Only of sets that are not well it is asked why, all at once, and of those that
    are whether their nodes are there still: of a single one each node, of several the list. What tells why is left out where the
    server fails over it. Raises PetsError for what lasts."""
    looks = list(views)

    def names() -> frozenset[str] | None:
        return port.node_names()

    asked = Beside(names, "nodes") if len(looks) >= _MANY else names
    return _judged(port, looks, stuck_after, partial(_on_missing_nodes, asked, alone=len(looks) == 1), HeardNodes())


#: Of sets that seem to be well, by their place: what to ask of their nodes.
_OnNodes = Callable[[Mapping[int, Assessment]], dict[int, Questions]]


def _judged(
    port: LookPort, looks: Sequence[SetView], stuck_after: StuckAfter, on_nodes: _OnNodes, heard: HeardNodes
) -> list[Assessment]:
    now = port.now()
    seen = [assess(view, now, stuck_after) for view in looks]
    wanted = [questions(each) for each in seen]
    nodes = on_nodes({index: each for index, each in enumerate(seen) if _is_well(wanted[index])})
    both = ((index, beside(each, nodes.get(index))) for index, each in enumerate(wanted))
    asked = {index: each for index, each in both if each is not None}
    answers = _answers(port, [(seen[index].namespace, each) for index, each in asked.items()])
    for index, around in zip(asked, answers or ()):
        heard.note(asked[index], around, now)
        seen[index] = assess(replace(looks[index], around=_told(around, asked[index])), now, stuck_after)
    return seen


def _is_well(asked: Questions | None) -> bool:
    """Whether nothing is asked but what may yet speak against a set of which nothing does so far."""
    return asked is None or not asked.set_name


def _on_few_nodes(well: Mapping[int, Assessment]) -> dict[int, Questions]:
    return {index: nodes for index, each in well.items() if (nodes := nodes_of(each)) is not None}


def _on_missing_nodes(names: Names, well: Mapping[int, Assessment], *, alone: bool) -> dict[int, Questions]:
    """As ``_on_few_nodes`` of the only set that is looked at; else of those whose pods are on nodes that are not listed, with one
    request for the list, however many there are."""
    if alone and (few := _on_few_nodes(well)):
        return few
    under = {index: nodes for index, each in well.items() if (nodes := nodes_under(each))}
    try:
        there = names() if under or isinstance(names, Beside) else None
    except PASSING:
        return {}
    if there is None:
        return {}
    return {index: asked for index, nodes in under.items() if (asked := nodes_missing(nodes, there)) is not None}


def _told(around: Around, asked: Questions) -> Around:
    """What was answered. That nodes may not be read is no news where nothing but these was asked: the pods are well."""
    return replace(around, nodes=()) if around.nodes is None and _is_well(asked) else around


def _answers(port: AroundPort, asked: Sequence[tuple[str, Questions]]) -> tuple[Around, ...] | None:
    """What was answered to these questions; None where the server fails over it: it explains, and nothing rests on it."""
    try:
        return port.around(asked) if asked else ()
    except PASSING:
        return None


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict, and until when it would be found again. ``until`` None: for as long as nothing else is known."""

    view: SetView
    seen: Assessment
    asked: Questions | None = None
    since: datetime
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


class Inquiry:
    """The questions of one run that looks on at one set. ``next_at``: when to look again only to ask. A verdict that would be
    found again is not found anew."""

    def __init__(
        self, port: AroundPort, stuck_after: StuckAfter, *, at_once: bool = False, heard: HeardNodes | None = None
    ) -> None:
        """``at_once``: trouble that is there at the first look has not begun with it, and is asked about in that look. ``heard``:
        of nodes, by who has looked before."""
        self._port, self._stuck_after, self._at_once = port, stuck_after, at_once
        self._heard = heard or HeardNodes()
        self._about: tuple[str, ...] = ()
        self._since: datetime | None = None
        self._asked_at: datetime | None = None
        self._answer: Around | None = None
        self._missing: dict[str, datetime] = {}
        #: Without what was asked, and with it.
        self._first: _Look | None = None
        self._second: _Look | None = None
        self._quiet = Quiet()
        self.next_at: datetime | None = None

    def judge(self, view: SetView, now: datetime, *, fresh: bool) -> Assessment:
        """``fresh``: something will be called done or stuck, or be changed."""
        seen, asked = self.wanted(view, now, fresh=fresh)
        if asked is not None:
            self.hear(asked, _answers(self._port, ((seen.namespace, asked),)), now)
        return self.verdict(seen, view, now)

    def standing(self, view: SetView, now: datetime) -> Assessment | None:
        """The verdict of the last look, as it would be found again: it was at the same view, nothing that rests on time has come
        to be otherwise, and nothing is to be asked. None: it has to be judged."""
        first, last = self._first, self._second or self._first
        if first is None or last is None or first.view is not view or not (first.holds(now) and last.holds(now)):
            return None
        return last.seen if self.next_at is None or now < self.next_at else None

    @property
    def until(self) -> datetime | None:
        """When the verdict of the last look may be another one by time alone."""
        times = [look.until for look in (self._first, self._second) if look is not None and look.until is not None]
        return min(times, default=None)

    def wanted(
        self, view: SetView, now: datetime, *, fresh: bool, alone: bool = True, there: frozenset[str] | None = None
    ) -> tuple[Assessment, Questions | None]:
        """The verdict without what would tell why, and what to ask now; None: nothing, or not yet. Where all is well it is asked
        of the nodes: those that are not among all that are ``there``; where that is not known (None), of each before something
        rests on it, if this set is looked at ``alone``."""
        if self._first is None or self._first.view is not view or not self._first.holds(now):
            self._first, self._second = self._looked(view, now), None
        seen, asked = replace(self._first.seen, at=now), self._first.asked
        fresh, self._at_once = fresh or self._at_once, False
        self._note_missing(seen, now)
        missing = nodes_missing(nodes_under(seen), there) if there is not None and _is_well(asked) else None
        if missing is not None:
            asked = beside(asked, missing)
        elif _is_well(asked) and there is None and alone and (fresh or self._node_gone):
            asked = beside(asked, self._heard.unheard(nodes_of(seen), now))
        if asked is None:
            self._about, self._since, self._answer, self.next_at = (), None, None, None
            return seen, None
        self._note_trouble(seen, asked, now, missing.nodes if missing is not None else ())
        at_once = missing is not None and self._asked_at is None
        return seen, asked if self._is_time(now, fresh or at_once) else None

    def hear(self, asked: Questions, answers: Sequence[Around] | None, now: datetime) -> None:
        """What was ``asked`` has been answered, or could not be (None)."""
        if answers is not None:
            self._heard.note(asked, answers[0], now)
            self._answer = _told(answers[0], asked)
        self._asked_at = now

    @property
    def since(self) -> datetime | None:
        """When it came to what is asked about; None: nothing is."""
        return self._since

    @property
    def _node_gone(self) -> bool:
        """By the last answer, whose word stands until it is asked again."""
        return self._answer is not None and any(not node.ready for node in self._answer.nodes or ())

    def verdict(self, seen: Assessment, view: SetView, now: datetime) -> Assessment:
        """With all that is known by now. ``seen``: without it, as ``wanted`` had it."""
        if self._since is None:
            return seen
        self.next_at = self._since + _MOMENT if self._asked_at is None else self._asked_at + _LASTS
        around = replace(self._answer or Around(), missing_since=dict(self._missing))
        if around == _NOTHING:
            self._second = None  # nothing is known but what was judged
            return seen
        if self._second is None or self._second.view.around != around or not self._second.holds(now):
            self._second = self._looked(replace(view, around=around), now)
        return replace(self._second.seen, at=now)

    def _looked(self, view: SetView, now: datetime) -> _Look:
        moment = Moment.of(now)
        seen = assess(view, moment, self._stuck_after, self._quiet)
        asked = questions(seen)
        return _Look(view=view, seen=replace(seen, at=now), asked=asked, since=now, until=moment.until)

    def _note_missing(self, seen: Assessment, now: datetime) -> None:
        """Since when the controller could have made a pod (in OrderedReady the lowest one that is down), or deleted one."""
        down = [member for member in seen.members if not member.available]
        due = down if seen.policy == "Parallel" else down[:1]
        names = {member.name for member in due if member.state is PodState.MISSING and seen.observed}
        names |= {member.name for member in seen.members if member.mislabelled}
        names |= {member.absent for member in seen.members if member.absent}
        going = next_to_go(seen) if seen.observed else None
        names |= {going.name} if going is not None else set()
        self._missing = {name: self._missing.get(name, now) for name in names}

    def _note_trouble(self, seen: Assessment, asked: Questions, now: datetime, gone: tuple[str, ...]) -> None:
        """``gone``: nodes that are not there by the list of them."""
        names = {*asked.pods, *asked.missing}
        # By name: a pod that ends and is made anew again and again is one trouble.
        about = tuple(member.name for member in seen.members if not member.available or member.name in names) + gone
        if about != self._about or self._since is None:
            self._about, self._since, self._asked_at, self._answer = about, now, None, None

    def _is_time(self, now: datetime, fresh: bool) -> bool:
        if self._asked_at is not None:
            return now - self._asked_at >= (_LASTS_FRESH if fresh else _LASTS)
        return fresh or (self._since is not None and now - self._since >= _MOMENT)


class _Standing(msgspec.Struct, frozen=True):
    """The verdict of a look at one set. It holds for the same ``view`` before ``until`` (None: for ever)."""

    view: SetView
    seen: Assessment
    until: datetime | None
    #: When it may be another one by time alone, or is to be asked again.
    times: tuple[datetime, ...]


class _Asked(msgspec.Struct, frozen=True):
    """What is asked of a set, and since when it has been as it is asked about: of anything later it is no answer."""

    namespace: str
    questions: Questions
    since: datetime | None


class Inquiries:
    """The same for a run that looks on at many sets: what is asked of all of them is asked at once, beside the looks, none of
    which waits for the answers but the first. Until they come a verdict is what it is without them, or with those of before."""

    def __init__(self, port: LookOnPort, stuck_after: StuckAfter, made: "type[Inquiry]" = Inquiry) -> None:
        self._port, self._stuck_after, self._made = port, stuck_after, made
        self._nodes = NodeList(port)
        self._by_uid: dict[str, Inquiry] = {}
        self._standing: dict[str, _Standing] = {}
        self._at: datetime | None = None
        #: Sets whose first trouble is asked about at once, once nothing else is being asked.
        self._new: set[str] = set()
        self._asked: dict[str, _Asked] = {}
        self._asking: Beside[tuple[Around, ...] | None] | None = None
        #: When some verdict may change by time alone, or it is to be asked again, or whether an answer has come.
        self.next_at: datetime | None = None

    def judge(self, views: Iterable[SetView], now: datetime) -> list[Assessment]:
        """Each set in its turn; one that is seen for the first time is asked about at once. Only those are judged anew of which
        something has changed (another object of a view), or may have by time alone."""
        looks = {view.set.metadata.uid: view for view in views if view.set is not None}
        known = self._by_uid
        if looks.keys() != known.keys():
            self._by_uid = {uid: known.get(uid) or self._made(self._port, self._stuck_after) for uid in looks}
            self._new = {uid for uid in self._new if uid in looks} | (looks.keys() - known.keys())
        if looks:
            self._look_at_nodes(now)
        self._hear(0.0, now)
        standing = self._still(looks, now)
        first = {
            uid: self._by_uid[uid].wanted(view, now, fresh=uid in self._new, alone=len(looks) == 1, there=self._nodes.there)
            for uid, view in looks.items()
            if uid not in standing
        }
        self._ask({uid: (unasked.namespace, wanted) for uid, (unasked, wanted) in first.items() if wanted is not None}, now)
        for uid, (unasked, _) in first.items():
            standing[uid] = self._judged(uid, self._by_uid[uid].verdict(unasked, looks[uid], now), looks[uid])
        self._standing, self._at = standing, now
        times = [time for each in standing.values() for time in each.times if time > now]
        times += [now + SOON] if self._asking is not None else []
        self.next_at = min((*times, *((self._nodes.next_at,) if looks and self._nodes.next_at else ())), default=None)
        return [standing[uid].seen for uid in looks]

    def _ask(self, wanted: Mapping[str, tuple[str, Questions]], now: datetime) -> None:
        """What is wanted while something else is being asked is wanted at the next look still."""
        if self._at is None:
            self._port.around(())  # what is loaded for it makes decoders, which only one thread may do at a time
        if self._asking is not None:
            self._new &= wanted.keys()
            return
        self._new.clear()
        if not wanted:
            return
        self._asked = {uid: _Asked(space, asked, self._by_uid[uid].since) for uid, (space, asked) in wanted.items()}
        asking = [(each.namespace, each.questions) for each in self._asked.values()]
        self._asking = Beside(partial(_answers, self._port, asking), "why")
        self._hear(waiting.WAITS if self._at is not None else None, now)

    def _hear(self, within: float | None, now: datetime) -> None:
        """What has been answered. ``within``: for so many seconds it is waited for, None: until it has come."""
        if self._asking is None or (within is not None and not self._asking.has_come(within)):
            return
        asking, self._asking = self._asking, None
        answers = asking()
        for index, (uid, asked) in enumerate(self._asked.items()):
            inquiry = self._by_uid.get(uid)
            if inquiry is not None and inquiry.since == asked.since:
                inquiry.hear(asked.questions, answers[index:index + 1] if answers is not None else None, now)
                self._standing.pop(uid, None)

    def _look_at_nodes(self, now: datetime) -> None:
        """Where it is time to. No verdict stands of a set whose pods are on nodes that came or went, or that are not listed."""
        known = self._nodes.there is not None
        moved = self._nodes.renewed(now)
        if moved is None or known and not moved:
            return
        there = self._nodes.there or frozenset()
        for uid, each in tuple(self._standing.items()):
            nodes = all_nodes(each.seen)
            if nodes & moved or nodes - there:
                del self._standing[uid]

    def _still(self, looks: Mapping[str, SetView], now: datetime) -> dict[str, _Standing]:
        """The verdicts of the last look that would be found again. Of most sets nothing else has to be asked than this: it is the
        same view, and no time that it rests on has come."""
        found, known, goes_on = {}, self._standing, self._at is not None and self._at <= now
        for uid, view in looks.items():
            last = known.get(uid)
            if last is None or last.view is not view:
                continue
            if goes_on and (last.until is None or now < last.until):
                found[uid] = last
            elif (seen := self._by_uid[uid].standing(view, now)) is not None:
                found[uid] = self._judged(uid, seen, view)
        for uid in self._new:
            found.pop(uid, None)
        return found

    def _judged(self, uid: str, seen: Assessment, view: SetView) -> _Standing:
        inquiry = self._by_uid[uid]
        ends = [time for time in (inquiry.next_at, inquiry.until) if time is not None]
        times = ends if seen.recheck_at is None else [*ends, seen.recheck_at]
        return _Standing(view, seen, min(ends, default=None), tuple(times))

    def cap(self, seconds: float | None, now: datetime) -> float | None:
        """So many seconds (None: for ever), or fewer: until ``next_at``."""
        if self.next_at is None:
            return seconds
        left = max(0.0, (self.next_at - now).total_seconds()) + 0.01
        return left if seconds is None else min(left, seconds)
