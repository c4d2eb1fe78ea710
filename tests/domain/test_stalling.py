"""What an event says of a claim that is made anew, and what it does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import Event, ObjectMeta, ObjectReference, PersistentVolumeClaim
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.snapshots.restoring import ClaimReturn, Stand
from kubectl_pets.domain.snapshots.stalling import Stall, StallReason, of_filling, of_leaving
from tests.domain.builders import NOW

PATIENCE = StuckAfter(time=timedelta(minutes=2))


def turn(stand: Stand = Stand.FILLING, old: timedelta = timedelta(minutes=5), **meta: Any) -> ClaimReturn:
    made = PersistentVolumeClaim(metadata=ObjectMeta(name="data-web-1", uid="u1", creation_timestamp=NOW - old, **meta))
    return ClaimReturn(
        claim="data-web-1", ordinal=1, stand=stand, snapshot="shot", asked_at=NOW, cut_at=None, size=None, storage_class="fast",
        waits_for_pod=False, of_earlier=False, present=made, volume=None, made=made,
    )


def event(reason: str, message: str = "", ago: int = 0, *, uid: str = "u1", kind: str = "Warning") -> Event:
    then = NOW - timedelta(seconds=ago)
    about = ObjectReference(kind="PersistentVolumeClaim", name="data-web-1", uid=uid)
    return Event(type=kind, reason=reason, message=message, first_timestamp=then, last_timestamp=then, involved_object=about)


def begins(ago: int) -> Event:
    return event("Provisioning", "External provisioner is provisioning volume", ago, kind="Normal")


FAILED = event("ProvisioningFailed", "rpc error: code = ResourceExhausted desc = no room", 30)


def told(*events: Event, old: timedelta = timedelta(minutes=5)) -> Stall | None:
    return of_filling(turn(old=old), events, NOW, PATIENCE)


def test_what_failed_and_was_not_begun_again() -> None:
    found = told(begins(40), FAILED)
    assert found is not None and found.reason is StallReason.NOT_FILLED and "no room" in found.message
    assert found.since == NOW - timedelta(seconds=30) and found.stuck_at - found.since == PATIENCE.time
    assert told(begins(30), FAILED) == found, "a try that failed in the second that it began in"


def test_a_try_under_way_is_waited_for() -> None:
    assert told(begins(10), FAILED) is None


@pytest.mark.parametrize("code", ["DeadlineExceeded", "Aborted", "Canceled"])
def test_a_driver_that_is_still_copying_has_not_failed(code: str) -> None:
    assert told(event("ProvisioningFailed", f"rpc error: code = {code} desc = an operation is in progress", 5)) is None


def test_an_event_of_an_earlier_claim_of_the_name_says_nothing() -> None:
    assert told(begins(10), event("ProvisioningFailed", "gone", 1, uid="u0")) is None


def test_nobody_has_begun() -> None:
    waits = event("ExternalProvisioning", "Waiting for a volume to be created", 5, kind="Normal")
    found = told(waits)
    assert found is not None and found.reason is StallReason.NOT_BEGUN and found.since == NOW - timedelta(minutes=5)
    assert told(waits, begins(3)) is None
    assert told(waits, old=timedelta(hours=2)) is None, "events that old are not kept"


def test_what_may_not_be_read_is_no_evidence() -> None:
    assert of_filling(turn(), None, NOW, PATIENCE) is None


def test_a_claim_that_is_filled_or_not_there_stalls_in_no_way() -> None:
    for stand in set(Stand) - {Stand.FILLING}:
        assert of_filling(turn(stand), (FAILED,), NOW, PATIENCE) is None
    assert of_filling(replace(turn(), present=None), (FAILED,), NOW, PATIENCE) is None


def test_a_finalizer_of_others_holds_a_claim_that_is_to_go() -> None:
    since = NOW - timedelta(seconds=7)
    held = turn(Stand.LEAVING, deletion_timestamp=since, finalizers=("kubernetes.io/pvc-protection", "example.org/backup"))
    found = of_leaving(held, PATIENCE)
    assert found is not None and (found.reason, found.message, found.since) == (StallReason.HELD, "example.org/backup", since)
    assert of_leaving(turn(Stand.LEAVING, deletion_timestamp=since, finalizers=("kubernetes.io/pvc-protection",)), PATIENCE) is None


def test_one_since_a_time_that_no_clock_has_is_waited_for_to_the_end_of_time() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    found = of_leaving(turn(Stand.LEAVING, deletion_timestamp=end, finalizers=("example.org/hold",)), PATIENCE)
    assert found is not None and found.stuck_at == end
