"""``kubectl pets status``, also ``kubectl pets rollout status``: one StatefulSet as a tree, and the truth as exit code."""

from datetime import timedelta

import click

from kubectl_pets.cli.options import AnySet, connection, exit_codes, output, pass_session, patience, seconds, timeout
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.domain.stepping.steps import Stuck
from kubectl_pets.domain.stepping.until import Progress, Until, progress
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.inquiry import judged
from kubectl_pets.flows.engine.loop import TimedOut
from kubectl_pets.flows.engine.picture import pictured
from kubectl_pets.flows.engine.report import report
from kubectl_pets.flows.rollout.follow import follow
from kubectl_pets.session import Session
from kubectl_pets.views.rollout import advice, documents, tree, words

_EXIT = {
    Progress.REACHED: ExitCode.OK,
    Progress.GOING_ON: ExitCode.NOT_YET,
    Progress.RESTING: ExitCode.NOT_YET,
    Progress.STUCK: ExitCode.STUCK,
    Progress.GONE: ExitCode.FAILED,
}


@click.command("status", epilog=exit_codes(ExitCode.NOT_YET, ExitCode.STUCK, ExitCode.TIMED_OUT))
@click.argument("name", type=AnySet())
@click.option("-w", "--watch", is_flag=True, help="Follow it to its end; the exit code tells which.")
@click.option(
    "--until",
    type=click.Choice([until.value for until in Until]),
    help="What to wait for; with it, a paused rollout is waited on. Without: complete, ending early where it rests.",
)
@timeout
@patience
@output("table", "wide", "json", "yaml", "name")
@connection
@pass_session
def command(
    session: Session,
    name: SetRef,
    watch: bool,
    until: str | None,
    timeout: timedelta | None,
    patience: StuckAfter,
    output: str,
) -> ExitCode:
    """Where a rollout stands: the set, its revisions, its pods in ordinal order, what it waits for and what blocks it.

    It ends with 0 only where the rollout is complete, or what --until names is reached.

    \b
    Examples:
      kubectl pets status web
      kubectl pets status web -w --timeout 10m
      kubectl pets status web -w --until canary
    """
    if timeout is not None and not watch:
        raise UsageError("--timeout goes with -w.")
    goal = Until(until or Until.COMPLETE)
    if watch:
        return _watch(session, name, goal, stay=until is not None, timeout=seconds(timeout), patience=patience, output=output)
    seen = judged(session.cluster, session.cluster.set_view(session.namespace, name.name, name.kind), patience)
    _print(session, seen, output)
    hint = advice.after_a_look(seen)
    if hint:
        session.terminal.tell(f"hint: {hint}")
    return _EXIT[progress(goal, seen)]


def _watch(
    session: Session, name: SetRef, until: Until, *, stay: bool, timeout: float | None, patience: StuckAfter, output: str
) -> ExitCode:
    tabular = output in ("table", "wide")
    with session.cluster.watch_set(session.namespace, name.name, name.kind) as source:
        with pictured(session.terminal, tabular=tabular) as observe:
            end, seen = follow(
                session.cluster,
                source,
                until,
                stay=stay,
                observe=observe,
                deadline=Deadline(timeout),
                stuck_after=patience,
            )
        if not tabular:
            _print(session, seen, output)
    if isinstance(end, TimedOut):
        return report(session.terminal, ExitCode.TIMED_OUT, f"timed out: {words.headline(seen)}")
    told = words.headline(seen) if end is not Progress.GONE else f"StatefulSet {name.typed} was deleted"
    hint = advice.hint(Stuck(blockers=seen.blockers), seen) if end is Progress.STUCK else None
    return report(session.terminal, _EXIT[end], told, hint)


def _print(session: Session, seen: Assessment, output: str) -> None:
    terminal = session.terminal
    if output in ("table", "wide"):
        terminal.print(
            tree.draw(seen, session.now(), width=terminal.width, colour=terminal.colour, wide=output == "wide")
        )
    else:
        terminal.print(documents.one(seen, output))
