"""``kubectl pets rollout restart``: every pod made anew, or chosen ones in a chosen order, and none that leads."""

import re
from collections.abc import Sequence
from datetime import timedelta

import click
from msgspec.structs import replace

from kubectl_pets.cli.options import ChangedSet, Number, connection, exit_codes, pass_session
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.kinds import Capability, SetRef
from kubectl_pets.domain.stepping.restarting import RestartOrder, in_order, is_under_way, mark
from kubectl_pets.domain.stepping.steps import Goal, Restart, RestartPods, Run
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.engine.options import RunOptions, run_options
from kubectl_pets.flows.rollout.carry import carry
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.flows.rollout.terms import settle_option, snapshot_options, soak_option, terms_options
from kubectl_pets.session import Session

#: Kinds where a mark in the template may restart nothing, or there are two templates.
_BY_EVICTION = frozenset((Capability.IN_PLACE, Capability.GROUPS))

_CODES = exit_codes(ExitCode.STUCK, ExitCode.TIMED_OUT, ExitCode.REFUSED)


@click.command("restart", epilog=_CODES)
@click.option(
    "--pod", "--group", "pods", multiple=True, metavar="ORDINAL|NAME", help="Only this pod, or group; may be repeated."
)
@click.option("--skip", multiple=True, metavar="ORDINAL|NAME", help="Not this pod; may be repeated.")
@click.option("--skip-leader", metavar="LABEL=VALUE|exec:CMD", help="Not the pod that has this label, or where CMD exits with 0.")
@click.option(
    "--order",
    type=click.Choice([order.value for order in RestartOrder]),
    help="In which order; 'list' is that of --pod. Not given: list with --pod, else highest-first.",
)
@click.option("--batch", type=Number(min=1), metavar="N", help="So many pods at a time.")
@click.option("--anew", is_flag=True, help="Begin again, although the last restart is unfinished or hardly over.")
@soak_option("--soak")
@settle_option
@click.argument("name", type=ChangedSet())
@run_options()
@terms_options
@snapshot_options
@connection
@pass_session
def command(
    session: Session,
    name: SetRef,
    options: RunOptions,
    terms: Terms,
    pods: tuple[str, ...],
    skip: tuple[str, ...],
    skip_leader: str | None,
    order: str | None,
    batch: int | None,
    anew: bool,
    soak: timedelta,
    settle: timedelta,
) -> ExitCode:
    """Make every pod anew, as kubectl rollout restart does, and wait for the last one; or chosen pods in a chosen order.

    With --pod, --skip, --skip-leader, --order or --batch each pod is evicted in its turn and is available again before the
    next; the template stays as it is, and strategy OnDelete does not matter. So it is, too, for a set whose controller updates
    pods in place, and for groups of a LeaderWorkerSet, which go with their leaders. Killed and typed again it takes down no pod
    twice: a note on the set says which are still to do.

    \b
    Examples:
      kubectl pets rollout restart web
      kubectl pets rollout restart web --pod 2 --pod 0
      kubectl pets rollout restart db --skip-leader role=primary --quorum --soak 30s
    """
    if order == RestartOrder.LIST.value and not pods:
        raise UsageError("--order list is the order of --pod, and no --pod was given. Nothing was changed.")
    chosen = bool(pods or skip or skip_leader or order or batch)
    leader = _label(skip_leader)
    if skip_leader and leader is None:
        terms = replace(terms, leader_command=skip_leader.removeprefix("exec:"))

    def goal(seen: Assessment, careful: bool) -> Goal:
        if not chosen and not _BY_EVICTION & seen.kind.can:
            by = Run(soak=soak, settle=settle) if soak or terms.stepwise or careful else None
            return Restart(at=mark(session.now(), seen), by=by, settle=settle, anew=anew)
        going_on = not anew and is_under_way(seen, session.now())
        left_out = _named(skip, seen, gone=going_on)
        wanted = in_order(_named(pods, seen, gone=going_on), seen, RestartOrder(order) if order else None)
        names = tuple(pod for pod in wanted if pod not in left_out)
        evict = not terms.ignore_budgets
        return RestartPods(pods=names, batch=batch or 1, soak=soak, settle=settle, leader=leader, evict=evict, anew=anew)

    return carry(session, name, goal, options, terms)


def _label(text: str | None) -> tuple[str, str] | None:
    """``role=primary`` as key and value; None for a command."""
    if text is None or text.startswith("exec:") and text != "exec:":
        return None
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(
            f"--skip-leader {text!r} is neither LABEL=VALUE nor exec:CMD. Nothing was changed.",
            hint="for instance --skip-leader role=primary",
        )
    return key, value


def _named(pods: Sequence[str], seen: Assessment, *, gone: bool = False) -> tuple[str, ...]:
    """Names of pods for ordinals or names; each once, in the order typed. ``gone``: a restart is gone on with, and the set may
    have been scaled down since: positions that it has no more are no slip then, because the note tells which pods are meant."""
    known = {member.name: member.name for member in seen.members} | {str(member.ordinal): member.name for member in seen.members}
    bare = [pod.rpartition("/")[2] for pod in pods]
    if gone:
        known = {word: position for word in bare if (position := _position(word, seen.name))} | known
    unknown = [pod for pod in bare if pod not in known]
    if unknown:
        there = f"{seen.members[0].name} to {seen.members[-1].last_name or seen.members[-1].name}" if seen.members else "none"
        raise UsageError(f"{seen.name} has no pod {', '.join(unknown)}. Nothing was changed.", hint=f"its pods: {there}")
    return tuple(dict.fromkeys(known[pod] for pod in bare))


def _position(word: str, name: str) -> str:
    """The name of the position that is meant, whether the set has it or not; empty: none."""
    ordinal = word.removeprefix(f"{name}-")
    return f"{name}-{int(ordinal)}" if re.fullmatch("[0-9]{1,9}", ordinal) else ""
