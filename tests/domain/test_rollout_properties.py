"""What ``assess`` must never say, whatever a cluster may hold: a false "complete" is the worst thing that it can do."""

from datetime import datetime, timedelta
from random import Random

import msgspec
from hypothesis import event, given
from hypothesis import strategies as st

from kubectl_pets.domain.model import Pod, SetView, StatefulSet
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment, Awaited, Phase
from kubectl_pets.domain.stepping.holding import standing
from kubectl_pets.domain.stepping.until import Until, progress
from tests.domain.builders import NOW, UID, snapshots
from tests.domain.examples import cases


def own(snapshot: SetView) -> dict[str, Pod]:
    """The set's pods by the letter: controlled by it, and named by an ordinal of its."""
    assert snapshot.set is not None
    return {
        pod.name: pod
        for pod in snapshot.pods or ()
        if any(owner.uid == UID and owner.controller for owner in pod.metadata.owner_references)
        and pod.name in {f"{snapshot.set.name}-{ordinal}" for ordinal in range(100)}
    }


def is_available(pod: Pod | None, owner: StatefulSet, now: datetime) -> bool:
    """Told by the letter of isRunningAndAvailable and isTerminating."""
    if pod is None or pod.metadata.deletion_timestamp is not None or pod.status.phase != "Running":
        return False
    ready = [condition for condition in pod.status.conditions if condition.type == "Ready"]
    if not ready or ready[0].status != "True":
        return False
    since = ready[0].last_transition_time
    return owner.spec.min_ready_seconds == 0 or (since is not None and (now - since).total_seconds() >= owner.spec.min_ready_seconds)


def names_in_range(owner: StatefulSet) -> list[str]:
    start = owner.spec.ordinals.start if owner.spec.ordinals else 0
    return [f"{owner.name}-{start + position}" for position in range(owner.spec.replicas)]


def check_rest(snapshot: SetView, seen: Assessment) -> None:
    """COMPLETE, PAUSED and WAITING_FOR_DELETE without blockers: every position is held by an available pod, and it was observed."""
    owner = snapshot.set
    assert owner is not None and snapshot.pods is not None
    mine, names = own(snapshot), names_in_range(owner)
    assert owner.status.observed_generation >= owner.metadata.generation
    assert owner.metadata.deletion_timestamp is None
    assert all(is_available(mine.get(name), owner, NOW) for name in names)
    assert set(mine) == set(names), "surplus pods"


@cases(3000)
@given(snapshot=snapshots())
def test_no_verdict_claims_too_much(snapshot: SetView) -> None:
    seen = assess(snapshot, NOW)
    owner = snapshot.set
    assert owner is not None
    event(seen.phase.value)
    wanted, mine = owner.status.update_revision, own(snapshot)
    match seen.phase:
        case Phase.COMPLETE:
            check_rest(snapshot, seen)
            assert wanted and all(mine[name].revision == wanted for name in names_in_range(owner))
            assert not seen.waits_for and not seen.blockers
        case Phase.PAUSED:
            check_rest(snapshot, seen)
            rolling = owner.spec.update_strategy.rolling_update
            partition = (rolling.partition if rolling else 0) or 0
            assert all(mine[name].revision == wanted for name in names_in_range(owner)[partition:])
            assert any(mine[name].revision != wanted for name in names_in_range(owner)[:partition])
        case Phase.STUCK:
            assert seen.blockers
        case Phase.FAILING:
            assert seen.failing and all(blocker.stuck_at and blocker.stuck_at > NOW for blocker in seen.failing)
        case Phase.WAITING_FOR_DELETE:
            assert owner.spec.update_strategy.type == "OnDelete"
            assert any(pod.revision != wanted for pod in mine.values())
        case Phase.PROGRESSING | Phase.SCALING:
            assert seen.waits_for
        case Phase.UNKNOWN:
            assert seen.blockers
        case _:
            assert seen.phase is Phase.DELETING
    if seen.all_available:
        assert owner.spec.replicas == 0 or snapshot.pods


@cases(700)
@given(snapshot=snapshots())
def test_members_are_the_range_and_nothing_else(snapshot: SetView) -> None:
    seen = assess(snapshot, NOW)
    owner = snapshot.set
    assert owner is not None
    assert [member.name for member in seen.members] == names_in_range(owner)
    assert [member.position for member in seen.members] == list(range(owner.spec.replicas))
    assert [extra.ordinal for extra in seen.surplus] == sorted(extra.ordinal for extra in seen.surplus)
    assert {extra.name for extra in seen.surplus} == set(own(snapshot)) - set(names_in_range(owner))
    known = {"", *(member.name for member in seen.members + seen.surplus)}
    assert {wait.pod for wait in seen.waits_for} | {blocker.pod for blocker in seen.blockers} <= known
    assert seen.ready >= seen.available
    assert 0 <= standing(seen) <= seen.replicas
    for until in Until:
        progress(until, seen)


@cases(700)
@given(snapshot=snapshots(), seed=st.integers(0, 2**32))
def test_the_order_of_the_lists_means_nothing(snapshot: SetView, seed: int) -> None:
    shuffled = list(snapshot.pods or ())
    Random(seed).shuffle(shuffled)
    other = msgspec.structs.replace(snapshot, pods=None if snapshot.pods is None else tuple(shuffled))
    assert assess(other, NOW) == assess(snapshot, NOW)


@cases(700)
@given(snapshot=snapshots(), share=st.floats(0, 0.999))
def test_time_alone_changes_a_verdict_only_when_foretold(snapshot: SetView, share: float) -> None:
    seen = assess(snapshot, NOW)
    if seen.recheck_at is None:
        later = NOW + timedelta(days=3650 * share)
    else:
        assert seen.recheck_at > NOW
        later = NOW + (seen.recheck_at - NOW) * share
    after = assess(snapshot, later)
    assert (after.phase, after.waits_for, after.blockers, after.available) == (seen.phase, seen.waits_for, seen.blockers, seen.available)


@cases(300)
@given(snapshot=snapshots())
def test_what_is_decoded_is_what_was_sent(snapshot: SetView) -> None:
    assert msgspec.json.decode(msgspec.json.encode(snapshot), type=SetView) == snapshot


@cases(300)
@given(snapshot=snapshots())
def test_pods_that_cannot_be_read_are_never_none(snapshot: SetView) -> None:
    """A missing right is not an empty set."""
    seen = assess(msgspec.structs.replace(snapshot, pods=None), NOW)
    assert seen.phase in (Phase.UNKNOWN, Phase.DELETING, Phase.PROGRESSING)
    assert seen.phase is not Phase.PROGRESSING or [wait.awaited for wait in seen.waits_for] == [Awaited.OBSERVATION]
    assert not any(progress(until, seen) == "reached" for until in Until)


@cases(300)
@given(snapshot=snapshots())
def test_without_pods_nothing_is_available(snapshot: SetView) -> None:
    seen = assess(msgspec.structs.replace(snapshot, pods=()), NOW)
    assert seen.replicas == 0 or (not seen.all_available and seen.phase not in (Phase.COMPLETE, Phase.PAUSED))
