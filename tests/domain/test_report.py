"""What happened in a rollout: on what a real kubelet, scheduler and controller left (tests/domain/recordings), and in made-up timelines."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kubectl_pets.domain.model import REVISION_LABEL, Condition, Event, ObjectReference, Pod
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.fields import FieldsOwner
from kubectl_pets.domain.rollout.history import RevisionEntry
from kubectl_pets.domain.rollout.report import PodProgress, PodStage, RolloutReport, Unseen, report
from tests.domain.builders import NEW, NOW, OLD, pod, snapshot, statefulset
from tests.domain.recording import Scene, load

RECORDING = load(Path(__file__).parent / "recordings" / "ways.jsonl.gz")


def entry(name: str = NEW, number: int = 2, *, update: bool = True, created: datetime | None = None) -> RevisionEntry:
    return RevisionEntry(
        name=name, number=number, created=created, template={}, changes=None, pods=None, current=False, update=update, live=update
    )


# --- recorded on a real node -------------------------------------------------------------------------------------------------


def recorded(name: str) -> tuple[RolloutReport, Scene]:
    """At the last moment of the recording."""
    now, scene = list(RECORDING.moments(name))[-1]
    view = scene.view()
    seen = assess(view, now)
    assert view.revisions and view.around is not None
    made = next(each for each in view.revisions if each.name == seen.update_revision)
    known = entry(made.name, made.revision, created=made.metadata.creation_timestamp)
    return report(seen, view.pods, known, (), FieldsOwner(), view.around.events, now), scene


def times(scene: Scene, reason: str, *, own: bool) -> list[datetime]:
    """The first times of the events of that reason, of the pod that there is or of those before it."""
    (uid,) = [each["metadata"]["uid"] for each in scene.pods.values()]
    return sorted(
        datetime.fromisoformat(each.get("firstTimestamp") or each["eventTime"])
        for each in scene.events.values()
        if each["reason"] == reason and (each["involvedObject"].get("uid") == uid) is own
    )


@pytest.mark.parametrize("name", ["good", "third-try", "startup", "init-hangs", "no-image"])
def test_a_pod_s_times_are_those_of_the_kubelet_and_the_scheduler(name: str) -> None:
    found, scene = recorded(name)
    ((told,), (raw,)) = found.pods, scene.pods.values()
    conditions = {each["type"]: each for each in raw["status"]["conditions"]}
    assert told.created == datetime.fromisoformat(raw["metadata"]["creationTimestamp"])
    assert told.scheduled == datetime.fromisoformat(conditions["PodScheduled"]["lastTransitionTime"])
    ready = conditions["Ready"]
    assert told.ready == (datetime.fromisoformat(ready["lastTransitionTime"]) if ready["status"] == "True" else None)
    assert told.pulled == next(iter(times(scene, "Pulled", own=True)), None), "one image: the first time that it was there"
    assert told.deleted is None and told.restarts == sum(each["restartCount"] for each in raw["status"].get("containerStatuses", []))
    assert [each.about for each in told.warnings] == [told.name] * len(told.warnings)
    assert sum((span for _, span in told.stages), timedelta(0)) == (told.available or told.ready or told.pulled or told.scheduled or NOW) - told.created


def test_what_took_the_time_is_told_by_stage() -> None:
    found, scene = recorded("slow-to-end")
    (told,) = found.pods
    assert told.deleted == times(scene, "Killing", own=False)[-1], "somebody deleted it by hand: only the kubelet tells"
    stages = dict(told.stages)
    assert max(stages, key=lambda stage: stages[stage]) is PodStage.TERMINATION and stages[PodStage.TERMINATION] > timedelta(seconds=9)
    assert told.took == found.took and found.ended == told.available


def test_what_went_wrong_is_told_and_nothing_is_called_over() -> None:
    found, _ = recorded("no-image")
    (told,) = found.pods
    assert told.progress is PodProgress.ON_ITS_WAY and found.ended is None and found.eta is None, "it does not go on by itself"
    assert {each.reason for each in told.warnings} == {"Failed"} and any("nowhere" in each.message for each in told.warnings)
    again, _ = recorded("third-try")
    assert [each.why for each in again.unseen] == [Unseen.READY_AGAIN]


# --- made up -----------------------------------------------------------------------------------------------------------------


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def made(ordinal: int, created: float, ready: float | None, revision: str = NEW) -> Pod:
    """Times in seconds from NOW; scheduled a second after it was made."""
    found = pod(ordinal, revision, ready=ready is not None, since=at(ready if ready is not None else created), created=at(created))
    scheduled = Condition(type="PodScheduled", status="True", last_transition_time=at(created + 1))
    return msgspec.structs.replace(found, status=msgspec.structs.replace(found.status, conditions=(*found.status.conditions, scheduled)))


def event(reason: str, when: float, *, about: str = "web-0", uid: str = "", message: str = "", kind: str = "Pod", type: str = "Normal", last: float | None = None, count: int = 1) -> Event:
    involved = ObjectReference(kind=kind, name=about, uid=uid)
    return Event(
        type=type, reason=reason, message=message, count=count, involved_object=involved,
        first_timestamp=at(when), last_timestamp=at(when if last is None else last),
    )  # fmt: skip


def deleted(ordinal: int, when: float, *, last: float | None = None) -> Event:
    return event("SuccessfulDelete", when, about="web", kind="StatefulSet", message=f"Delete Pod web-{ordinal} in StatefulSet web successful", last=last)


ROLLED = (made(0, 70, 90), made(1, 30, 60), made(2, 5, 25))
DELETIONS = (deleted(2, 0), deleted(1, 26), deleted(0, 62))


def told_of(pods: tuple[Pod, ...], events: tuple[Event, ...] | None = DELETIONS, *, now: float = 200, **how: Any) -> RolloutReport:
    known = how.pop("entry", entry())
    older = how.pop("older", ())
    owner = how.pop("owner", FieldsOwner())
    seen = assess(snapshot(statefulset(**how), *pods), at(now))
    return report(seen, pods, known, older, owner, events, at(now))


def test_the_whole_the_slowest_and_the_order() -> None:
    found = told_of(ROLLED, current=NEW)
    assert [each.name for each in found.pods] == ["web-2", "web-1", "web-0"], "as the controller goes"
    assert [(each.deleted, each.created, each.scheduled, each.available) for each in found.pods] == [
        (at(0), at(5), at(6), at(25)), (at(26), at(30), at(31), at(60)), (at(62), at(70), at(71), at(90)),
    ]  # fmt: skip
    assert (found.began, found.ended, found.took) == (at(0), at(90), timedelta(seconds=90))
    assert found.slowest is not None and (found.slowest.name, found.slowest.took) == ("web-1", timedelta(seconds=34))
    assert found.done == found.positions == 3 and not any(each.again for each in found.pods)


def test_a_deletion_that_happened_again_and_one_of_an_earlier_rollout() -> None:
    """Events of one message are one event with two times; only what comes before the pod's own creation is about it."""
    assert told_of(ROLLED, (deleted(2, -500, last=0),), current=NEW).pods[0].deleted == at(0)
    assert told_of(ROLLED, (deleted(2, -500, last=150),), current=NEW).pods[0].deleted == at(-500)
    assert told_of(ROLLED, (deleted(2, 150),), current=NEW).pods[0].deleted is None


def test_while_it_runs_the_pace_tells_when_it_may_be_through() -> None:
    under_way = (made(0, -9000, -9000, OLD), made(1, 30, None), made(2, 5, 25))
    found = told_of(under_way, DELETIONS[:2], now=40)
    assert [each.progress for each in found.pods] == [PodProgress.DONE, PodProgress.ON_ITS_WAY, PodProgress.WAITING]
    assert found.ended is None and found.eta == at(25 + 2 * 25), "25 s for one pod, and two are left"
    assert told_of(under_way, DELETIONS[:2], now=100).eta == at(100), "never in the past"
    assert found.pods[2].deleted is None and found.pods[2].available is None, "of the old pod nothing is told"
    assert told_of((made(0, -9000, -9000, OLD), made(1, -9000, -9000, OLD), made(2, 5, None)), DELETIONS[:1], now=9).eta is None, "no pod is done"


def test_what_the_partition_holds_is_no_part_of_it() -> None:
    held = (made(0, -9000, -9000, OLD), made(1, 30, 60), made(2, 5, 25))
    found = told_of(held, DELETIONS[:2], partition=1)
    assert [each.progress for each in found.pods] == [PodProgress.DONE, PodProgress.DONE, PodProgress.HELD]
    assert found.ended == at(60) and found.eta is None and found.done == 2


def test_pods_that_were_made_later_do_not_count() -> None:
    """web-2 was evicted an hour afterwards, and web-3 scaled up."""
    later = (made(0, 70, 90), made(1, 30, 60), made(2, 3600, 3700), made(3, 4000, 4010))
    killing = event("Killing", 3590, about="web-2", uid="the one before")
    found = told_of(later, (*DELETIONS, killing), now=5000, replicas=4, current=NEW)
    assert [each.name for each in found.pods if each.again] == ["web-3", "web-2"]
    assert (found.began, found.ended) == (at(26), at(90))
    assert [(each.why, each.pods) for each in found.unseen if each.why is Unseen.MADE_AGAIN] == [(Unseen.MADE_AGAIN, ("web-3", "web-2"))]


def test_pods_that_go_two_at_a_time_were_not_made_later() -> None:
    """The one that ends slowly is made after the other one is available already."""
    both = (made(0, 70, 90), made(1, 2, 10), made(2, 40, 50))
    found = told_of(both, (deleted(2, 0), deleted(1, 0), deleted(0, 60)), current=NEW, max_unavailable=2)
    assert not any(each.again for each in found.pods)


def test_the_first_rollout_goes_up() -> None:
    up = (made(0, 0, 10), made(1, 10, 20), made(2, 20, 30))
    found = told_of(up, (), current=NEW, entry=entry(number=1))
    assert [each.name for each in found.pods] == ["web-0", "web-1", "web-2"] and not any(each.again for each in found.pods)


def test_images_are_there_when_the_last_of_them_is_there_for_the_first_time() -> None:
    events = (
        event("Pulled", 8, about="web-0", uid="pod-0", message='Successfully pulled image "a:1" in 2s'),
        event("Pulled", 12, about="web-0", uid="pod-0", message='Container image "b:1" already present on machine'),
        event("Pulled", 40, about="web-0", uid="pod-0", message='Container image "b:1" already present on machine', last=80, count=3),
        event("Pulled", 1, about="web-0", uid="another", message='Successfully pulled image "c:1" in 2s'),
    )
    found = told_of((made(0, 5, 60),), events, replicas=1, current=NEW)
    assert found.pods[0].pulled == at(12)


def test_what_is_not_known_is_said() -> None:
    assert {each.why for each in told_of(ROLLED, None, current=NEW).unseen} == {Unseen.EVENTS_UNREAD}
    silent = told_of(ROLLED, (*DELETIONS, event("Scheduled", 5, about="web-2", uid="pod-2")), current=NEW)
    assert [(each.why, each.pods) for each in silent.unseen] == [(Unseen.EVENTS_GONE, ("web-1", "web-0"))]
    gone = told_of(ROLLED, current=NEW, entry=entry(OLD, 1, update=False))
    assert [each.why for each in gone.unseen] == [Unseen.PODS_GONE] and gone.began is None and gone.took is None
    back = told_of(ROLLED, (), current=NEW, entry=entry(number=3, created=at(-900)), older=(entry(OLD, 2, created=at(-500)),))
    assert Unseen.RESTORED in {each.why for each in back.unseen}
    bad = msgspec.convert({"metadata": {"managedFields": [7]}}, FieldsOwner)
    assert Unseen.WRITERS_UNREADABLE in {each.why for each in told_of(ROLLED, current=NEW, owner=bad).unseen}


def test_pods_that_may_not_be_read_are_not_missing() -> None:
    view = msgspec.structs.replace(snapshot(statefulset()), pods=None)
    found = report(assess(view, NOW), None, entry(), (), FieldsOwner(), DELETIONS, NOW)
    assert found.pods == () and found.ended is None and [each.why for each in found.unseen] == [Unseen.PODS_UNREAD]


def test_who_wrote_what() -> None:
    fields: dict[str, Any] = {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': {"f:image": {}}}}}}}
    managed = [
        {"manager": "helm", "operation": "Apply", "time": "2026-03-01T11:00:00Z", "fieldsV1": fields},
        {"manager": "kubectl-pets", "operation": "Update", "time": "2026-03-01T12:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
        {"manager": "odd", "operation": "Update", "time": "0000-99-01", "fieldsV1": {"f:spec": {"f:x": {}}}},
    ]
    owner = msgspec.convert({"metadata": {"managedFields": managed}, "spec": {}}, FieldsOwner)
    assert [(each.manager, each.fields, each.time is None) for each in told_of(ROLLED, current=NEW, owner=owner).writers] == [
        ("kubectl-pets", ("replicas",), False), ("helm", ("replicas", "template.spec.containers[name=app].image"), False), ("odd", ("x",), True),
    ]  # fmt: skip


def test_an_older_revision_is_about_the_pods_that_run_it() -> None:
    mixed = (made(0, 0, 10, OLD), made(1, 10, 20, OLD), made(2, 105, 125))
    found = told_of(mixed, (), entry=entry(OLD, 1, update=False))
    assert [each.name for each in found.pods] == ["web-0", "web-1"] and found.ended == at(20)
    assert REVISION_LABEL in mixed[0].metadata.labels
