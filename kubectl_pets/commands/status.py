"""``kubectl pets status``, also ``kubectl pets rollout status``: one StatefulSet as a tree, and the truth as exit code."""

from datetime import timedelta

import click

from kubectl_pets.cli.options import connection, exit_codes, output, pass_session, patience, seconds, sets_named, timeout
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.domain.stepping.until import Until
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.engine.choosing import SetSelection, refs, views
from kubectl_pets.flows.rollout.status import StatusAim, follow_each, look
from kubectl_pets.flows.rollout.why import LOG_LINES
from kubectl_pets.session import Session


@click.command("status", epilog=exit_codes(ExitCode.NOT_YET, ExitCode.STUCK, ExitCode.TIMED_OUT))
@sets_named
@click.option("-w", "--watch", is_flag=True, help="Follow it to its end; the exit code tells which.")
@click.option(
    "--until",
    type=click.Choice([until.value for until in Until]),
    help="What to wait for; with it, a paused rollout is waited on. Without: complete, ending early where it rests.",
)
@timeout
@patience
@click.option(
    "--logs",
    "log_lines",
    type=click.IntRange(0, 500),
    default=LOG_LINES,
    show_default=True,
    metavar="N",
    help="Lines of the log of a container that crashed; 0: none.",
)
@output("table", "wide", "json", "yaml", "jsonl", "name")
@connection
@pass_session
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
    if timeout is not None and not watch:
        raise UsageError("--timeout goes with -w.")
    choice = SetSelection(names=sets, selector=selector, all_namespaces=all_namespaces)
    choice.check("status")
    if not sets and not selector and not all_namespaces:
        raise click.UsageError("Missing argument 'NAME'; or say -l SELECTOR, or -A.", click.get_current_context())
    goal = Until(until or Until.COMPLETE)
    aim = StatusAim(until=goal, stay=until is not None, patience=patience, output=output, log_lines=log_lines, listed=choice.many)
    if watch:
        return follow_each(session, refs(session, choice), aim, seconds(timeout))
    looks, _ = views(session, choice)
    if not looks:
        session.terminal.tell("No StatefulSets found.")
    return look(session, looks, aim) if looks or not aim.tabular else ExitCode.OK
