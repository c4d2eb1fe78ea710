"""list, status and quorum say the same of a set: over every scene, from what each of them reads and asks."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import yaml
from msgspec.structs import replace

from kubectl_pets import __main__ as door
from kubectl_pets.domain.model import Around, Inventory, SetView
from kubectl_pets.domain.rollout.asking import Questions
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.evidence import Answers, Clues
from kubectl_pets.domain.rollout.verdict import Phase
from kubectl_pets.domain.sets.kinds import APPS_SET, SetKind
from kubectl_pets.errors import ServerError
from kubectl_pets.flows.engine.inquiry import Inquiries, LookOnPort
from kubectl_pets.session import Cluster, Session
from tests.commands.test_inquiry import MISSING, REFUSED, WELL, Port, at
from tests.domain.builders import NOW
from tests.domain.test_scenes import FILES, SCENES, decoded
from tests.terminal import FakeTerminal


class Held:
    """A cluster that holds one scene. Answers tell only what is asked for."""

    namespace = "prod"

    def __init__(self, view: SetView, now: datetime) -> None:
        self._view, self._now = view, now
        self.asked: list[Questions] = []

    def now(self) -> datetime:
        return self._now

    def close(self) -> None:
        """Nothing is open."""

    def set_view(self, namespace: str, name: str, kind: SetKind = APPS_SET) -> SetView:
        return replace(self._view, around=None)

    def inventory(
        self, namespace: str | None, selector: str | None, *, every_kind: bool = False, groups: bool = False
    ) -> Inventory:
        view = self._view
        assert view.set is not None
        return Inventory(sets=(view.set,), pods=view.pods, revisions=view.revisions, claims=view.claims, server=view.server)

    def around(self, asked: Sequence[tuple[str, Questions]]) -> tuple[Around, ...]:
        found = []
        for namespace, questions in asked:
            assert namespace == "prod"
            self.asked.append(questions)
            found.append(self._told(questions))
        return tuple(found)

    def _told(self, asked: Questions) -> Around:
        known = self._view.around or Around(events=(), namesakes=(), nodes=())
        about = {asked.set_name, *asked.pods}
        namesakes = {pod.name: pod for pod in (*(self._view.pods or ()), *(known.namesakes or ())) if pod.name in asked.missing}
        return Around(
            events=None if known.events is None else tuple(each for each in known.events if each.involved_object.name in about),
            namesakes=tuple(namesakes.values()),
            nodes=None if known.nodes is None else tuple(each for each in known.nodes if each.name in asked.nodes),
        )

    def evidence(self, asked: Clues) -> Answers:
        """Nothing that explains may be read: the verdict stands without."""
        return Answers()

    def budgets(self, namespace: str | None) -> tuple[()]:
        return ()

    def nodes(self) -> tuple[()]:
        return ()


def said(cluster: Held, *words: str) -> Any:
    terminal = FakeTerminal()
    door.run([*words, "-o", "json", "--patience", "2m,3"], Session(terminal=terminal, connect=lambda flags: cast(Cluster, cluster)))
    return json.loads(terminal.stdout_text)


def scenes() -> Iterator[Any]:
    for file in FILES:
        for scene in yaml.safe_load_all((SCENES / f"{file}.yaml").read_text()):
            if scene.get("set", {}) is not None:
                yield pytest.param(scene, id=scene["title"])


@pytest.mark.parametrize("scene", list(scenes()))
def test_no_verb_contradicts_another(scene: dict[str, Any]) -> None:
    now = datetime.strptime(scene.get("now", "2026-03-01T12:00:00Z"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    cluster = Held(decoded(scene, "v1.37.2"), now)
    status = said(cluster, "status", "web")["status"]
    asked = list(cluster.asked)
    (listed,) = said(cluster, "list")["items"]
    same = ("phase", "staged", "partitionLeftOver", "ready", "available", "updated", "waitsFor", "blockers", "failing", "silentNodes")
    assert {key: listed["status"][key] for key in same} == {key: status[key] for key in same}
    assert listed["status"]["notRead"] == status["notRead"] and listed["status"]["recheckAt"] == status["recheckAt"]
    assert said(cluster, "quorum", "web")["available"] == status["available"]
    (of_all,) = said(cluster, "quorum")["items"]
    assert of_all["available"] == status["available"]
    assert cluster.asked == 4 * asked, "each of them asks the same, and only where something is not well"


# --- many sets at once -----------------------------------------------------------------------------------------------------------


def many(*views: SetView) -> list[SetView]:
    """The same sets under other names."""
    named = []
    for number, view in enumerate(views):
        assert view.set is not None
        meta = replace(view.set.metadata, uid=f"set-{number}")
        pods = tuple(
            replace(pod, metadata=replace(pod.metadata, owner_references=tuple(
                replace(owner, uid=meta.uid) for owner in pod.metadata.owner_references
            )))
            for pod in view.pods or ()
        )
        named.append(replace(view, set=replace(view.set, metadata=meta), pods=pods))
    return named


def test_of_many_sets_those_are_asked_about_that_are_not_well() -> None:
    anybody = replace(REFUSED, involved_object=replace(REFUSED.involved_object, uid=""))
    port = Port(Around(events=(anybody,)))
    look = Inquiries(cast(LookOnPort, port), StuckAfter())
    views = many(MISSING, WELL, MISSING)
    seen = look.judge(views, NOW)
    assert [bool(each.failing) for each in seen] == [True, False, True] and len(port.asked) == 2
    look.judge(views, at(1))
    assert len(port.asked) == 2 and look.next_at == at(10), "a moment ago"
    look.judge(views[:2], at(10))
    assert len(port.asked) == 3, "and once more about the one that is left"
    look.judge(views, at(11))
    assert len(port.asked) == 4, "it is back, as if it had never been seen"
    well = look.judge(views[1:2], at(12))
    assert [each.phase for each in well] == [Phase.COMPLETE]


def test_a_server_that_fails_over_the_reasons_takes_no_verdict_with_it() -> None:
    look = Inquiries(cast(LookOnPort, Port(ServerError("slow"))), StuckAfter())
    seen = look.judge(many(MISSING, WELL), NOW)
    assert [each.phase for each in seen] == [Phase.PROGRESSING, Phase.COMPLETE]
    assert look.next_at is not None and look.next_at - NOW <= timedelta(seconds=10)
