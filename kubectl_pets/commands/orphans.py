"""``kubectl pets orphans``: claims that nobody will want again, with evidence, and deletion with a net under it."""

import getpass
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import click

from kubectl_pets import clearing, completing, records
from kubectl_pets.domain import deletion, orphans, restoring
from kubectl_pets.domain.findings import CANDIDATES, Class, Fate, Verdict
from kubectl_pets.errors import ConflictError, ExitCode, NotFoundError, UsageError
from kubectl_pets.groups import LazyGroup, Verb
from kubectl_pets.options import Age, connection, dry_run, exit_codes, output, pass_session, yes
from kubectl_pets.session import Session
from kubectl_pets.views import claim_documents, claim_plans, claim_words, claims

_HERE = "kubectl_pets.commands.orphans"

VERBS = {
    "explain": Verb(f"{_HERE}:explain", "All the evidence for and against one claim."),
    "delete": Verb(f"{_HERE}:delete", "Delete claims; the data survives unless told otherwise."),
    "restore": Verb(f"{_HERE}:restore", "Bring deleted claims back onto their volumes."),
    "purge": Verb(f"{_HERE}:purge", "Destroy the volumes that earlier deletions left."),
    "keep": Verb(f"{_HERE}:keep", "Mark a claim as one that stays."),
    "unkeep": Verb(f"{_HERE}:unkeep", "Take that mark off."),
}

_everywhere = click.option("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces.")
_selector = click.option("-l", "--selector", metavar="SELECTOR", help="Only claims with these labels.")
_older = click.option("--older-than", type=Age(), metavar="AGE", help="Only claims known to be unused for so long, like 30d.")
_candidate_classes = click.Choice(sorted(each.value for each in CANDIDATES))
_CLASSES = f"Only claims of this class: {', '.join(each.value for each in Class)}."


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    name="orphans",
    invoke_without_command=True,
    epilog=exit_codes(ExitCode.REFUSED, ExitCode.FINDINGS),
)
@_everywhere
@_selector
@click.option(
    "--class", "classes", type=click.Choice([each.value for each in Class]), multiple=True, metavar="CLASS", help=_CLASSES
)
@_older
@click.option("--all", "every", is_flag=True, help="Every claim with its class, not candidates only.")
@click.option("--check", is_flag=True, help="Exit with code 7 where there are candidates, for use in CI.")
@output("table", "wide", "json", "yaml", "name")
@click.option("--no-headers", is_flag=True, help="Leave the head line out.")
@connection
@click.pass_context
def command(
    context: click.Context,
    all_namespaces: bool,
    selector: str | None,
    classes: tuple[str, ...],
    older_than: timedelta | None,
    every: bool,
    check: bool,
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
    namespace = None if all_namespaces else session.namespace
    wanted = frozenset(Class(each) for each in classes) or (None if every else CANDIDATES | {Class.UNSURE})
    shown = [
        verdict
        for verdict in _judged(session, namespace, selector, every=every or bool(frozenset(classes) - CANDIDATES))
        if (wanted is None or verdict.klass in wanted) and _is_older(verdict, older_than, session)
    ]
    _show(session, shown, output, headers=not no_headers, all_namespaces=all_namespaces)
    return ExitCode.FINDINGS if check and any(verdict.candidate for verdict in shown) else ExitCode.OK


def _judged(session: Session, namespace: str | None, selector: str | None, *, every: bool) -> list[Verdict]:
    """Judge all, then narrow: what a selector leaves out is still evidence."""
    terminal = session.terminal
    estate = session.cluster.estate(namespace, every_class=every, progress=terminal.passing)
    verdicts = orphans.judge(estate, session.now())
    if selector:
        selected = session.cluster.selected_claims(namespace, selector)
        verdicts = tuple(verdict for verdict in verdicts if (verdict.namespace, verdict.name) in selected)
    terminal.passing("")
    return sorted(verdicts, key=lambda verdict: (verdict.namespace, verdict.stem or verdict.name, verdict.ordinal or 0))


def _is_older(verdict: Verdict, age: timedelta | None, session: Session) -> bool:
    return age is None or (verdict.unused_since is not None and verdict.unused_since + age <= session.now())


def _show(session: Session, shown: Sequence[Verdict], output: str, *, headers: bool, all_namespaces: bool) -> None:
    terminal = session.terminal
    if output not in ("table", "wide"):
        terminal.print(claim_documents.many(shown, output))
        return
    if shown:
        terminal.print(
            claims.table(
                shown,
                session.now(),
                wide=output == "wide",
                headers=headers,
                all_namespaces=all_namespaces,
                colour=terminal.colour,
            )
        )
    unread = tuple(sorted({name for verdict in shown for name in verdict.not_read}))
    terminal.tell(claims.total(shown, unread=unread))


@click.command("explain", epilog=exit_codes())
@click.argument("claim", shell_complete=completing.claims)
@connection
@pass_session
def explain(session: Session, claim: str) -> ExitCode:
    """All the evidence for and against one claim, and what deletion would do to its data.

    \b
    Example:
      kubectl pets orphans explain data-web-3
    """
    verdict = _find(_judged(session, session.namespace, None, every=True), claim, session.namespace)
    terminal = session.terminal
    terminal.print(claims.explain(verdict, session.now(), width=terminal.width, colour=terminal.colour))
    return ExitCode.OK


@click.command("delete", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("names", metavar="[CLAIM]...", nargs=-1, shell_complete=completing.claims)
@_everywhere
@_selector
@click.option("--class", "classes", type=_candidate_classes, multiple=True, help="Only claims of this class.")
@_older
@click.option("--keep", type=click.IntRange(min=0), default=0, metavar="N", help="Keep the N newest ordinals of each set.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many claims.")
@click.option("--destroy-data", is_flag=True, help="Let each volume's reclaim policy decide; Delete loses the data.")
@click.option("--record", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Folder for the record.")
@output("table", "json", "yaml")
@dry_run
@yes
@connection
@pass_session
def delete(
    session: Session,
    names: tuple[str, ...],
    all_namespaces: bool,
    selector: str | None,
    classes: tuple[str, ...],
    older_than: timedelta | None,
    keep: int,
    limit: int | None,
    destroy_data: bool,
    record: Path | None,
    output: str,
    dry_run: str,
    yes: bool,
) -> ExitCode:
    """Delete claims that are candidates, one after the other, each judged again right before its turn.

    The data survives: a volume whose reclaim policy is Delete is set to Retain first, and remembers what it was.
    --destroy-data is the only way to lose it. What was deleted is written to a record, and 'restore' brings it back.

    \b
    Examples:
      kubectl pets orphans delete data-web-3 data-web-4
      kubectl pets orphans delete --class scaled-down --older-than 30d --keep 1 --dry-run
      kubectl pets orphans delete -l app=web -y --record ./records
    """
    if not names and not classes and not selector:
        raise UsageError("say which claims: their names, --class or -l.", hint="kubectl pets orphans lists the candidates.")
    if names and all_namespaces:
        raise UsageError("claims are named within one namespace: -A goes with --class or -l.")
    options = deletion.Options(destroy_data=destroy_data, keep=keep, limit=limit)
    verdicts = _judged(session, None if all_namespaces else session.namespace, selector, every=bool(names))
    chosen = [_find(verdicts, name, session.namespace) for name in dict.fromkeys(names)] if names else [
        verdict
        for verdict in verdicts
        if verdict.candidate and (not classes or verdict.klass in classes) and _is_older(verdict, older_than, session)
    ]
    plan = deletion.plan(chosen, options, session.now())
    if dry_run != "none":
        return _rehearse(session, plan, output, server=dry_run == "server")
    for refused in plan.refused:
        session.terminal.tell(f"refused: {claim_words.refused(refused)}")
    if not plan.deletions:
        session.terminal.tell("nothing to delete" if not plan.refused else "nothing was changed")
        return ExitCode.REFUSED if names and plan.refused else ExitCode.OK
    if not yes and not session.terminal.agrees(claim_plans.question(plan, options, session.cluster.server_name())):
        return ExitCode.REFUSED
    return _clear(session, plan, options, record)


def _rehearse(session: Session, plan: deletion.DeletionPlan, output: str, *, server: bool) -> ExitCode:
    terminal = session.terminal
    if server:
        for item in plan.deletions:
            for step in item.steps:
                if not isinstance(step, deletion.Snapshot):
                    session.cluster.carry_out(step, dry_run=True)
        terminal.tell("the API server would accept every step (dry run)")
    terminal.print(claim_plans.draw(plan) if output == "table" else claim_documents.plan(plan, output))
    return ExitCode.REFUSED if plan.refused and not plan.deletions else ExitCode.OK


def _clear(session: Session, plan: deletion.DeletionPlan, options: deletion.Options, folder: Path | None) -> ExitCode:
    terminal = session.terminal
    book = records.RecordBook(folder, session.cluster.server_name(), session.now())

    def tell(number: int, outcome: deletion.Deletion | deletion.Refused) -> None:
        place = f"[{number}/{len(plan.deletions)}]"
        if isinstance(outcome, deletion.Refused):
            terminal.tell(f"{place} refused: {claim_words.refused(outcome)}")
        else:
            terminal.print(f"{place} deleted {outcome.verdict.namespace}/{outcome.verdict.name}: data {outcome.fate}")

    cleared = clearing.clear(session.cluster, plan, options, book, tell)
    if cleared.done:
        terminal.tell(f"what was deleted is recorded in {book.path}")
    if any(item.fate is Fate.RETAINED for item in cleared.done):
        terminal.tell(f"hint: kubectl pets orphans restore {book.path} brings it back onto its data")
    if cleared.interrupted:
        left = ", ".join(verdict.name for verdict in cleared.left)
        terminal.tell(f"interrupted: {len(cleared.done)} claims were deleted, these were not touched: {left}")
        return ExitCode.INTERRUPTED
    return ExitCode.REFUSED if cleared.refused and not cleared.done else ExitCode.OK


def _find(verdicts: Sequence[Verdict], name: str, namespace: str) -> Verdict:
    found = next((verdict for verdict in verdicts if verdict.name == _bare(name)), None)
    if found is None:
        raise _no_such(name, namespace)
    return found


def _bare(name: str) -> str:
    """``pvc/data-web-0`` is ``data-web-0``."""
    return name.rpartition("/")[2]


def _no_such(name: str, namespace: str) -> NotFoundError:
    return NotFoundError(
        f"no claim {_bare(name)} in namespace {namespace}", hint="kubectl pets orphans --all lists every claim."
    )


@click.command("restore", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("sources", metavar="RECORD|VOLUME...", nargs=-1, required=True, shell_complete=completing.files)
@dry_run
@connection
@pass_session
def restore(session: Session, sources: tuple[str, ...], dry_run: str) -> ExitCode:
    """Bring deleted claims back onto their retained volumes, from a record or from a volume's own memory.

    Refuses when a new claim took the name, or the volume is gone or somebody else's. Run again, it goes on where it was.

    \b
    Examples:
      kubectl pets orphans restore ./records/orphans-20261124T101500Z-4711.json
      kubectl pets orphans restore pvc-1b1831f5-396f-4295-9443-efdc4edf28bd
    """
    terminal, refused = session.terminal, False
    for source in sources:
        for record in _records(session, source):
            name = f"{record.claim.namespace}/{record.claim.name}"
            done = clearing.restore(
                session.cluster,
                record,
                dry_run=dry_run != "none",
                tell=lambda plan: terminal.tell(claim_plans.restore(plan)),
            )
            if isinstance(done, restoring.RestoreRefused):
                idle = done.reason is restoring.RestoreRefusedReason.NOTHING_TO_DO
                terminal.tell(("" if idle else "refused: ") + f"{name}: {claim_words.restore_refused(done, source)}")
                refused = refused or not idle
            elif dry_run == "none":
                terminal.print(f"restored {name} onto {record.volume}")
    return ExitCode.REFUSED if refused else ExitCode.OK


def _records(session: Session, source: str) -> tuple[restoring.Record, ...]:
    if "/" in source or source.endswith(".json"):
        return records.load(Path(source))
    volume = session.cluster.volume(source)
    record = restoring.record_of(volume) if volume is not None else None
    if record is None:
        raise NotFoundError(
            f"{source} is neither a record nor a volume that knows its claim.", hint="kubectl get pv lists volumes."
        )
    return (record,)


@click.command("purge", epilog=exit_codes(ExitCode.REFUSED))
@click.option("--older-than", type=Age(), required=True, metavar="AGE", help="Only volumes retained for so long, like 30d.")
@dry_run
@yes
@connection
@pass_session
def purge(session: Session, older_than: timedelta, dry_run: str, yes: bool) -> ExitCode:
    """Destroy the volumes that 'orphans delete' retained, with their data, once they are old enough.

    Only volumes that would have been destroyed with their claim, and that still belong to the claim that was deleted.

    \b
    Example:
      kubectl pets orphans purge --older-than 30d --dry-run
    """
    volumes = session.cluster.volumes()
    steps = restoring.plan_purge(volumes, older_than, session.now())
    names = {step.volume for step in steps}
    chosen = tuple(volume for volume in volumes if volume.name in names)
    terminal = session.terminal
    if not steps:
        terminal.tell("nothing to destroy")
        return ExitCode.OK
    question = claim_plans.purge_question(chosen, session.cluster.server_name())
    if dry_run != "none":
        terminal.print(question)
        return ExitCode.OK
    if not yes and not terminal.agrees(question):
        return ExitCode.REFUSED
    for step in steps:
        session.cluster.carry_out(step)
        terminal.print(f"destroying {step.volume}")
    return ExitCode.OK


@click.command("keep", epilog=exit_codes())
@click.argument("claim", shell_complete=completing.claims)
@click.option("--why", required=True, metavar="TEXT", help="For whoever finds the claim later.")
@connection
@pass_session
def keep(session: Session, claim: str, why: str) -> ExitCode:
    """Mark a claim as one that stays, with who said so and why.

    \b
    Example:
      kubectl pets orphans keep data-web-3 --why "the March backup"
    """
    return _mark(session, claim, f"{getpass.getuser()}: {why}")


@click.command("unkeep", epilog=exit_codes())
@click.argument("claim", shell_complete=completing.claims)
@connection
@pass_session
def unkeep(session: Session, claim: str) -> ExitCode:
    """Take the mark off a claim, so that it is judged like any other.

    \b
    Example:
      kubectl pets orphans unkeep data-web-3
    """
    return _mark(session, claim, None)


def _mark(session: Session, name: str, note: str | None) -> ExitCode:
    namespace = session.namespace
    found = next((claim for claim in session.cluster.claims(namespace) if claim.name == _bare(name)), None)
    if found is None:
        raise _no_such(name, namespace)
    try:
        session.cluster.mark_kept(found, note)
    except ConflictError as error:
        raise ConflictError(f"{name} changed meanwhile; nothing was marked", hint="type it again.") from error
    session.terminal.print(f"{name} {'is kept' if note else 'is judged like any other again'}")
    return ExitCode.OK
