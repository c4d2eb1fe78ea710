"""``kubectl pets quorum``: how many pods may fail, and what endangers the majority."""

from collections.abc import Sequence

import click

from kubectl_pets.cli.options import AnySet, connection, exit_codes, output, pass_session
from kubectl_pets.domain.inventory import snapshots
from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.safety.quorum import Quorum
from kubectl_pets.domain.safety.risks import judge
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.engine.kinds import tell_kinds_not_read
from kubectl_pets.session import Session
from kubectl_pets.views.safety import quorum as view


@click.command("quorum", epilog=exit_codes(ExitCode.FINDINGS))
@click.argument("name", type=AnySet(), required=False)
@click.option("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces.")
@click.option("-l", "--selector", metavar="SELECTOR", help="Only sets with these labels.")
@click.option("--check", is_flag=True, help="Exit with code 7 where there are findings, for use in CI.")
@output("table", "wide", "json", "yaml", "name")
@click.option("--no-headers", is_flag=True, help="Leave the head line out.")
@connection
@pass_session
def command(
    session: Session,
    name: SetRef | None,
    all_namespaces: bool,
    selector: str | None,
    check: bool,
    output: str,
    no_headers: bool,
) -> ExitCode:
    """How many pods of a set may fail before its majority is lost, and what endangers it.

    Looks at pods that are missing, at nodes and zones that hold too many, and at PodDisruptionBudgets that allow too much or
    block every eviction. What could not be read is unknown, and counts as a finding.

    \b
    Examples:
      kubectl pets quorum web
      kubectl pets quorum -A
      kubectl pets quorum -A -o wide --check
    """
    if name and (all_namespaces or selector):
        raise UsageError("a name and -A or -l exclude each other.", hint="kubectl pets quorum NAME -n NAMESPACE")
    found, not_read = _judged(session, name, all_namespaces, selector)
    terminal, tabular = session.terminal, output in ("table", "wide")
    if name and tabular:
        terminal.print(view.draw(found[0], width=None if output == "wide" else terminal.width, colour=terminal.colour))
    elif name:
        terminal.print(view.document(found[0], output))
    elif tabular and not found:
        terminal.tell("No StatefulSets found" + ("." if all_namespaces else f" in namespace {session.namespace}."))
    elif tabular:
        wide = output == "wide"
        terminal.print(
            view.table(found, wide=wide, headers=not no_headers, all_namespaces=all_namespaces, colour=terminal.colour)
        )
    else:
        terminal.print(view.many(found, output))
    return ExitCode.FINDINGS if check and (not_read or any(one.findings or one.not_read for one in found)) else ExitCode.OK


def _judged(
    session: Session, name: SetRef | None, all_namespaces: bool, selector: str | None
) -> tuple[list[Quorum], tuple[str, ...]]:
    """The sets, and kinds of sets that could not be read. Pods before nodes: a node that is newer than a pod does no harm, a pod
    on a node not yet seen would have no zone."""
    cluster = session.cluster
    namespace = None if all_namespaces else session.namespace
    looks: Sequence[SetView]
    not_read: tuple[str, ...] = ()
    if name:
        looks = (cluster.set_view(session.namespace, name.name, name.kind),)
    else:
        inventory = cluster.inventory(namespace, selector, every_kind=True)
        tell_kinds_not_read(session.terminal, inventory)
        looks, not_read = snapshots(inventory), inventory.kinds_not_read
    budgets, nodes, now = cluster.budgets(namespace), cluster.nodes(), session.now()
    return [judge(look, assess(look, now), budgets, nodes) for look in looks], not_read
