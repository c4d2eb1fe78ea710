"""Claims as a cluster would report them, judged by the real ``judge``: one scene for each class, and some for plans."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from kubectl_pets.domain.model import Condition
from kubectl_pets.domain.orphans.deletion import DeletionOptions
from kubectl_pets.domain.orphans.findings import ClaimVerdict
from kubectl_pets.domain.orphans.judging import KEEP_ANNOTATION, judge
from kubectl_pets.domain.orphans.snapshots import Offer
from tests.domain.orphans.builders import (
    DAY,
    NOW,
    claim,
    cron_job,
    estate,
    mounts,
    one,
    owner,
    pod,
    snapshot_class,
    stateful_set,
    users,
    volume,
)

WEB = stateful_set("web", 2)
SNAPSHOT = DeletionOptions(snapshot=True, snapshot_class="nightly", offer=Offer(classes=(snapshot_class("nightly"),)))
UNUSED = Condition(type="Unused", status="True", last_transition_time=NOW - 12 * DAY)


def left_behind(*ordinals: int, policy: str = "Delete", replicas: int = 2, **given: Any) -> tuple[ClaimVerdict, ...]:
    """Claims of set ``web`` with volumes of short names."""
    claims = [claim(f"data-web-{at}", volume_name=f"pv-{at}", **given) for at in ordinals]
    volumes = {item.spec.volume_name: volume(item, policy) for item in claims}
    return judge(estate(*claims, sets=(stateful_set("web", replicas),), volumes=volumes), NOW)


def _short(name: str, **given: Any) -> Any:
    return claim(name, **{"volume_name": "pv-" + name.rpartition("-")[2]} | given)


def in_use() -> ClaimVerdict:
    return one(estate(_short("data-web-0"), sets=(WEB,), users=users(pods=(pod("web-0", *mounts("data-web-0")),))))


def in_range() -> ClaimVerdict:
    return one(estate(_short("data-web-1"), sets=(WEB,)))


def will_return() -> ClaimVerdict:
    return one(estate(_short("data-web-2"), sets=(stateful_set("web", 0),)))


def used_by_template() -> ClaimVerdict:
    return one(estate(_short("data-web-3"), sets=(WEB,), users=users(cronjobs=(cron_job("backup", *mounts("data-web-3")),))))


def owned() -> ClaimVerdict:
    return one(estate(_short("data-web-4", owners=(owner("Kafka", "broker"),)), sets=(WEB,)))


def terminating() -> ClaimVerdict:
    return one(estate(_short("data-web-5", deleted=True), sets=(WEB,)))


def kept() -> ClaimVerdict:
    return one(estate(_short("data-web-6", annotations={KEEP_ANNOTATION: "ann: until the audit"}), sets=(WEB,)))


def lost() -> ClaimVerdict:
    item = _short("data-web-7", phase="Lost")
    return one(estate(item, sets=(WEB,), volumes={"pv-7": None}))


def ambiguous() -> ClaimVerdict:
    return one(estate(_short("data-web-8", made_by=("helm",)), sets=(WEB,)))


def unsure() -> ClaimVerdict:
    return one(estate(_short("data-web-9"), sets=(WEB,), users=users(cronjobs=None, jobs=None)))


def scaled_down() -> ClaimVerdict:
    return one(estate(_short("data-web-10", size="1536Mi", unused=UNUSED), sets=(WEB,)))


def template_gone() -> ClaimVerdict:
    item = _short("logs-web-1", volume_name="pv-logs-1", storage_class_name="slow")
    seen = estate(
        item,
        sets=(WEB,),
        volumes={"pv-logs-1": volume(item, "Retain")},
        users=users(pods=(pod("web-1", made=NOW - timedelta(hours=5)),)),
    )
    return one(seen)


def set_gone() -> ClaimVerdict:
    return one(estate(_short("data-old-db-0", volume_name="pv-old", labels={"app": "db"}), sets=(WEB,)))


def no_data() -> ClaimVerdict:
    return one(estate(claim("data-web-11", phase="Pending"), sets=(WEB,)))


def volume_going() -> ClaimVerdict:
    """Somebody has deleted its volume: ``kubectl delete pv --all``."""
    item = claim("data-web-13", volume_name="pv-13")
    going = volume(item, deletion_timestamp=NOW)
    return one(estate(item, sets=(WEB,), volumes={going.name: going}))


def unknown_policy() -> ClaimVerdict:
    return left_behind(12, policy="Archive")[0]


def colliding() -> ClaimVerdict:
    """Both sets may have made it: kubernetes/kubernetes#41153."""
    return one(estate(_short("data-web-web-5"), sets=(stateful_set("web", 1, "data-web"), stateful_set("web-web", 1))))


SCENES: dict[str, Callable[[], ClaimVerdict]] = {
    scene.__name__: scene
    for scene in (
        in_use,
        in_range,
        will_return,
        used_by_template,
        owned,
        terminating,
        kept,
        lost,
        ambiguous,
        unsure,
        scaled_down,
        template_gone,
        set_gone,
        no_data,
        volume_going,
        unknown_policy,
        colliding,
    )
}
