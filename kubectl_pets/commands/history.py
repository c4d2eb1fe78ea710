"""``kubectl pets rollout history`` and ``rollout diff``: what the template was, and what is different."""

from functools import partial

import click

from kubectl_pets.cleaning import clean
from kubectl_pets.cli import completing
from kubectl_pets.cli.belonging import each_with, is_revision_of
from kubectl_pets.cli.options import EachSet, connection, exit_codes, output, pass_session, sets_named
from kubectl_pets.domain.rollout.history import (
    History,
    RevisionEntry,
    Template,
    before_unknown,
    entries,
    find,
    kept_no_more,
    ran_last,
)
from kubectl_pets.domain.sets.kinds import SetKind, SetRef
from kubectl_pets.errors import ExitCode, ForbiddenError, NotFoundError, PetsError, UsageError
from kubectl_pets.flows.engine.choosing import SetSelection, at, refs
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
@sets_named
@click.option("--revision", metavar="N", help="Print the template of this revision (number or name) in full.")
@output("table", "wide", "json", "yaml")
@click.option("--no-headers", is_flag=True, help="Leave the head line out.")
@connection
@pass_session
def history(
    session: Session,
    sets: tuple[SetRef, ...],
    all_namespaces: bool,
    selector: str | None,
    revision: str | None,
    output: str,
    no_headers: bool,
) -> ExitCode:
    """The revisions of a set: age, images, what changed against the one before, and which pods run it.

    Marks: current (pods that a partition holds are made from it), update (the wanted one), live (equal to the template, but not
    wanted yet), kept (of a LeaderWorkerSet: on the set itself, its controller keeps none but the newest).

    \b
    Examples:
      kubectl pets rollout history web
      kubectl pets rollout history web db -o wide
      kubectl pets rollout history web --revision 3
    """
    choice = SetSelection(names=sets, selector=selector, all_namespaces=all_namespaces)
    choice.check_some("rollout history")
    if revision is not None and choice.many:
        raise UsageError("--revision is of one set: name just that.")
    found = [history for _, history in _histories(session, choice)]
    if revision is not None:
        entry = _find(entries(found[0]), revision, found[0].set.name)
        session.terminal.print(view.template(entry.template, "json" if output == "json" else "yaml"))
    elif output in ("json", "yaml"):
        documents = [view.document(entries(each), each.set.namespace, each.set.name) for each in found]
        session.terminal.print(view.many(documents, output) if choice.many else view.one(documents[0], output))
    else:
        for number, each in enumerate(found):
            if choice.many:
                session.terminal.print(("\n" if number else "") + view.title(each))
            _show(session, each, wide=output == "wide", headers=not no_headers)
    return ExitCode.OK


def _histories(session: Session, choice: SetSelection) -> list[tuple[SetKind, History]]:
    """Of all that are chosen, with the kind of each."""
    return [(ref.kind, session.cluster.history(at(session, ref), ref.name, ref.kind)) for ref in refs(session, choice)]


def _show(session: Session, found: History, *, wide: bool, headers: bool) -> None:
    terminal, revisions = session.terminal, entries(found)
    if not revisions:
        terminal.tell(f"{clean(found.set.name)} has no revisions yet: its controller has not seen it")
        return
    width, colour = terminal.limit, terminal.colour
    terminal.print(view.table(revisions, session.now(), wide=wide, headers=headers, width=width, colour=colour))
    gone = kept_no_more(found, revisions)
    if gone:
        terminal.tell(f"{folded(gone)} run what no ControllerRevision holds any more, so nothing can go back to that")
    unknown = before_unknown(found, revisions)
    if unknown is not None:
        lost = f"what ran before revision {unknown.number} is not known"
        terminal.tell(f"{lost}: its controller has deleted it, and no verb of this program released what came after it")
    if not any(entry.live for entry in revisions):
        terminal.tell("the live template has no revision yet: its controller has not seen it")


@click.command("diff", epilog=_DIFF_CODES)
@click.argument("name", metavar="[NAME]", type=EachSet(), required=False, shell_complete=completing.sets)
@click.argument("others", metavar="[A] [B] [NAME]...", nargs=-1)
@click.option("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces.")
@click.option("-l", "--selector", metavar="SELECTOR", help="Only sets with these labels, like app=web,tier!=test.")
@connection
@pass_session
def diff(
    session: Session, name: SetRef | None, others: tuple[str, ...], all_namespaces: bool, selector: str | None
) -> ExitCode:
    """What differs between two revisions (numbers or names), or between one and the live template.

    Without A and B: from what ran before the wanted template to the live one. With A: from A to that. A word that is neither a
    number nor a revision's name is another set. KUBECTL_EXTERNAL_DIFF names another program to compare with, as for 'kubectl
    diff'.

    \b
    Examples:
      kubectl pets rollout diff web
      kubectl pets rollout diff web 3
      kubectl pets rollout diff web 3 4
      kubectl pets rollout diff -l app=web
    """
    try:
        return _diff(session, each_with(name, others, partial(_is_revision, session)), selector, all_namespaces)
    except PetsError as error:
        if error.exit_code is ExitCode.FAILED:  # which says "different" here
            error.exit_code = ExitCode.USAGE
        raise


def _is_revision(session: Session, owner: SetRef, word: str) -> bool:
    """Whether the word names a revision of the set: by how it is spelt, or because the set has one that is called so, as kubectl
    finds them by their owner."""
    if is_revision_of(owner, word):
        return True
    if "/" in word:
        return False
    try:
        return find(entries(session.cluster.history(at(session, owner), owner.name, owner.kind)), word) is not None
    except (NotFoundError, ForbiddenError):
        return False  # which is told when the set itself is looked at


def _diff(
    session: Session, named: tuple[tuple[SetRef, tuple[str, ...]], ...], selector: str | None, all_namespaces: bool
) -> ExitCode:
    many = next((ref.typed for ref, sides in named if len(sides) > 2), None)
    if many is not None:
        raise UsageError(f"two revisions of {many} can be compared, not more.")
    choice = SetSelection(names=tuple(ref for ref, _ in named), selector=selector, all_namespaces=all_namespaces)
    choice.check_some("rollout diff")
    sides = [sides for _, sides in named]
    try:
        pairs = []
        for index, (kind, found) in enumerate(_histories(session, choice)):
            before, after = (*(sides[index] if sides else ()), "", "")[:2]
            name_of = found.set.name
            pairs.append((kind, found, _side(found, before, name_of), _side(found, after or _LIVE, name_of)))
        return max((_compared(session, *pair) for pair in pairs), default=ExitCode.OK)
    except NotFoundError as error:
        if len(named) > 1:
            taken = "a word that is no number and no name of a revision was taken for another set"
            error.hint = f"{error.hint}; {taken}." if error.hint else f"{taken}."
        raise


def _compared(
    session: Session, kind: SetKind, found: History, before: tuple[str, Template], after: tuple[str, Template]
) -> ExitCode:
    terminal = session.terminal
    old, new = view.comparable(before[1]), view.comparable(after[1])
    program, dropped = diffing.external()
    for word in dropped:
        terminal.tell(f"warning: KUBECTL_EXTERNAL_DIFF: left out {word!r}, as kubectl does")
    if program:
        file = f"{kind.group}.{kind.version}.{kind.kind}.{found.set.namespace}.{found.set.name}"
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
