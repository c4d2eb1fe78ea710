"""``kubectl pets scale``: what another number of replicas does, what is asked before it, and how it ended.

The plan names each pod in the controller's order with what becomes of its claims; what somebody should know before stands below
it, and on stderr when there is no plan to show.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import assert_never

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.orphans.findings import Fate
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.scale.claim_effects import Coming, Leaving, Returning
from kubectl_pets.domain.scale.progress import ScaleProgress
from kubectl_pets.domain.scale.types import ClaimEffect, Move, ScaleRefused, Scaling, Votes
from kubectl_pets.views.orphans import words as claim_words
from kubectl_pets.views.rollout import words
from kubectl_pets.views.scale.words import refusal, replica_owner, stays, warning
from kubectl_pets.views.text import ages as age
from kubectl_pets.views.text import phrases, sizes

#: So many pods get a line each before the rest is counted.
_MANY = 20


def draw(found: Scaling, seen: Assessment, now: datetime) -> str:
    """The plan for the set as it was ``seen``; ``now``: for ages."""
    lines = [f"{words.title(seen)}: {headline(found)}"]
    for number, move in enumerate(found.moves[:_MANY], start=1):
        lines.append(f"{number:>3}. {_move(move, found, seen, now)}")
    if len(found.moves) > _MANY:
        rest = [move.span for move in found.moves[_MANY:]]
        lines.append(f"     and so on: {phrases.folded(rest)}")
    if found.refused is not None:
        lines.append(f"  => refused: {refusal(found.refused, found, seen)}")
    elif found.reached:
        lines.append("  => nothing to do")
    else:
        lines.append(f"  => {_range(found)}")
    lines += _quorum(found)
    lines += [f"at stake: {_stake(each, found)}" for each in found.stakes]
    return "\n".join([*lines, *(f"warning: {told}" for told in warnings(found, seen))])


def headline(found: Scaling) -> str:
    if found.before == found.after:
        return f"{phrases.count(found.after, 'replica')}, as asked for"
    order = "all at once" if found.at_once else _order(found)
    if found.removed:
        order = f"without ordinal {', '.join(map(str, found.removed))} from now on, {order}"
    return f"{found.before} -> {phrases.count(found.after, 'replica')}, {clean(found.policy)}: {order}"


def _order(found: Scaling) -> str:
    if found.after > found.before:
        return "one at a time, the lowest ordinal first, each available before the next"
    return "one at a time, the highest ordinal first, each gone before the next"


def _move(move: Move, found: Scaling, seen: Assessment, now: datetime) -> str:
    pod = f"{'group ' if found.group_size else ''}{clean(move.span)}"
    if move.creates:
        revision = f" at {phrases.hash_of(move.revision, seen)}" if move.revision else ""
        back = [_returning(each, now) for each in found.returns or () if each.pod == move.pod]
        size = f" of {phrases.count(found.group_size, 'pod')}" if found.group_size and move.count == 1 else ""
        return "; ".join([f"create {pod}{size}{revision}", *back])
    return "; ".join([f"remove {pod}", *(_leaving(each) for each in found.leaves or () if each.pod == move.pod)])


def _returning(each: Returning, now: datetime) -> str:
    claim = f"claim {clean(each.claim)} ({sizes.size(each.size)})"
    match each.coming:
        case Coming.OLD_DATA:
            since = f"unused for {age.age(each.unused_since, now)}" if each.unused_since else "since when unused is not known"
            others = "".join(f"; {claim_words.evidence(item)}" for item in each.wanted)
            nowhere = f"; no node fits it ({clean(each.nowhere)})" if each.nowhere is not None else ""
            return f"{claim} comes back with its old data, {since}, volume {clean(each.volume)}{nowhere}{others}"
        case Coming.UNBOUND:
            return f"{claim} is there already, and was never bound"
        case Coming.LOST:
            return f"{claim} is there, but its volume {clean(each.volume)} is gone: the pod will not start"
        case Coming.GOING:
            return f"{claim} is on its way out: the pod waits for that and gets a new, empty one"
        case _:
            assert_never(each.coming)


def _leaving(each: Leaving) -> str:
    claim = f"claim {clean(each.claim)} ({sizes.size(each.size)})"
    if not each.deleted:
        return f"{claim} stays" + (f", for {clean(each.controller)} controls it" if each.controller else "")
    others = "".join(f"; {claim_words.evidence(item)}" for item in each.wanted)
    if each.ephemeral:
        return f"{claim} of its ephemeral volume goes along, {_fate(each)}{others}"
    how = "is being deleted already and goes with its pod" if each.going else "is deleted"
    return f"{claim} {how}, {_fate(each)}{others}"


def _fate(each: Leaving) -> str:
    match each.fate:
        case Fate.DESTROYED:
            return f"and volume {clean(each.volume)} is DESTROYED with its data"
        case Fate.RETAINED:
            return f"volume {clean(each.volume)} keeps the data"
        case Fate.NO_DATA:
            return "and never had any data"
        case Fate.UNKNOWN:
            return "and what becomes of its data cannot be said"
        case _:
            assert_never(each.fate)


def _range(found: Scaling) -> str:
    if not found.after:
        return "no pod is left"
    return f"{phrases.count(found.after, 'group' if found.group_size else 'pod')}: {clean(found.slots.names(0, found.after))}"


def _quorum(found: Scaling) -> list[str]:
    now, then = found.votes
    if found.before == found.after:
        return []
    return [f"quorum: {_vote(now)}, {_margin(now)} now; then {_vote(then)}" + (f", {_margin(then)}" if found.after else "")]


def _vote(votes: Votes) -> str:
    return f"a majority of {votes.members} is {votes.majority}" if votes.members else "there is none"


def _margin(votes: Votes) -> str:
    if votes.tolerates < 0:
        return f"which {votes.available} available miss"
    return f"{votes.tolerates} may fail"


def warnings(found: Scaling, seen: Assessment) -> list[str]:
    """What somebody should know before, without the word "warning"."""
    refusing = found.refused.replica_owner if found.refused is not None else None
    others = [replica_owner(one, found) for one in found.replica_owners if one != refusing]
    data = _of_data(found) if found.refused is None and found.before != found.after else []
    return [*data, *(warning(each, found, seen) for each in found.warnings), *others]


def _of_data(found: Scaling) -> list[str]:
    old = [each for each in found.returns or () if each.coming is Coming.OLD_DATA]
    lost = [each.claim for each in found.returns or () if each.coming is Coming.LOST]
    kept = [each for each in found.leaves or () if not each.deleted]
    nowhere = [each.claim for each in found.returns or () if each.nowhere is not None]
    return [
        *([_comes_back(old)] if old else []),
        *([f"the volume of {phrases.folded(lost)} is gone: pods that mount it will not start"] if lost else []),
        *([f"no node fits the volume of {phrases.folded(nowhere)}: pods that mount it find no place"] if nowhere else []),
        *([stays(kept)] if kept else []),
    ]


def _comes_back(old: Sequence[Returning]) -> str:
    names = phrases.folded([each.claim for each in old])
    one = len(old) == 1
    return (
        f"{names} {'is' if one else 'are'} left from an earlier time: the new {'pod' if one else 'pods'} will mount "
        f"{'it' if one else 'them'} as {'it is' if one else 'they are'}"
    )


def question(found: Scaling, seen: Assessment, server: str) -> str:
    """Asked before what cannot be taken back; names the server, because that is what one gets wrong."""
    return f"{agreed(found, seen, server)} Go on?"


def agreed(found: Scaling, seen: Assessment, server: str) -> str:
    """What somebody agrees to, with -y as well."""
    parts = "; ".join(_stake(each, found) for each in found.stakes)
    return f"on {clean(server)} this scales {words.title(seen)} from {found.before} to {found.after}: {parts}."


def _stake(stake: ClaimEffect, found: Scaling) -> str:
    match stake:
        case ClaimEffect.CLAIMS:
            return _lost(found.lost)
        case ClaimEffect.MOUNTED:
            told = [f"{clean(each.claim)} ({claim_words.evidence(each.wanted[0])})" for each in found.mounted]
            return f"new pods take claims that somebody else mounts: {', '.join(told)}"
        case ClaimEffect.UNKNOWN_CLAIMS:
            return "the retention policy deletes the claims of pods that go, and which data that DESTROYS could not be read"
        case ClaimEffect.STOPS:
            return "no pod is left, the service stops"
        case ClaimEffect.PROMOTES:
            version = clean(found.promotes)
            return f"the rollout of {version} is over then: scaled up again every pod is at it, whatever held it back"
        case ClaimEffect.MAJORITY:
            return f"pods that are up go at once, and those that stay are no majority of {found.after}"
        case _:
            assert_never(stake)


def _lost(lost: Sequence[Leaving]) -> str:
    policy, going = [each for each in lost if not each.going], [each for each in lost if each.going]
    told = [f"the retention policy deletes {_deletes(policy)}"] if policy else []
    told += [f"goes with its pod what is being deleted already, {_deletes(going)}"] if going else []
    others = [f"{clean(each.claim)}: {claim_words.evidence(item)}" for each in lost for item in each.wanted]
    told += [f"although others want them ({', '.join(others)})"] if others else []
    return ", ".join(told)


def _deletes(lost: Sequence[Leaving]) -> str:
    names = phrases.folded([each.claim for each in lost])
    told = [f"{phrases.count(len(lost), 'claim')} ({names})"]
    for fate, verb in ((Fate.DESTROYED, "DESTROYS"), (Fate.UNKNOWN, "perhaps DESTROYS"), (Fate.RETAINED, "leaves")):
        those = [each for each in lost if each.fate is fate]
        if those:
            volumes = phrases.folded([each.volume for each in those if each.volume]) or "of unknown name"
            told.append(f"{verb} {phrases.count(len(those), 'volume')} with {_bytes(those)} ({volumes})")
    if not any(each.fate in (Fate.DESTROYED, Fate.UNKNOWN) for each in lost):
        told.append("destroys no data")
    return ", ".join(told)


def gone(found: Scaling, claims: Sequence[str], volumes: Sequence[str]) -> str:
    """What was lost, after all: ``claims`` and ``volumes`` are there still, although they were to go."""
    deleted = [each.claim for each in found.lost if each.claim not in claims]
    destroyed = [each.volume for each in found.destroyed if each.volume and each.volume not in volumes]
    told = [f"deleted {phrases.count(len(deleted), 'claim')} ({phrases.folded(deleted)})"] if deleted else []
    told += [f"DESTROYED {phrases.count(len(destroyed), 'volume')} ({phrases.folded(destroyed)})"] if destroyed else []
    told += [f"not gone yet: {phrases.folded([*claims, *volumes])}"] if claims or volumes else []
    return ", ".join(told)


def _bytes(claims: Iterable[Leaving]) -> str:
    sizes = [each.size for each in claims]
    return claim_words.amount(sum(size or 0 for size in sizes), sizes.count(None))


def ended(end: ScaleProgress, found: Scaling, seen: Assessment) -> str:
    """How it ended, on stderr."""
    name = words.title(seen)
    match end:
        case ScaleProgress.REACHED if found.reached:
            return f"{name}: nothing to do, {phrases.count(found.after, 'replica')} available"
        case ScaleProgress.REACHED:
            return f"{name}: scaled, {_range(found)}"
        case ScaleProgress.GOING_ON:
            return f"timed out: {words.headline(seen)}"
        case ScaleProgress.STUCK:
            more = len(seen.blockers) - 1
            return f"stuck: {name}: {words.blocker(seen.blockers[0])}" + (f" (and {more} more)" if more > 0 else "")
        case ScaleProgress.DELETED:
            return "failed: somebody deleted the set, so this scaling is over"
        case ScaleProgress.REPLACED:
            return f"failed: {name}: somebody deleted it and made another one of the same name; this scaling was of the old one"
        case ScaleProgress.RESCALED:
            return f"failed: {name}: somebody else set replicas to {seen.replicas}, so scaling to {found.after} stops here"
        case ScaleProgress.UNREADABLE:
            return f"failed: the pods of {name} may not be read any more, so nothing can be said of them"
        case _:
            assert_never(end)


def hint(end: ScaleProgress, found: Scaling, seen: Assessment) -> str | None:
    """What to type next; None where there is nothing to do."""
    status = f"{phrases.command(seen, 'status')} shows where it stands"
    match end:
        case ScaleProgress.STUCK if found.before != found.after and not found.removed:
            return f"{status}; take it back with: {_scale(seen, found.before)}"
        case ScaleProgress.STUCK | ScaleProgress.RESCALED | ScaleProgress.REPLACED:
            return status
        case ScaleProgress.GOING_ON:
            again = phrases.again(seen, "scale", "--replicas", str(found.after), without=("--remove",))
            return f"the controller goes on; wait on with: {again}"
        case ScaleProgress.REACHED | ScaleProgress.DELETED | ScaleProgress.UNREADABLE:
            return None
        case _:
            assert_never(end)


def after_interrupt(found: Scaling, seen: Assessment) -> str:
    back = f", or take it back with: {_scale(seen, found.before)}" if found.before != found.after and not found.removed else ""
    return f"the controller goes on; type the same again to wait on{back}"


def _scale(seen: Assessment, replicas: int) -> str:
    return phrases.command(seen, "scale", "--replicas", str(replicas))


def refused(found: ScaleRefused, plan: Scaling, seen: Assessment) -> str:
    return f"refused: {words.title(seen)}: {refusal(found, plan, seen)} Nothing was changed."


def changed_meanwhile(found: Scaling, seen: Assessment) -> str:
    """Nobody has agreed to what it would do now."""
    parts = "; ".join(_stake(each, found) for each in found.stakes)
    return f"refused: {words.title(seen)}: what scaling does changed meanwhile: {parts}. Nothing was changed."
