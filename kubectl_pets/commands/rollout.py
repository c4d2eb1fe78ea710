"""``kubectl pets rollout``: the verbs that carry a rollout, each one a goal and a page of help."""

from collections.abc import Callable
from datetime import timedelta

import click

from kubectl_pets.cli.groups import LazyGroup, Verb
from kubectl_pets.cli.options import ChangedSet, ImageValue, Pods, connection, exit_codes, pass_session
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.kinds import Capability, SetRef
from kubectl_pets.domain.stepping.deciding import images_for
from kubectl_pets.domain.stepping.steps import Abort, Amount, Canary, Goal, Pause, Promote, Resume, Run, StepOn
from kubectl_pets.errors import ExitCode, RefusedError, UsageError
from kubectl_pets.flows.engine.options import RunOptions, run_options
from kubectl_pets.flows.rollout.carry import OnStuck, carry
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.flows.rollout.groups import carry_group
from kubectl_pets.flows.rollout.terms import settle_option, snapshot_options, soak_option, terms_options
from kubectl_pets.pasting import again
from kubectl_pets.session import Session

_HERE = "kubectl_pets.commands.rollout"

VERBS = {
    "status": Verb("kubectl_pets.commands.status:rollout_status", "Wait until it is done, as kubectl's does, or stuck."),
    "history": Verb("kubectl_pets.commands.history:history", "The revisions, what changed in each, and which pods run it."),
    "diff": Verb("kubectl_pets.commands.history:diff", "What differs between two revisions, or one and the template."),
    "report": Verb("kubectl_pets.commands.report:command", "What happened: each pod's times, the slowest, who wrote what."),
    "run": Verb(f"{_HERE}:run", "The whole rollout in one command: canary, steps, to the end."),
    "canary": Verb(f"{_HERE}:canary", "Stage a change and release it to the highest ordinals only."),
    "step": Verb(f"{_HERE}:step", "Release the next pods and wait for them."),
    "promote": Verb(f"{_HERE}:promote", "Release every pod and wait for the end."),
    "pause": Verb(f"{_HERE}:pause", "Hold the rollout where it stands."),
    "resume": Verb(f"{_HERE}:resume", "Undo a pause."),
    "abort": Verb(f"{_HERE}:abort", "Bring every pod back to the current revision."),
    "undo": Verb("kubectl_pets.commands.undo:undo", "Restore an earlier template and free what stays stuck."),
    "unstick": Verb("kubectl_pets.commands.undo:unstick", "Delete just the pods that hold the controller up."),
    "handover": Verb("kubectl_pets.commands.handover:command", "Give the fields that it wrote back to whoever deploys the set."),
    "restart": Verb("kubectl_pets.commands.restart:command", "Make every pod anew, or chosen ones in a chosen order."),
}

_image = click.option(
    "--image", "images", type=ImageValue(), multiple=True, help="The change to roll out; may be repeated, one a container."
)
_pods = click.option("--pods", type=Pods(), default="1", show_default=True, help="How many pods to release.")
_name = click.argument("name", type=ChangedSet())
_OVERLAP = ("--overlap",)
_CODES = exit_codes(ExitCode.STUCK, ExitCode.TIMED_OUT, ExitCode.REFUSED)


def _verb(command: Callable[..., ExitCode], patience: bool = True) -> Callable[..., ExitCode]:
    """What every verb here takes."""
    return _name(run_options(patience=patience)(connection(pass_session(command))))


def _brief(command: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """What the verbs take that wait for no pod."""
    return _verb(command, patience=False)


def _forward(command: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """What the verbs take that release pods, one step after the other."""
    return _verb(terms_options(command))


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    name="rollout",
    epilog=exit_codes(ExitCode.NOT_YET, ExitCode.STUCK, ExitCode.TIMED_OUT, ExitCode.REFUSED),
)
@connection
def command() -> None:
    """Carry a StatefulSet's rollout, in order, with the truth about where it stands.

    \b
    Examples:
      kubectl pets rollout run web --image nginx:1.27 --canary 1
      kubectl pets rollout canary web --image nginx:1.27
      kubectl pets rollout step web --pods 2
      kubectl pets rollout promote web
      kubectl pets rollout abort web
    """


@click.command("run", epilog=_CODES)
@_image
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
        return Run(images=_resolve(images, seen), canary=canary, step=step, soak=soak, settle=settle, overlap=overlap)

    if overlap:
        _refuse_overlap(name, soak, terms, session.namespace)
    way_out = OnStuck(on_stuck)
    if group:
        if name is not None:
            raise UsageError("a NAME and --group exclude each other.")
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


@click.command("canary", epilog=_CODES)
@_pods
@_image
@settle_option
@_forward
def canary(
    session: Session, name: SetRef, options: RunOptions, terms: Terms, pods: Amount, images: tuple[Image, ...], settle: timedelta
) -> ExitCode:
    """Stage a change under a partition that holds every pod, then release it to the highest ordinals and wait for them.

    Without --image it releases what is staged already. OnDelete sets have no partition: there it deletes the pods itself.

    \b
    Examples:
      kubectl pets rollout canary web --image nginx:1.27
      kubectl pets rollout canary web --pods 2 --image app=db:2.1 --dry-run
    """
    def goal(seen: Assessment, careful: bool) -> Goal:
        return Canary(pods=pods, images=_resolve(images, seen), settle=settle)

    return carry(session, name, goal, options, terms)


@click.command("step", epilog=_CODES)
@_pods
@settle_option
@_forward
def step(session: Session, name: SetRef, options: RunOptions, terms: Terms, pods: Amount, settle: timedelta) -> ExitCode:
    """Release the next pods, from the highest ordinal down, and wait until they are available.

    A step that was cut short is finished first and counts as this one.

    \b
    Examples:
      kubectl pets rollout step web
      kubectl pets rollout step web --pods 25%
    """
    return carry(session, name, lambda seen, careful: StepOn(pods=pods, settle=settle), options, terms)


@click.command("promote", epilog=_CODES)
@soak_option("--soak")
@settle_option
@_forward
def promote(session: Session, name: SetRef, options: RunOptions, terms: Terms, soak: timedelta, settle: timedelta) -> ExitCode:
    """Release every pod, wait until the last one is available, and leave the partition at 0.

    With gates or --soak it releases one pod at a time.

    \b
    Examples:
      kubectl pets rollout promote web
      kubectl pets rollout promote web --soak 1m --gate-http /healthz:8080 --timeout 20m
    """
    goal: Goal = Run(soak=soak, settle=settle) if soak or terms.stepwise else Promote(settle=settle)
    return carry(session, name, lambda seen, careful: goal, options, terms)


@click.command("pause", epilog=exit_codes(ExitCode.TIMED_OUT, ExitCode.REFUSED))
@_brief
def pause(session: Session, name: SetRef, options: RunOptions) -> ExitCode:
    """Raise the partition to where the rollout stands: pods already replaced stay, no other one follows.

    \b
    Example:
      kubectl pets rollout pause web
    """
    return carry(session, name, lambda seen, careful: Pause(), options)


@click.command("resume", epilog=exit_codes(ExitCode.TIMED_OUT, ExitCode.REFUSED))
@_brief
def resume(session: Session, name: SetRef, options: RunOptions) -> ExitCode:
    """Put the partition back to what it was before the pause. Does not wait: 'kubectl pets status NAME -w' does.

    \b
    Example:
      kubectl pets rollout resume web
    """
    return carry(session, name, lambda seen, careful: Resume(), options)


@click.command("abort", epilog=_CODES)
@settle_option
@_verb
def abort(session: Session, name: SetRef, options: RunOptions, settle: timedelta) -> ExitCode:
    """Bring every pod back to the current revision, the last one that was rolled out to the end.

    Holds the rollout with the partition, then deletes the updated pods one at a time (broken ones first, then from the highest
    ordinal down), each back and staying up before the next one that serves goes. The template keeps the new version, held back
    by the partition.

    \b
    Examples:
      kubectl pets rollout abort web
      kubectl pets rollout abort web -y --timeout 15m
    """
    return carry(session, name, lambda seen, careful: Abort(settle=settle), options)


def _resolve(images: tuple[Image, ...], seen: Assessment) -> tuple[Image, ...]:
    resolved, unknown = images_for(images, seen)
    if unknown:
        known = ", ".join(image.container for image in seen.template)
        asked = ", ".join(repr(name) if name else "an image without its container" for name in unknown)
        raise UsageError(
            f"{seen.name} has no container for {asked}. Nothing was changed.",
            hint=f"its containers: {known}; say CONTAINER=IMAGE.",
        )
    by_name = {image.container: image for image in reversed(resolved)}
    other = next((image for image in resolved if by_name[image.container] != image), None)
    if other is not None:
        two = f"{by_name[other.container].image} and {other.image}"
        raise UsageError(f"container {other.container} is given two images, {two}. Nothing was changed.", hint="say each once.")
    return tuple(dict.fromkeys(resolved))
