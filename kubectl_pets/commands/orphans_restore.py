"""``kubectl pets orphans restore`` and ``purge``: what becomes of the volumes that deletions left."""

from datetime import timedelta
from pathlib import Path

import click

from kubectl_pets.cli import completing
from kubectl_pets.cli.options import Age, connection, dry_run, exit_codes, pass_session, yes
from kubectl_pets.domain.orphans import restoring
from kubectl_pets.errors import ExitCode, NotFoundError
from kubectl_pets.flows.engine.report import told_once
from kubectl_pets.flows.orphans import records
from kubectl_pets.flows.orphans.restore import Restored
from kubectl_pets.flows.orphans.restore import restore as bring_back
from kubectl_pets.flows.orphans.retention import new_run
from kubectl_pets.session import Session
from kubectl_pets.views.orphans import plan as claim_plans
from kubectl_pets.views.orphans import words as claim_words


@click.command("restore", epilog=exit_codes(ExitCode.NOT_YET, ExitCode.REFUSED))
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
    terminal, refused, open_ = session.terminal, False, False
    run = new_run()
    for source in sources:
        for record in _records(session, source):
            name = f"{record.claim.namespace}/{record.claim.name}"
            done = bring_back(
                session.cluster,
                record,
                run=run,
                dry_run=dry_run != "none",
                tell=lambda plan: terminal.tell(claim_plans.restore(plan)),
                troubled=told_once(terminal),
            )
            if isinstance(done, restoring.RestoreRefused):
                idle = done.reason is restoring.RestoreRefusedReason.NOTHING_TO_DO
                why = claim_words.restore_refused(done, source, record.snapshot)
                terminal.tell(("" if idle else "refused: ") + f"{name}: {why}")
                refused = refused or not idle
            elif isinstance(done, Restored):
                terminal.print(f"restored {name} onto {record.volume}")
                for line in claim_plans.after_restore(record.volume, done.policy_left, rescued=done.rescued):
                    terminal.tell(line)
                open_ = open_ or bool(done.policy_left)
    if refused:
        return ExitCode.REFUSED
    return ExitCode.NOT_YET if open_ else ExitCode.OK


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
        session.cluster.apply(step)
        terminal.print(f"destroying {step.volume}")
    return ExitCode.OK
