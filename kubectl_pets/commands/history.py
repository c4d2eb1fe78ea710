"""``kubectl pets rollout history`` and ``rollout diff``: what the template was, and what is different."""

import click

from kubectl_pets.cli.options import SetName, connection, exit_codes, output, pass_session
from kubectl_pets.domain.rollout.history import History, RevisionEntry, Template, entries, find, kept_no_more, ran_last
from kubectl_pets.errors import ExitCode, NotFoundError, PetsError
from kubectl_pets.flows.rollout import diff as diffing
from kubectl_pets.session import Session
from kubectl_pets.views.rollout import history as view
from kubectl_pets.views.text.phrases import folded

_LIVE = "live template"

#: kubectl diff's, which differ from those of all other verbs: 1 is an answer here, and no failure.
_DIFF_CODES = """\b
Exit codes, as of kubectl diff:
  0    no difference
  1    a difference
  2    failed, or wrong usage
  6    refused: not for this kind of set
  130  interrupted"""


@click.command("history", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("name", type=SetName())
@click.option("--revision", metavar="N", help="Print the template of this revision (number or name) in full.")
@output("table", "wide", "json", "yaml")
@click.option("--no-headers", is_flag=True, help="Leave the head line out.")
@connection
@pass_session
def history(session: Session, name: str, revision: str | None, output: str, no_headers: bool) -> ExitCode:
    """The revisions of a set: age, images, what changed against the one before, and which pods run it.

    Marks: current (pods that a partition holds are made from it), update (the wanted one), live (equal to the template, but not
    wanted yet).

    \b
    Examples:
      kubectl pets rollout history web
      kubectl pets rollout history web -o wide
      kubectl pets rollout history web --revision 3
    """
    terminal = session.terminal
    found = session.cluster.history(session.namespace, name)
    revisions = entries(found)
    if revision is not None:
        entry = _find(revisions, revision, name)
        terminal.print(view.template(entry.template, "json" if output == "json" else "yaml"))
        return ExitCode.OK
    if output in ("json", "yaml"):
        terminal.print(view.many(revisions, found.set.namespace, found.set.name, output))
        return ExitCode.OK
    if not revisions:
        terminal.tell(f"{name} has no revisions yet: its controller has not seen it")
        return ExitCode.OK
    wide = output == "wide"
    width, colour = terminal.limit, terminal.colour
    terminal.print(view.table(revisions, session.now(), wide=wide, headers=not no_headers, width=width, colour=colour))
    lost = kept_no_more(found, revisions)
    if lost:
        terminal.tell(f"{folded(lost)} run what no ControllerRevision holds any more, so nothing can go back to that")
    if not any(entry.live for entry in revisions):
        terminal.tell("the live template has no revision yet: its controller has not seen it")
    return ExitCode.OK


@click.command("diff", epilog=_DIFF_CODES)
@click.argument("name", type=SetName())
@click.argument("before", metavar="[A]", required=False)
@click.argument("after", metavar="[B]", required=False)
@connection
@pass_session
def diff(session: Session, name: str, before: str | None, after: str | None) -> ExitCode:
    """What differs between two revisions (numbers or names), or between one and the live template.

    Without A and B: from what ran before the wanted template to the live one. With A: from A to that.
    KUBECTL_EXTERNAL_DIFF names another program to compare with, as for 'kubectl diff'.

    \b
    Examples:
      kubectl pets rollout diff web
      kubectl pets rollout diff web 3
      kubectl pets rollout diff web 3 4
    """
    try:
        found = session.cluster.history(session.namespace, name)
        return _compared(session, found, _side(found, before or "", name), _side(found, after or _LIVE, name))
    except PetsError as error:
        if error.exit_code is ExitCode.FAILED:  # which says "different" here
            error.exit_code = ExitCode.USAGE
        raise


def _compared(session: Session, found: History, before: tuple[str, Template], after: tuple[str, Template]) -> ExitCode:
    terminal = session.terminal
    old, new = view.comparable(before[1]), view.comparable(after[1])
    program, dropped = diffing.external()
    for word in dropped:
        terminal.tell(f"warning: KUBECTL_EXTERNAL_DIFF: left out {word!r}, as kubectl does")
    if program:
        file = f"apps.v1.StatefulSet.{found.set.namespace}.{found.set.name}"
        different = diffing.compare(terminal, program, file, old, new) == 1
    else:
        different = old != new
        if different:
            titles = (f"{found.set.name} {before[0]}", f"{found.set.name} {after[0]}")
            terminal.print(view.unified(old, new, titles, colour=terminal.colour))
    return ExitCode.FAILED if different else ExitCode.OK  # 1 is kubectl diff's word for different


def _side(found: History, wanted: str, name: str) -> tuple[str, Template]:
    """What to call it, and the template. ``wanted`` empty: the current revision."""
    if wanted == _LIVE:
        return _LIVE, found.set.spec.template
    revisions = entries(found)
    last = ran_last(revisions)
    entry = _find(revisions, wanted or (last.name if last is not None else ""), name)
    return f"revision {entry.number} ({entry.name})", entry.template


def _find(revisions: tuple[RevisionEntry, ...], wanted: str, name: str) -> RevisionEntry:
    entry = find(revisions, wanted)
    if entry is None:
        known = ", ".join(str(each.number) for each in revisions) or "none yet"
        raise NotFoundError(f"{name} has no revision {wanted or 'that is current'}", hint=f"there are: {known}.")
    return entry
