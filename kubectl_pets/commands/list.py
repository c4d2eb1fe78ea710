"""``kubectl pets list``: every StatefulSet in one line, the worst first."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click
import msgspec

from kubectl_pets.cli.options import connection, exit_codes, output, pass_session, patience, sets_named
from kubectl_pets.domain.inventory import Gathering
from kubectl_pets.domain.model import Inventory
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.ranking import SetOrder, in_order, is_problem
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.engine.choosing import SetSelection, expect, narrowed, tell_kinds_not_read, views, watched_namespace
from kubectl_pets.flows.engine.display import Breather, Display
from kubectl_pets.flows.engine.inquiry import Inquiries, judged_each
from kubectl_pets.flows.engine.keys import KeyPressed
from kubectl_pets.flows.engine.once import uncollected
from kubectl_pets.flows.engine.waiting import until
from kubectl_pets.session import Session
from kubectl_pets.views.live import TextPainter
from kubectl_pets.views.rollout import countdown, documents
from kubectl_pets.views.rollout import table as sets_table

if TYPE_CHECKING:  # for jsonl only
    from kubectl_pets.views.rollout.stream import Fleet

_PHASES = [phase.value for phase in Phase if phase is not Phase.GONE]

#: What kubectl sorts by, and what it is called here.
_FIELDS = {"metadata.name": SetOrder.NAME, "metadata.creationTimestamp": SetOrder.AGE}


class OrderValue(click.ParamType[SetOrder]):
    """A click type: how ``list`` is sorted, by a word of ours or by kubectl's JSONPath for the same (``.metadata.name``)."""

    name = "order"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> SetOrder:
        if isinstance(value, SetOrder):
            return value
        text = str(value)
        field = _FIELDS.get(text.strip("{}").lstrip("."))
        if field is None and text not in list(SetOrder):
            known = ", ".join(order.value for order in SetOrder)
            self.fail(f"'{text}' is not one of {known}, .metadata.name, .metadata.creationTimestamp.", param, ctx)
        return field or SetOrder(text)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return f"[{'|'.join(order.value for order in SetOrder)}]"


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the sets are shown, and how."""

    output: str
    order: SetOrder | None
    phases: frozenset[str]
    problems: bool
    headers: bool
    labels: bool
    all_namespaces: bool

    @property
    def tabular(self) -> bool:
        return self.output in ("table", "wide")

    def of(self, seen: Sequence[Assessment]) -> tuple[Assessment, ...]:
        """Those that were asked for."""
        asked = (one for one in seen if not self.phases or one.phase.value in self.phases)
        return tuple(one for one in asked if not self.problems or is_problem(one))


@click.command("list", epilog=exit_codes(ExitCode.FINDINGS))
@sets_named
@click.option("--problems", is_flag=True, help="Only sets that somebody has to look at: stuck, failing, unknown, or left over.")
@click.option(
    "--phase", "phases", type=click.Choice(_PHASES), multiple=True, metavar="PHASE", help="Only sets in this phase; repeatable."
)
@click.option("--sort-by", "order", type=OrderValue(), help="In this order; where not given, tables have the worst first.")
@click.option("--show-labels", is_flag=True, help="The labels as the last column.")
@click.option("--check", is_flag=True, help="Exit with code 7 where --problems would show any set, for use in CI.")
@output("table", "wide", "json", "yaml", "jsonl", "name", "openmetrics")
@click.option("--no-headers", is_flag=True, help="Leave the head line out.")
@click.option("-w", "--watch", is_flag=True, help="Keep showing it until Ctrl-C, or q.")
@patience
@connection
@pass_session
def command(
    session: Session,
    sets: tuple[SetRef, ...],
    all_namespaces: bool,
    selector: str | None,
    problems: bool,
    phases: tuple[str, ...],
    order: SetOrder | None,
    show_labels: bool,
    check: bool,
    output: str,
    no_headers: bool,
    watch: bool,
    patience: StuckAfter,
) -> ExitCode:
    """Every StatefulSet in one line: phase, ready, updated, partition, revisions, claims, age, reason. The worst come first.

    A partition that was left over from an earlier rollout is marked, because it silently holds back the next one. On a terminal
    that is too narrow the less important columns give way; -o wide shows everything.

    \b
    Examples:
      kubectl pets list
      kubectl pets ls -A --problems
      kubectl pets list -A --check -o name
      kubectl pets list -l app=web -w
    """
    choice = SetSelection(names=sets, selector=selector, all_namespaces=all_namespaces)
    choice.check("list")
    shown = Shown(
        output=output,
        order=order,
        phases=frozenset(phases),
        problems=problems,
        headers=not no_headers,
        labels=show_labels,
        all_namespaces=all_namespaces,
    )
    if watch:
        if check or output == "openmetrics":
            raise UsageError(f"{'--check' if check else '-o openmetrics'} looks once, -w until Ctrl-C.")
        with suppress(KeyPressed):
            _watch(session, choice, shown, Inquiries(session.cluster, patience))
        return ExitCode.OK
    with uncollected():
        found, not_read = views(session, choice, groups=True)
        seen = tuple(judged_each(session.cluster, found, patience))
        session.kept = found, seen
        return _show(session, choice, shown, seen, not_read, check)


def _show(
    session: Session, choice: SetSelection, shown: Shown, seen: tuple[Assessment, ...], not_read: tuple[str, ...], check: bool
) -> ExitCode:
    terminal, asked = session.terminal, shown.of(seen)
    if not shown.tabular:
        terminal.print(_document(session, shown, asked, not_read))
    elif not seen:
        terminal.tell("No StatefulSets found" + ("." if choice.all_namespaces else f" in namespace {session.namespace}."))
    elif asked:
        terminal.print(_table(session, shown, asked, terminal.limit))
    if shown.tabular and (len(seen) > 1 or len(asked) < len(seen)):
        terminal.tell(sets_table.total(seen, len(asked)))
    return ExitCode.FINDINGS if check and (not_read or any(map(is_problem, seen))) else ExitCode.OK


def _watch(session: Session, choice: SetSelection, shown: Shown, inquiries: Inquiries) -> None:
    """Until Ctrl-C."""
    namespace = watched_namespace(session, choice)
    followed = session.cluster.watch_inventory(namespace, choice.selector, every_kind=True)

    fleet, terminal, gathering = _fleet(), session.terminal, Gathering()
    seen: tuple[Assessment, ...] = ()

    def show(inventory: Inventory) -> None:
        nonlocal seen
        seen = tuple(inquiries.judge(gathering.views(narrowed(session, inventory, choice.names)), session.now()))
        if shown.output == "jsonl":
            for line in fleet.lines(shown.of(seen), session.now()):
                terminal.print(line)
        elif shown.tabular:
            draw()
        else:
            painter.show(_document(session, shown, shown.of(seen), inventory.kinds_not_read))

    def draw() -> None:
        """Without judging anew: at rest only the ages go on."""
        asked, rows = shown.of(seen), painter.rows
        text = _table(session, shown, asked, terminal.picture, rows)
        status = countdown.elapsed(display.elapsed, display.keys) if terminal.live else ""
        more = max(0, len(asked) - rows) if rows is not None else 0
        painter.show(text, sets_table.total(seen, len(asked)), status=status, more=more)
        display.painted()

    with followed as source:
        first = source.latest()
        expect(session, first, choice.names)
        tell_kinds_not_read(terminal, first)
        with terminal.held(), TextPainter(terminal) as painter:
            display, pace = Display(terminal, painter, (lambda: "q") if shown.tabular else None), Breather(source.wait)
            ticking = display.ticking(pace.wait, draw) if terminal.live and shown.tabular else pace.wait
            with display.taken():
                until(
                    lambda: pace.timed(lambda: show(source.latest())),
                    every=None,
                    wait=lambda seconds: ticking(inquiries.cap(seconds, session.now())),
                )


def _document(session: Session, shown: Shown, asked: Sequence[Assessment], not_read: tuple[str, ...]) -> str:
    if shown.output == "jsonl":
        return "\n".join(_fleet().lines(in_order(asked, shown.order or SetOrder.NAME), session.now()))
    if shown.output == "openmetrics":
        from kubectl_pets.views.rollout import metrics

        return metrics.draw(asked, session.now(), not_read=not_read)
    order = shown.order or SetOrder.NAME
    return documents.many(asked, shown.output, kinds_not_read=not_read, namespaces=shown.all_namespaces, order=order)


def _fleet() -> "Fleet":
    from kubectl_pets.views.rollout.stream import Fleet

    return Fleet()


def _table(
    session: Session, shown: Shown, asked: Sequence[Assessment], width: int | None, most: int | None = None
) -> str:
    return sets_table.table(
        asked,
        session.now(),
        wide=shown.output == "wide",
        headers=shown.headers,
        all_namespaces=shown.all_namespaces,
        labels=shown.labels,
        order=shown.order or SetOrder.WORST,
        width=width,
        colour=session.terminal.colour,
        most=most,
    )
