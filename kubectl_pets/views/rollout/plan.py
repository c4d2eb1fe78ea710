"""``--dry-run``: what a verb would do, as numbered lines, and how that would end.

The plan comes from the same decisions that carry a rollout out, so each line here is a change that would really be made, or a
wait between two.
"""

from datetime import datetime, timedelta
from typing import assert_never

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.steps import (
    Act,
    Delete,
    Done,
    DoneReason,
    Evict,
    GateFailed,
    Mark,
    Overtaken,
    Plan,
    Refused,
    Restore,
    SetPartition,
    Stage,
    Step,
    Stuck,
    Wait,
    WaitReason,
)
from kubectl_pets.views.rollout import decisions, words
from kubectl_pets.views.text import ages as age
from kubectl_pets.views.text import phrases

#: Endings of the verbs that only set the partition and leave the rest to the controller.
_AT_ONCE = (DoneReason.PARTITION_SET, DoneReason.PAUSED, DoneReason.RESUMED)


def draw(plan: Plan, seen: Assessment, now: datetime) -> str:
    """The plan for the set as it was ``seen``; ``now`` is when it was made, so that pauses can be told as durations."""
    awaits = not (isinstance(plan.ending, Done) and plan.ending.reason in _AT_ONCE)
    lines = [f"{words.title(seen)}: {words.phase(seen)}"]
    clock = now
    for number, entry in enumerate(plan.entries, start=1):
        if isinstance(entry, Act):
            text = _step(entry.step, awaits)
        else:
            text = _wait(entry, clock)
            clock = max(clock, entry.until) if entry.until else clock
        lines.append(f"{number:>3}. {text}")
    lost = decisions.lost_with_groups(plan, seen)
    return "\n".join([*lines, _ending(plan, seen), *([f"at stake: {lost}"] if lost else [])])


def _step(step: Step, awaits: bool) -> str:
    phrase = decisions.step_phrase(step)
    if not awaits:
        return phrase
    match step:
        case SetPartition(overlap=int() as overlap, partition=partition):
            ahead = f"each as one above it is available, never more than {overlap} ahead of those that are"
            return f"{phrase}, {ahead}{'' if partition else ', and wait for the last'}"
        case SetPartition(steps=int()):
            return f"{phrase} and wait after each until they are available"
        case SetPartition(releases=releases) if releases:
            return f"{phrase} and wait until {_are_available(_number(step))}"
        case Delete() | Evict():
            return f"{phrase}; wait until it is available"
        case Restore():
            return f"{phrase}; replicas, strategy and claim templates stay, no revision holds them"
        case _:
            return phrase


def _wait(wait: Wait, clock: datetime) -> str:
    match wait.reason:
        case WaitReason.OBSERVATION:
            return "wait until the controller has seen the newest spec"
        case WaitReason.PODS:
            one = len(wait.pods) == 1 and ".." not in wait.pods[0]
            return f"wait until {phrases.folded(wait.pods) or 'every pod'} {'is' if one else 'are'} available"
        case WaitReason.SOAK:
            if wait.until is None:
                return "pause before the next step"
            seconds = round((wait.until - clock).total_seconds())
            return f"pause for {age.duration(timedelta(seconds=seconds))}"
        case WaitReason.SETTLE:
            return "wait until they have stayed up for a moment"
        case WaitReason.HEADROOM | WaitReason.OTHERS:
            return "wait until one more pod may go down"
        case WaitReason.GATE:
            return "wait until the gates let pass"
        case WaitReason.SNAPSHOT:
            return f"wait until {phrases.folded(wait.pods)} are ready"
        case _:
            assert_never(wait.reason)


def _are_available(pods: int) -> str:
    return "it is available" if pods == 1 else "they are available"


def _number(step: Step) -> int:
    """How many pods it releases. A run of them, which no pod holds yet, is of as many as the partition goes down by."""
    if not isinstance(step, SetPartition):
        return 0
    return step.before - step.partition if any(".." in name for name in step.releases) else len(step.releases)


def _ending(plan: Plan, seen: Assessment) -> str:
    match plan.ending:
        case Done(reason=reason):
            return f"  => {_done(reason, plan, seen)}"
        case Refused():
            return f"  => refused: {decisions.sentence(plan.ending, seen)}"
        case Stuck() | GateFailed():
            return f"  => stuck: {decisions.sentence(plan.ending, seen)}"
        case Overtaken():
            return f"  => over: {decisions.sentence(plan.ending, seen)}"
        case _:
            assert_never(plan.ending)


def _done(reason: DoneReason, plan: Plan, seen: Assessment) -> str:
    """How it would end. The wording of a real ending would count pods as they are now, before the plan."""
    touched = sum(map(_number, plan.steps)) + len(plan.deletes)
    partitions = [step.partition for step in plan.steps if isinstance(step, SetPartition | Stage | Restore | Mark)]
    partition = next((each for each in reversed(partitions) if each is not None), seen.partition)
    match reason:
        case DoneReason.COMPLETE:
            return "complete: every pod at the update revision"
        case DoneReason.CANARY_REACHED:
            return f"canary reached: {phrases.count(touched, 'pod')} replaced, the rest as they are"
        case DoneReason.STEP_REACHED:
            return "step done: the rest stays as it is"
        case DoneReason.PAUSED:
            return f"paused at partition {partition}"
        case DoneReason.RESUMED:
            return f"resumed at partition {partition}, nothing is waited for"
        case DoneReason.ABORTED:
            kept = f"the template keeps the new version, held back by partition {partition}"
            return f"aborted: every pod at {clean(seen.before.held)}; {kept}"
        case DoneReason.PARTITION_SET:
            return f"partition {partition}, nothing is waited for"
        case DoneReason.UNDONE:
            return "undone: every pod at the restored template"
        case DoneReason.HELD_BACK:
            return f"restored, but not undone: partition {partition} keeps pods at another revision"
        case DoneReason.UNSTUCK:
            return "unstuck: every released pod at the update revision"
        case DoneReason.RESTARTED:
            return "restarted: each of them made anew and available"
        case DoneReason.NOTHING_TO_DO if plan.entries:
            return "nothing left to do"
        case DoneReason.NOTHING_TO_DO | DoneReason.NEVER_ROLLS | DoneReason.ALREADY_UNDONE | DoneReason.ALREADY_RESTARTED:
            return decisions.sentence(plan.ending, seen)
        case _:
            assert_never(reason)
