"""``kubectl pets rollout run``: the whole rollout of a set, or of several, in one command."""

from datetime import timedelta

import click

from kubectl_pets.cli.options import ChangedSet, Pods, connection, exit_codes, pass_session
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.kinds import Capability, SetRef
from kubectl_pets.domain.stepping.steps import Amount, Goal, Run
from kubectl_pets.errors import ExitCode, RefusedError, UsageError
from kubectl_pets.flows.engine.options import RunOptions, run_options
from kubectl_pets.flows.rollout.carry import OnStuck, carry
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.flows.rollout.images import image_option, resolved
from kubectl_pets.flows.rollout.terms import settle_option, snapshot_options, soak_option, terms_options
from kubectl_pets.pasting import again
from kubectl_pets.session import Session

_OVERLAP = ("--overlap",)


@click.command("run", epilog=exit_codes(ExitCode.STUCK, ExitCode.TIMED_OUT, ExitCode.REFUSED))
@image_option
@click.option("--canary", type=Pods(), help="Pods to release first; as many as a step where not given.")
@click.option("--step", type=Pods(), default="1", show_default=True, help="Pods to release at a time.")
@click.option("--overlap", is_flag=True, help="Each pod that is done lets the next one go; never more than a step.")
@soak_option("--pause", "--soak")
@settle_option
@click.option(
    "--on-stuck",
    type=click.Choice([choice.value for choice in OnStuck]),
    default=OnStuck.PAUSE.value,
    show_default=True,
    help="When it sticks or time runs out; 'abort' agrees to the deletion of updated pods.",
)
@click.option("--group", metavar="SELECTOR", help="In place of NAME: every set with these labels, one after the other.")
@click.option("--by", metavar="LABEL", help="With --group: in the order of this label's values, such as zones.")
@click.argument("name", type=ChangedSet(), required=False)
@run_options(stream=True)
@terms_options
@snapshot_options
@connection
@pass_session
def run(
    session: Session,
    name: SetRef | None,
    options: RunOptions,
    terms: Terms,
    group: str | None,
    by: str | None,
    images: tuple[Image, ...],
    canary: Amount | None,
    step: Amount,
    overlap: bool,
    soak: timedelta,
    settle: timedelta,
    on_stuck: str,
) -> ExitCode:
    """The whole rollout in one command: stage the change, release a canary, go on in steps to the end.

    Each step waits until every released pod is available at the new revision and has passed the gates. Killed at any point and
    typed again, it goes on from what the cluster says. Ctrl-C pauses it and says where it stands. With --group it goes from set
    to set, each only while all the others are fully available, and stops at the first problem.

    \b
    Examples:
      kubectl pets rollout run web --image nginx:1.27
      kubectl pets rollout run web --image app=db:2.1 --step 25% --pause 30s
      kubectl pets rollout run web --image app=db:2.1 --canary 1 --step 20 --overlap
      kubectl pets rollout run web --quorum --gate-exec 'pg_isready' --soak 1m
      kubectl pets rollout run web --timeout 30m --on-stuck abort
      kubectl pets rollout run --group rollout-group=ingester --by zone --image ingester:2.9
    """

    def goal(seen: Assessment, careful: bool) -> Goal:
        if overlap:
            _refuse_overlap_of(seen, name)
        return Run(images=resolved(images, seen), canary=canary, step=step, soak=soak, settle=settle, overlap=overlap)

    if overlap:
        _refuse_overlap(name, soak, terms, session.namespace)
    way_out = OnStuck(on_stuck)
    if group:
        if name is not None:
            raise UsageError("a NAME and --group exclude each other.")
        from kubectl_pets.flows.rollout.groups import carry_group

        return carry_group(session, group, by or "", goal, options, terms, on_stuck=way_out)
    if name is None:
        raise UsageError("Missing argument 'NAME'.", hint="or say --group SELECTOR for several sets.")
    if by:
        raise UsageError("--by goes with --group.")
    return carry(session, name, goal, options, terms, on_stuck=way_out)


def _refuse_overlap(name: SetRef | None, soak: timedelta, terms: Terms, namespace: str) -> None:
    """Raises UsageError where something is to be done between two steps: steps that overlap have nothing between them."""
    between = {
        "--pause": soak,
        "--gate-dns": terms.gate_dns,
        "--gate-exec, --gate-http and --gate-cmd": terms.gates,
        "--snapshot-each": terms.snapshots is not None and terms.snapshots.each,
    }
    found = next((flag for flag, typed in between.items() if typed), None)
    if found is not None:
        told = f"--overlap leaves nothing between two steps, and {found} is for what is between them"
        words = (name.typed,) if name is not None else ()
        without = again("rollout run", *words, without=_OVERLAP, namespace=namespace)
        raise UsageError(f"{told}. Nothing was changed.", hint=f"without it: {without}")


def _refuse_overlap_of(seen: Assessment, name: SetRef | None) -> None:
    """Raises RefusedError where steps cannot overlap. The controller of groups goes on over one whose workers do not start,
    so each of them has to be back before the next."""
    if seen.strategy == "OnDelete":
        told = "its update strategy is OnDelete, which has no partition, and --overlap releases pods by that"
    elif Capability.GROUPS in seen.kind.can:
        told = "it is a set of groups, of which one goes at a time, and --overlap has the next one go before that"
    else:
        return
    words = (name.typed,) if name is not None else ()
    without = again("rollout run", *words, without=_OVERLAP, namespace=seen.namespace)
    raise RefusedError(f"{seen.name}: {told}. Nothing was changed.", hint=f"without it: {without}")
