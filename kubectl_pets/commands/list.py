"""``kubectl pets list``: every StatefulSet in one line."""

import click

from kubectl_pets.cli.options import connection, exit_codes, output, pass_session
from kubectl_pets.domain.inventory import snapshots
from kubectl_pets.domain.model import Inventory
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.errors import ExitCode
from kubectl_pets.flows.engine.kinds import tell_kinds_not_read
from kubectl_pets.session import Session
from kubectl_pets.views.live import TextPainter
from kubectl_pets.views.rollout import documents
from kubectl_pets.views.rollout import table as sets


@click.command("list", epilog=exit_codes())
@click.option("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces.")
@click.option("-l", "--selector", metavar="SELECTOR", help="Only sets with these labels, like app=web,tier!=test.")
@output("table", "wide", "json", "yaml", "name")
@click.option("--no-headers", is_flag=True, help="Leave the head line out.")
@click.option("-w", "--watch", is_flag=True, help="Keep showing it until Ctrl-C.")
@connection
@pass_session
def command(
    session: Session, all_namespaces: bool, selector: str | None, output: str, no_headers: bool, watch: bool
) -> ExitCode:
    """Every StatefulSet in one line: phase, ready, updated, partition, revisions, claims, age, reason.

    A partition that was left over from an earlier rollout is marked, because it silently holds back the next one.

    \b
    Examples:
      kubectl pets list
      kubectl pets ls -A -o wide
      kubectl pets list -l app=web -w
    """
    namespace = None if all_namespaces else session.namespace

    def text(inventory: Inventory) -> str:
        seen = _assessed(session, inventory)
        if output in ("table", "wide"):
            return sets.table(
                seen,
                session.now(),
                wide=output == "wide",
                headers=not no_headers,
                all_namespaces=all_namespaces,
                colour=session.terminal.colour,
            )
        return documents.many(seen, output, kinds_not_read=inventory.kinds_not_read)

    if watch:
        followed = session.cluster.watch_inventory(namespace, selector, every_kind=True)
        with followed as source, TextPainter(session.terminal) as painter:
            first = source.latest()
            tell_kinds_not_read(session.terminal, first)
            painter.show(text(first))
            while True:  # on a terminal the ages go on; elsewhere a row is told again only when something happened
                if source.wait(10.0 if session.terminal.live else None) or session.terminal.live:
                    painter.show(text(source.latest()))
    found = session.cluster.inventory(namespace, selector, every_kind=True)
    tell_kinds_not_read(session.terminal, found)
    if not found.sets and output in ("table", "wide"):
        session.terminal.tell("No StatefulSets found" + (f" in namespace {namespace}." if namespace else "."))
    else:
        session.terminal.print(text(found))
    return ExitCode.OK


def _assessed(session: Session, inventory: Inventory) -> tuple[Assessment, ...]:
    now = session.now()
    return tuple(assess(snapshot, now) for snapshot in snapshots(inventory))
