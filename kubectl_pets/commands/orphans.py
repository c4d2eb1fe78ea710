"""``kubectl pets orphans``: claims that nobody will want again, with evidence, and the marks of those that stay."""

import getpass
from collections.abc import Iterable, Sequence
from datetime import timedelta

import click

from kubectl_pets import pasting
from kubectl_pets.cli import completing, names
from kubectl_pets.cli.groups import LazyGroup, Verb
from kubectl_pets.cli.options import Age, ObjectName, connection, exit_codes, ignore_kind, output, pass_session
from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans.deletion import mark_kept
from kubectl_pets.domain.orphans.findings import CANDIDATES, ClaimVerdict, Class
from kubectl_pets.domain.orphans.inventory import LISTS
from kubectl_pets.errors import ConflictError, ExitCode, RefusedError
from kubectl_pets.flows.orphans.select import Selection, no_such, select
from kubectl_pets.session import Session
from kubectl_pets.views.orphans import documents as claim_documents
from kubectl_pets.views.orphans import table as claims

_HERE = "kubectl_pets.commands.orphans"

VERBS = {
    "explain": Verb(f"{_HERE}:explain", "All the evidence for and against one claim."),
    "delete": Verb(f"{_HERE}_delete:delete", "Delete claims; the data survives unless told otherwise."),
    "restore": Verb(f"{_HERE}_restore:restore", "Bring deleted claims back onto their volumes."),
    "purge": Verb(f"{_HERE}_restore:purge", "Destroy the volumes that earlier deletions left."),
    "adopt": Verb(f"{_HERE}_adopt:adopt", "Bind retained volumes to the claims that a set will ask for."),
    "keep": Verb(f"{_HERE}:keep", "Mark a claim as one that stays."),
    "unkeep": Verb(f"{_HERE}:unkeep", "Take that mark off."),
}

#: A claim that changes under our hands this often is somebody else's business.
_ATTEMPTS = 3

_CLASSES = f"Only claims of this class: {', '.join(each.value for each in Class)}."


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    name="orphans",
    invoke_without_command=True,
    epilog=exit_codes(ExitCode.NOT_YET, ExitCode.TIMED_OUT, ExitCode.REFUSED, ExitCode.FINDINGS),
)
@click.option("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces.")
@click.option("-l", "--selector", metavar="SELECTOR", default="", help="Only claims with these labels.")
@click.option(
    "--class", "classes", type=click.Choice([each.value for each in Class]), multiple=True, metavar="CLASS", help=_CLASSES
)
@click.option("--older-than", type=Age(), metavar="AGE", help="Only claims known to be unused for so long, like 30d.")
@click.option("--all", "every", is_flag=True, help="Every claim with its class, not candidates only.")
@click.option("--check", is_flag=True, help="Exit with code 7 where there are candidates or unsure claims, for CI.")
@ignore_kind
@output("table", "wide", "json", "yaml", "name")
@click.option("--no-headers", is_flag=True, help="Leave the head line out.")
@connection
@click.pass_context
def command(
    context: click.Context,
    all_namespaces: bool,
    selector: str,
    classes: tuple[str, ...],
    older_than: timedelta | None,
    every: bool,
    check: bool,
    ignored: tuple[str, ...],
    output: str,
    no_headers: bool,
) -> ExitCode:
    """Claims that nobody will want again, with size, set, volume, what deletion would do to the data, and why.

    A claim is a candidate only if it is beyond every range that its set has or may come to have, if its template is gone, or
    if its set is. Whatever could not be read makes claims unsure, never candidates.

    \b
    Examples:
      kubectl pets orphans
      kubectl pets orphans -A --older-than 30d
      kubectl pets orphans --all -o wide
      kubectl pets orphans delete data-web-3 --dry-run
    """
    if context.invoked_subcommand is not None:
        return ExitCode.OK
    session = context.find_object(Session)
    assert session is not None
    asked = frozenset(Class(each) for each in classes)
    selection = Selection(
        namespace=None if all_namespaces else session.namespace,
        labels=selector,
        classes=asked or (frozenset() if every else CANDIDATES | {Class.UNSURE}),
        older_than=older_than,
        may_go=not every and not asked,
        every_class=every or bool(asked - CANDIDATES),
        ignored_kinds=frozenset(ignored),
    )
    shown = judged = select(session.cluster, selection, session.terminal.passing).chosen
    if selection.may_go:
        shown = tuple(filter(_may_go, shown))  # of a claim that is none of these less is read
    blind = _not_read(judged) & {row.resource for row in LISTS}  # then nothing is certain
    unread = sorted(blind | _not_read(shown))
    _show(session, shown, tuple(unread), output, headers=not no_headers, all_namespaces=all_namespaces)
    return ExitCode.FINDINGS if check and (blind or any(map(_may_go, shown))) else ExitCode.OK


def _may_go(verdict: ClaimVerdict) -> bool:
    return verdict.may_go


def _not_read(verdicts: Iterable[ClaimVerdict]) -> set[str]:
    return {name for verdict in verdicts for name in verdict.not_read}


def _show(
    session: Session, shown: Sequence[ClaimVerdict], unread: tuple[str, ...], output: str, *, headers: bool, all_namespaces: bool
) -> None:
    terminal = session.terminal
    if output not in ("table", "wide"):
        terminal.print(claim_documents.many(shown, output, namespaces=all_namespaces))
        return
    if shown:
        terminal.print(
            claims.table(
                shown,
                session.now(),
                wide=output == "wide",
                headers=headers,
                all_namespaces=all_namespaces,
                width=terminal.limit,
                colour=terminal.colour,
            )
        )
    terminal.tell(claims.total(shown, unread=unread))


@click.command("explain", epilog=exit_codes())
@click.argument("claim", type=ObjectName(names.CLAIM), shell_complete=completing.claims)
@ignore_kind
@connection
@pass_session
def explain(session: Session, claim: names.TypedName, ignored: tuple[str, ...]) -> ExitCode:
    """All the evidence for and against one claim, and what deletion would do to its data.

    \b
    Example:
      kubectl pets orphans explain data-web-3
    """
    terminal = session.terminal
    selection = Selection(namespace=session.namespace, names=(claim,), every_class=True, ignored_kinds=frozenset(ignored))
    (verdict,) = select(session.cluster, selection, terminal.passing).chosen
    terminal.print(claims.explain(verdict, session.now(), width=terminal.limit, colour=terminal.colour))
    return ExitCode.OK


@click.command("keep", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("claim", type=ObjectName(names.CLAIM), shell_complete=completing.claims)
@click.option("--why", required=True, metavar="TEXT", help="For whoever finds the claim later.")
@connection
@pass_session
def keep(session: Session, claim: names.TypedName, why: str) -> ExitCode:
    """Mark a claim as one that stays, with who said so and why.

    \b
    Example:
      kubectl pets orphans keep data-web-3 --why "the March backup"
    """
    return _mark(session, claim, f"{getpass.getuser()}: {why}")


@click.command("unkeep", epilog=exit_codes())
@click.argument("claim", type=ObjectName(names.CLAIM), shell_complete=completing.claims)
@connection
@pass_session
def unkeep(session: Session, claim: names.TypedName) -> ExitCode:
    """Take the mark off a claim, so that it is judged like any other.

    \b
    Example:
      kubectl pets orphans unkeep data-web-3
    """
    return _mark(session, claim, None)


def _mark(session: Session, typed: names.TypedName, note: str | None) -> ExitCode:
    namespace = typed.namespace or session.namespace
    title = f"{namespace}/{typed.name}"
    meant = ""
    for left in reversed(range(_ATTEMPTS)):
        found = session.cluster.claim(namespace, typed.name)
        if found is None:
            raise no_such(typed.name, namespace)
        meant = meant or found.metadata.uid
        if found.metadata.uid != meant:
            gone = f"{title} is another claim by now: the one that was meant is gone; nothing was marked"
            raise ConflictError(gone, hint=_look_at(found))
        if note and found.metadata.deletion_timestamp is not None:  # nothing takes that back (metav1.ObjectMeta)
            going = f"{title} is being deleted already, which no mark ends. Nothing was changed."
            raise RefusedError(going, hint=_look_at(found))
        try:
            session.cluster.apply(mark_kept(found, note))
            break
        except ConflictError as error:
            if not left:
                raise ConflictError(f"{title} changed meanwhile; nothing was marked", hint="type it again.") from error
    session.terminal.print(f"{title} {'is kept' if note else 'is judged like any other again'}")
    return ExitCode.OK


def _look_at(claim: PersistentVolumeClaim) -> str:
    explain = pasting.pets("orphans explain", claim.name, namespace=claim.namespace)
    return f"{explain} tells what becomes of its data, and what keeps that."
