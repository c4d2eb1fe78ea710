"""``kubectl pets status``: one StatefulSet as a tree, and the truth as exit code; ``rollout status``: the same, which waits as
kubectl's does."""

from collections.abc import Callable
from datetime import timedelta

import click

from kubectl_pets.cli.options import (
    Number,
    connection,
    exit_codes,
    junit,
    output,
    pass_session,
    patience,
    seconds,
    sets_named,
    timeout,
)
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.domain.stepping.until import Until
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.engine.choosing import SetSelection, refs, views
from kubectl_pets.flows.rollout.status import StatusAim, follow_each, look
from kubectl_pets.flows.rollout.why import LOG_LINES
from kubectl_pets.session import Session

_CODES = exit_codes(ExitCode.NOT_YET, ExitCode.STUCK, ExitCode.TIMED_OUT)

_until = click.option(
    "--until",
    type=click.Choice([until.value for until in Until]),
    help="What to wait for; with it, a paused rollout is waited on. Without: complete, ending early where it rests.",
)


def _flags(command: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """What both verbs take besides."""
    log_lines = click.option(
        "--logs",
        "log_lines",
        type=Number(0, 500),
        default=LOG_LINES,
        show_default=True,
        metavar="N",
        help="Lines of the log of a container that crashed; 0: none.",
    )
    formats = output("table", "wide", "json", "yaml", "jsonl", "name", "html", "svg")
    for option in (pass_session, connection, junit, formats, log_lines, patience, timeout, _until):
        command = option(command)
    return command


@click.command("status", epilog=_CODES)
@sets_named
@click.option("-w", "--watch", is_flag=True, help="Follow it to its end; the exit code tells which.")
@_flags
def command(
    session: Session,
    sets: tuple[SetRef, ...],
    all_namespaces: bool,
    selector: str | None,
    watch: bool,
    until: str | None,
    timeout: timedelta | None,
    patience: StuckAfter,
    log_lines: int,
    output: str,
) -> ExitCode:
    """Where a rollout stands: the set, its revisions, its pods in ordinal order, what it waits for and what blocks it.

    It ends with 0 only where the rollout is complete, or what --until names is reached; of several sets the worst counts. With -w
    they are followed one after the other. On a terminal pods that are well are folded to fit; -o wide shows everything.

    \b
    Examples:
      kubectl pets status web
      kubectl pets status web -w --timeout 10m
      kubectl pets status web -w --until canary
    """
    choice = SetSelection(names=sets, selector=selector, all_namespaces=all_namespaces)
    aim = _aim(until, patience, output, log_lines, choice)
    return _look_or_follow(session, "status", choice, aim, watch, timeout)


@click.command("status", epilog=_CODES)
@sets_named
@click.option("-w", "--watch/--no-watch", default=True, help="Wait for its end, as without it; --watch=false looks once.")
@_flags
def rollout_status(
    session: Session,
    sets: tuple[SetRef, ...],
    all_namespaces: bool,
    selector: str | None,
    watch: bool,
    until: str | None,
    timeout: timedelta | None,
    patience: StuckAfter,
    log_lines: int,
    output: str,
) -> ExitCode:
    """Wait until a rollout is done, as 'kubectl rollout status' does, and end early where it is stuck.

    Where a partition holds pods back it ends with 0 once what that releases is done, and for strategy OnDelete with 1, because
    kubectl does; what kubectl leaves out is said besides. With --until it waits for just that, as 'kubectl pets status -w' does.

    \b
    Examples:
      kubectl pets rollout status web --timeout 10m
      kubectl pets rollout status -l app=web
      kubectl pets rollout status web --watch=false
    """
    choice = SetSelection(names=sets, selector=selector, all_namespaces=all_namespaces)
    aim = _aim(until, patience, output, log_lines, choice, as_kubectl=until is None)
    return _look_or_follow(session, "rollout status", choice, aim, watch, timeout)


def _aim(
    until: str | None, patience: StuckAfter, output: str, log_lines: int, choice: SetSelection, *, as_kubectl: bool = False
) -> StatusAim:
    return StatusAim(
        until=Until(until or Until.COMPLETE),
        stay=until is not None,
        patience=patience,
        output=output,
        log_lines=log_lines,
        listed=choice.many,
        as_kubectl=as_kubectl,
    )


def _look_or_follow(
    session: Session, verb: str, choice: SetSelection, aim: StatusAim, watch: bool, timeout: timedelta | None
) -> ExitCode:
    if timeout is not None and not watch:
        raise UsageError("--timeout goes with -w.")
    choice.check_some(verb)
    if watch:
        return follow_each(session, refs(session, choice), aim, seconds(timeout))
    looks, _ = views(session, choice, groups=True)
    if not looks:
        session.terminal.tell("No StatefulSets found.")
    return look(session, looks, aim) if looks or not aim.tabular else ExitCode.OK
