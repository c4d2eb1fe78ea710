"""``kubectl pets quorum``: how many pods may fail, and what endangers the majority."""

import click

from kubectl_pets.cli.options import connection, exit_codes, output, pass_session, patience, sets_named
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.safety.quorum import Quorum
from kubectl_pets.domain.safety.risks import judge
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.errors import ExitCode
from kubectl_pets.flows.engine.choosing import SetSelection, at, views
from kubectl_pets.flows.engine.inquiry import judged_each
from kubectl_pets.session import Session
from kubectl_pets.views.safety import quorum as view


@click.command("quorum", epilog=exit_codes(ExitCode.FINDINGS))
@sets_named
@click.option("--check", is_flag=True, help="Exit with code 7 where there are findings, for use in CI.")
@output("table", "wide", "json", "yaml", "name")
@click.option("--no-headers", is_flag=True, help="Leave the head line out.")
@patience
@connection
@pass_session
def command(
    session: Session,
    sets: tuple[SetRef, ...],
    all_namespaces: bool,
    selector: str | None,
    check: bool,
    output: str,
    no_headers: bool,
    patience: StuckAfter,
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
    choice = SetSelection(names=sets, selector=selector, all_namespaces=all_namespaces)
    choice.check("quorum")
    found, not_read = _judged(session, choice, patience)
    terminal, tabular, wide = session.terminal, output in ("table", "wide"), output == "wide"
    if not choice.many and tabular:
        terminal.print(view.draw(found[0], width=None if wide else terminal.width, colour=terminal.colour))
    elif not choice.many:
        terminal.print(view.document(found[0], output))
    elif tabular and not found:
        terminal.tell("No StatefulSets found" + ("." if all_namespaces else f" in namespace {session.namespace}."))
    elif tabular:
        drawn = view.table(
            found,
            wide=wide,
            headers=not no_headers,
            all_namespaces=all_namespaces,
            width=terminal.limit,
            colour=terminal.colour,
        )
        terminal.print(drawn)
    else:
        terminal.print(view.many(found, output, namespaces=all_namespaces))
    return ExitCode.FINDINGS if check and (not_read or any(one.findings or one.not_read for one in found)) else ExitCode.OK


def _judged(session: Session, choice: SetSelection, patience: StuckAfter) -> tuple[list[Quorum], tuple[str, ...]]:
    """The sets, and kinds of sets that could not be read. Pods before nodes: a node that is newer than a pod does no harm, a pod
    on a node not yet seen would have no zone."""
    looks, not_read = views(session, choice, groups=True)
    seen = judged_each(session.cluster, looks, patience)
    places = {None} if choice.all_namespaces else {at(session, ref) for ref in choice.names} or {session.namespace}
    listed = [session.cluster.budgets(place) for place in places]
    budgets = None if None in listed else tuple(budget for each in listed for budget in each or ())
    nodes = session.cluster.nodes()
    return [judge(look, each, budgets, nodes) for look, each in zip(looks, seen, strict=True)], not_read
