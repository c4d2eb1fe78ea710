"""``kubectl pets lost``: pods on nodes that do not answer, and the choices; by force only when somebody knows that it is off."""

import click

from kubectl_pets.cli import names
from kubectl_pets.cli.options import changed, connection, exit_codes, output, pass_session, sets_named
from kubectl_pets.domain.safety import lost
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.engine.choosing import SetSelection, views
from kubectl_pets.flows.safety.lost import force_out
from kubectl_pets.pasting import again
from kubectl_pets.session import Session
from kubectl_pets.views.safety import lost as view


@click.command("lost", epilog=exit_codes(ExitCode.STUCK, ExitCode.REFUSED, ExitCode.FINDINGS))
@sets_named
@click.option("--check", is_flag=True, help="Exit with code 7 where pods are lost, for use in CI.")
@click.option("--force-delete", "force", metavar="POD", help="Force out a lost pod of the set; asks for the node's name.")
@output("table", "json", "yaml", "name")
@connection
@pass_session
def command(
    session: Session,
    sets: tuple[SetRef, ...],
    all_namespaces: bool,
    selector: str | None,
    check: bool,
    force: str | None,
    output: str,
) -> ExitCode:
    """Pods that are held by a node that does not answer: since when, the node's state, their volumes, and what can be done.

    Such a pod stays Terminating by design, because it may still run. --force-delete makes the API server forget one; it takes
    somebody at a terminal who types the name of the node, and knows that the machine is off. There is no flag for that.

    \b
    Examples:
      kubectl pets lost
      kubectl pets lost -A --check
      kubectl pets lost web --force-delete web-1
    """
    choice = SetSelection(names=sets, selector=selector, all_namespaces=all_namespaces)
    choice.check("lost")
    if force is None:
        return _show(session, choice, output, check)
    if choice.many:
        owner = force.rpartition("/")[2].rpartition("-")[0] or "NAME"
        chosen = ("--selector", "--all-namespaces")
        hint = again("lost", owner, "--force-delete", force, without=chosen, namespace=session.typed_namespace)
        raise UsageError("--force-delete needs the set's name, too.", hint=hint)
    changed("lost --force-delete", sets[0])
    session.named_namespace = sets[0].namespace
    return force_out(session, sets[0], _pod(session, force))


def _pod(session: Session, typed: str) -> str:
    found = names.parse(typed, names.POD)
    if found.namespace and found.namespace != session.namespace:
        raise UsageError(f"pod {typed} is of another namespace than the set, {session.namespace}.")
    return found.name


def _show(session: Session, choice: SetSelection, output: str, check: bool) -> ExitCode:
    cluster, terminal = session.cluster, session.terminal
    looks, not_read = views(session, choice)
    nodes, attachments, now = cluster.nodes(), cluster.attachments(), session.now()
    found = lost.judge(looks, nodes, attachments, now)
    pods_read = all(look.pods is not None for look in looks)
    if output != "table":
        terminal.print(view.many(found, output, namespaces=choice.all_namespaces))
    elif found:
        width = terminal.width if terminal.live else None
        terminal.print(view.draw(found, now, width=width, colour=terminal.colour))
    terminal.tell(view.total(found, nodes_read=nodes is not None, pods_read=pods_read))
    bad = nodes is None or not pods_read or not_read or any(pod.held is not lost.Held.WAITING for pod in found)
    return ExitCode.FINDINGS if check and bad else ExitCode.OK
