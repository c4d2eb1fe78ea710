"""The verbs that take a rollout a part of its way, or hold it, each one a goal and a page of help."""

from collections.abc import Callable
from datetime import timedelta

import click

from kubectl_pets.cli.options import ChangedSet, Pods, connection, exit_codes, pass_session
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.domain.stepping.steps import Abort, Amount, Canary, Goal, Pause, Promote, Resume, Run, StepOn
from kubectl_pets.errors import ExitCode
from kubectl_pets.flows.engine.options import RunOptions, run_options
from kubectl_pets.flows.rollout.carry import carry
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.flows.rollout.images import image_option, resolved
from kubectl_pets.flows.rollout.terms import settle_option, soak_option, terms_options
from kubectl_pets.session import Session

_pods = click.option("--pods", type=Pods(), default="1", show_default=True, help="How many pods to release.")
_name = click.argument("name", type=ChangedSet())
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


@click.command("canary", epilog=_CODES)
@_pods
@image_option
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
        return Canary(pods=pods, images=resolved(images, seen), settle=settle)

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
