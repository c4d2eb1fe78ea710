"""``kubectl pets partition``: the partition as a picture, or a new one."""

import click

from kubectl_pets.cli.options import ChangedSet, PartitionValue, connection, exit_codes, pass_session
from kubectl_pets.domain.rollout.partition import PartitionRequest
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.domain.stepping.steps import Goal, Partition
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.engine.inquiry import judged
from kubectl_pets.flows.engine.options import RunOptions, run_options
from kubectl_pets.flows.rollout.carry import carry
from kubectl_pets.session import Session
from kubectl_pets.views.rollout import documents
from kubectl_pets.views.rollout import partition as picture


@click.command(
    "partition",
    context_settings={"ignore_unknown_options": True},
    epilog=exit_codes(ExitCode.TIMED_OUT, ExitCode.REFUSED),
)
@click.argument("name", type=ChangedSet())
@click.argument("value", type=PartitionValue(), required=False)
@run_options(patience=False)
@connection
@pass_session
def command(session: Session, name: SetRef, value: PartitionRequest | None, options: RunOptions) -> ExitCode:
    """Show the partition as a picture of positions and ordinals, or set it.

    VALUE counts positions that keep the current revision: absolute (2), relative (+1, -1), or a share of the replicas (50%,
    rounded up). Lowering it lets the controller replace pods; raising it is a pause and takes nothing back.

    \b
    Examples:
      kubectl pets partition web
      kubectl pets partition web 2
      kubectl pets partition web -1
      kubectl pets partition web 50% --dry-run
    """
    if value is None:
        seen = judged(session.cluster, session.cluster.set_view(session.namespace, name.name, name.kind), options.stuck_after)
        terminal = session.terminal
        text = (
            picture.draw(seen, width=terminal.width, colour=terminal.colour)
            if options.output == "table"
            else documents.one(seen, options.output)
        )
        terminal.print(text)
        return ExitCode.OK

    def goal(seen: Assessment, careful: bool) -> Goal:
        wanted = value.of(seen.partition, seen.replicas)
        if wanted is None:
            raise UsageError(
                f"{name.typed} has {seen.replicas} replicas and partition {seen.partition}: the new one would be out of range.",
                hint=f"give a value from 0 to {seen.replicas}; 0 releases every pod.",
            )
        return Partition(partition=wanted)

    return carry(session, name, goal, options)
