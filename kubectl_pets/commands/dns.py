"""``kubectl pets dns``: do the pods' names resolve, at every DNS server, and if not, why?"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from kubectl_pets.cli import completing
from kubectl_pets.cli.belonging import each_with, is_pod_of
from kubectl_pets.cli.groups import Verb, VerbGroup
from kubectl_pets.cli.options import AnySet, EachSet, Number, connection, exit_codes, output, pass_session, seconds, timeout
from kubectl_pets.domain.dns.names import NameKind
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.dns import resolve as resolving
from kubectl_pets.flows.dns.resolve import Aim
from kubectl_pets.flows.dns.told import NamesShown, look_each, watch_each
from kubectl_pets.flows.engine.choosing import SetSelection, refs
from kubectl_pets.ports.dns import DnsWhere
from kubectl_pets.session import Session
from kubectl_pets.views.dns import documents as dns_documents
from kubectl_pets.views.dns import table as dns

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VERBS = {"explain": Verb("kubectl_pets.commands.dns:explain", "The whole chain from one pod to its name, link by link.")}


def _names(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    own = completing.verbs(((name, verb.about) for name, verb in VERBS.items()), incomplete)
    return own + completing.sets(context, parameter, incomplete)


def _where(command: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """The flags that say whom to ask and from where, handed over as one ``make_aim``."""

    @wraps(command)
    def packed(
        *args: Any, dns_server: str, dns_selector: str, dns_port: int, cluster_domain: str, client: str, **kw: Any
    ) -> ExitCode:
        if dns_server and dns_selector:
            raise UsageError("--dns-server and --dns-selector both say whom to ask: give one of them.")
        if dns_server and dns_port:
            raise UsageError("--dns-port is that of DNS pods; --dns-server takes its port as ADDRESS:PORT.")

        def make_aim(name: SetRef, pods: tuple[str, ...]) -> Aim:
            where = DnsWhere(server=dns_server, selector=dns_selector, port=dns_port)
            return Aim(set=name, pods=pods, where=where, zone=cluster_domain, client=client)

        return command(*args, make_aim=make_aim, **kw)

    for option in (
        click.option("--from", "client", default="", metavar="POD", help="Also look from this pod: its resolv.conf, getent."),
        click.option("--cluster-domain", default="", metavar="ZONE", help="The cluster's domain; found out where not given."),
        click.option(
            "--dns-port", type=Number(0, 65535), default=0, metavar="PORT", help="The DNS pods' port, if unusual."
        ),
        click.option("--dns-selector", default="", metavar="NAMESPACE/LABELS", help="The DNS pods, where they are unusual."),
        click.option("--dns-server", default="", metavar="ADDRESS[:PORT]", help="Ask this server directly, over TCP."),
    ):
        packed = option(packed)
    return packed


@click.group(
    cls=VerbGroup,
    verbs=VERBS,
    name="dns",
    invoke_without_command=True,
    epilog=exit_codes(ExitCode.NOT_YET, ExitCode.TIMED_OUT, ExitCode.REFUSED, ExitCode.FINDINGS),
)
@click.argument("name", metavar="[NAME]", type=EachSet(), required=False, shell_complete=_names)
@click.argument("pods", metavar="[POD|ORDINAL|NAME]...", nargs=-1, shell_complete=completing.pods)
@click.option("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces.")
@click.option("-l", "--selector", metavar="SELECTOR", help="Only sets with these labels, like app=web,tier!=test.")
@click.option("-w", "--watch", is_flag=True, help="Ask again and again, until everything resolves.")
@timeout
@click.option("--check", is_flag=True, help="Exit with code 7 where anything is not right or was not resolved, for use in CI.")
@_where
@output("table", "wide", "json", "yaml")
@click.option("--no-headers", is_flag=True, help="Leave the head line out.")
@connection
@pass_session
def command(
    session: Session,
    name: SetRef | None,
    pods: tuple[str, ...],
    all_namespaces: bool,
    selector: str | None,
    make_aim: Callable[[SetRef, tuple[str, ...]], Aim],
    watch: bool,
    timeout: timedelta | None,
    check: bool,
    output: str,
    no_headers: bool,
) -> ExitCode:
    """Whether the names of a set's pods resolve: what is expected, what the EndpointSlices hold, what every replica of the
    cluster's DNS really answers, and the first reason where these differ. Nothing is created to find out.

    A number, or the set's name with one (web-2), is a pod of the set before it; any other word is another set. A set that is
    called like the verb below is named with its kind: statefulset/explain.

    \b
    Examples:
      kubectl pets dns web
      kubectl pets dns web 0 web-2 -o wide
      kubectl pets dns web -w --timeout 2m
      kubectl pets dns web --check --from client-0
      kubectl pets dns -l app=web
      kubectl pets dns explain web 2
    """
    named = each_with(name, pods, is_pod_of)
    choice = SetSelection(names=tuple(ref for ref, _ in named), selector=selector, all_namespaces=all_namespaces)
    choice.check_some("dns")
    if timeout is not None and not watch:
        raise UsageError("--timeout goes with -w.")
    aims = [make_aim(*each) for each in named] or [make_aim(ref, ()) for ref in refs(session, choice)]
    shown = NamesShown(output=output, headers=not no_headers, check=check, listed=choice.many, named=bool(named))
    return watch_each(session, aims, seconds(timeout), shown) if watch else look_each(session, aims, shown)


@click.command("explain", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("name", type=AnySet())
@click.argument("pod", metavar="POD|ORDINAL", shell_complete=completing.pods)
@_where
@output("table", "json", "yaml")
@connection
@pass_session
def explain(
    session: Session, name: SetRef, pod: str, make_aim: Callable[[SetRef, tuple[str, ...]], Aim], output: str
) -> ExitCode:
    """Every link from one pod to whoever asks for its name: passed, failed, or not checked and why, with what to type.

    \b
    Examples:
      kubectl pets dns explain web 2
      kubectl pets dns explain web web-2 --from client-0
    """
    seen = resolving.look(session, make_aim(name, (pod,)))
    terminal = session.terminal
    if output != "table":
        terminal.print(dns_documents.one(seen, output))
        return ExitCode.OK
    line = next(line for line in seen.lines if line.name.kind is NameKind.POD)
    terminal.print(dns.explain(seen, line, width=terminal.limit, colour=terminal.colour))
    return ExitCode.OK
