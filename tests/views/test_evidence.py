"""What is shown beside a verdict: the end of a log, Warnings, what changed, quotas; as a tree, below a last word, for programs."""

import json
from datetime import timedelta
from textwrap import dedent

import pytest
from hypothesis import given

from kubectl_pets.domain.model import Event, ObjectMeta, ObjectReference, OwnerReference, StatefulSetStatus
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.evidence import (
    Answers,
    Clues,
    Explanation,
    LogTail,
    Quota,
    QuotaStatus,
    clues,
    gathered,
)
from kubectl_pets.domain.rollout.history import History, StoredRevision, StoredSet
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.views.rollout import documents
from kubectl_pets.views.rollout import evidence as view
from kubectl_pets.views.rollout import tree
from tests.views import builders
from tests.views.builders import NEW, NOW, OLD, pod, snapshot
from tests.views.screens import screen
from tests.views.test_hostile import HOSTILE


def warning(reason: str, message: str, *, minutes: float, about: str = "web-2", times: int = 1, type: str = "Warning") -> Event:
    last = NOW - timedelta(minutes=minutes)
    reference = ObjectReference(kind="Pod", name=about, uid="u")
    return Event(type=type, reason=reason, message=message, count=times, first_timestamp=last, last_timestamp=last, involved_object=reference)


ASKED = Clues(namespace="default", set_name="web", pod="web-2", container="app", lines=2, pods=("web-2",), quotas=True)
ANSWERS = Answers(
    log=LogTail(pod="web-2", container="app", previous=True, lines=("opening /data", "panic: no space left")),
    events=(
        warning("BackOff", "Back-off restarting failed container", minutes=5, times=3),
        warning("BackOff", "Back-off restarting failed container", minutes=1, times=4),
        warning("FailedCreate", "exceeded quota", minutes=30, about="web"),
        warning("Pulled", "it went well", minutes=0, type="Normal"),
    ),
    quotas=(
        Quota(
            metadata=ObjectMeta(name="compute"),
            status=QuotaStatus(hard={"pods": "3", "limits.cpu": "8"}, used={"pods": "3", "limits.cpu": "2"}),
        ),
    ),
)


def found() -> Explanation:
    return gathered(ASKED, ANSWERS)


def test_below_a_last_word() -> None:
    assert dedent(view.told(found(), NOW)) == screen(
        """
        Log       web-2, container app, before its last restart; last 2 lines:
                  │ opening /data
                  │ panic: no space left
        Events    60s ago, 7 times: web-2 BackOff: Back-off restarting failed container
                  30m ago: web FailedCreate: exceeded quota
        Quota     compute: pods 3 of 3, limits.cpu 2 of 8
        """
    )


def test_in_the_tree_below_what_blocks() -> None:
    lines = tree.draw(builders.stuck(), NOW, evidence=found(), width=70).splitlines()
    at = next(index for index, line in enumerate(lines) if "Blocked by" in line)
    assert lines[at + 2:] == screen(
        """
        ├─ Log         web-2, container app, before its last restart; last 2
        │              lines:
        │              │ opening /data
        │              │ panic: no space left
        ├─ Events      60s ago, 7 times: web-2 BackOff: Back-off restarting
        │              failed container
        │              30m ago: web FailedCreate: exceeded quota
        └─ Quota       compute: pods 3 of 3, limits.cpu 2 of 8
        """
    ).splitlines()


@pytest.mark.parametrize("height", range(2, 24))
def test_evidence_gives_way_to_what_blocks(height: int) -> None:
    drawn = tree.draw(builders.stuck(), NOW, evidence=found(), height=height)
    assert "[image:pull] web-2" in drawn and len(drawn.splitlines()) <= height


def test_for_programs() -> None:
    document = json.loads(documents.one(builders.stuck(), "json", found()))["evidence"]
    assert document["log"] == {"pod": "web-2", "container": "app", "previous": True, "lines": ["opening /data", "panic: no space left"]}
    assert [(each["reason"], each["count"]) for each in document["events"]] == [("BackOff", 7), ("FailedCreate", 1)]
    assert document["quotas"][0] == {"name": "compute", "resource": "pods", "used": "3", "hard": "3"}
    assert document["changed"] is None and document["notRead"] == []
    assert "evidence" not in json.loads(documents.one(builders.stuck(), "json"))


def past() -> History:
    """Another image, and a secret where it should not be."""
    owner = ObjectMeta(name="web", uid="uid-web")
    owners = (OwnerReference(kind="StatefulSet", name="web", uid="uid-web", controller=True),)

    def revision(name: str, number: int, image: str, env: list[dict[str, str]]) -> StoredRevision:
        template = {"spec": {"containers": [{"name": "app", "image": image, "env": env}]}}
        metadata = ObjectMeta(name=name, owner_references=owners)
        return StoredRevision(metadata=metadata, revision=number, data={"spec": {"template": template}})

    return History(
        set=StoredSet(metadata=owner, status=StatefulSetStatus(current_revision=OLD, update_revision=NEW)),
        revisions=(revision(OLD, 1, "app:1", []), revision(NEW, 2, "app:2", [{"name": "TOKEN", "value": "hunter2"}])),
        pods=None,
    )


def test_what_changed_in_one_line_and_no_value_of_a_variable() -> None:
    evidence = gathered(Clues(namespace="default", set_name="web", history=True), Answers(events=(), history=past()))
    (entry,) = view.entries(evidence, NOW)
    assert entry.title == "Changed" and entry.text == "image app: 1 -> 2, env app/TOKEN added (revision 2 against 1)"
    assert "hunter2" not in json.dumps(view.document(evidence), default=str)


def test_missing_rights_are_named() -> None:
    evidence = gathered(ASKED, Answers())
    assert evidence.unread == ("get pods/log", "list events", "list resourcequotas")
    (entry,) = view.entries(evidence, NOW)
    assert entry.text == "no right to get pods/log and list events and list resourcequotas, which might tell more"


@given(HOSTILE)
def test_untrusted_text_is_cleaned(text: str) -> None:
    log = LogTail(pod="web-2", container=text, previous=False, lines=(text, text))
    evidence = gathered(ASKED, Answers(log=log, events=(warning(text, text, minutes=1, about=text),)))
    for shown in (tree.draw(builders.stuck(), NOW, evidence=evidence, width=80), view.told(evidence, NOW)):
        assert all(line.isprintable() for line in shown.split("\n"))


def crashed(ordinal: int = 2) -> Assessment:
    broken = pod(ordinal, NEW, ready=False, waiting=("CrashLoopBackOff", ""), restarts=5)
    return assess(snapshot([pod(0), pod(1), broken]), NOW)


def test_what_is_asked_for() -> None:
    seen = crashed()
    assert clues(builders.complete(), 5) is None and clues(builders.unreadable(), 5) is None
    asked = clues(seen, 5)
    assert asked is not None and (asked.pod, asked.container, asked.lines) == ("web-2", "app", 5)
    assert asked.pods == ("web-2",) and asked.history and not asked.quotas
    without = clues(seen, 0)
    assert without is not None and without.pod == ""
    pulling = clues(builders.stuck(), 5)
    assert pulling is not None and pulling.pod == "", "it has never run"


def test_what_kept_a_pod_from_a_node_is_over_once_it_has_one() -> None:
    """Most often it is of an earlier pod of the name."""
    asked = Clues(namespace="x", set_name="db", pods=("db-1", "db-2"), placed=("db-2",))
    waited = tuple(
        Event(involved_object=ObjectReference(kind="Pod", name=name), type="Warning", reason="FailedScheduling", message="0/3 nodes")
        for name in ("db-1", "db-2")
    )
    assert [each.about for each in gathered(asked, Answers(events=waited)).events] == ["db-1"]
