"""The names of sets, looked at or waited for, and told: as tables, as lines of a log, or as one document."""

from collections.abc import Sequence

import msgspec

from kubectl_pets.domain.dns.reasons import Diagnosis
from kubectl_pets.errors import ExitCode
from kubectl_pets.flows.dns import resolve
from kubectl_pets.flows.dns.resolve import Aim, NamesFrame
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.display import Display
from kubectl_pets.session import Session
from kubectl_pets.views.dns import documents, lines, table
from kubectl_pets.views.live import TextPainter


class NamesShown(msgspec.Struct, frozen=True, kw_only=True):
    """How the answer is printed. ``check``: what is not right is a finding. ``listed``: as a list, however many there
    are. ``named``: the sets were; of those that were only found, one that by its spec has no names lacks none."""

    output: str
    headers: bool = True
    check: bool = False
    listed: bool = False
    named: bool = True

    def content(self, seen: Diagnosis) -> bool:
        """Whether nothing is missing of this set."""
        return seen.right or (seen.unnamed and not self.named)

    @property
    def tabular(self) -> bool:
        return self.output in ("table", "wide")


def look_each(session: Session, aims: Sequence[Aim], shown: NamesShown) -> ExitCode:
    """Each set's names as they are now. Raises PetsError."""
    terminal, found = session.terminal, [resolve.look(session, aim) for aim in aims]
    for number, seen in enumerate(found if shown.tabular else ()):
        if shown.listed:
            terminal.print(("\n" if number else "") + table.title(seen))
        drawn = table.table(
            seen, wide=shown.output == "wide", headers=shown.headers, width=terminal.limit, colour=terminal.colour
        )
        terminal.print(drawn)
        terminal.tell(table.total(seen))
    _document(session, found, shown)
    return ExitCode.FINDINGS if shown.check and not all(shown.content(seen) for seen in found) else ExitCode.OK


def watch_each(session: Session, aims: Sequence[Aim], limit: float | None, shown: NamesShown) -> ExitCode:
    """Each set until its names are all right, one after the other; ``limit``: seconds for all of them. The first that does not
    come to it ends it; of several all are asked about once more, and whichever is not right any more is watched again. Raises
    PetsError."""
    deadline, code = Deadline(limit), ExitCode.OK
    found: dict[int, Diagnosis] = {}
    left = tuple(range(len(aims)))
    while left and code is ExitCode.OK:
        for index in left:
            code, found[index] = _watched(session, aims[index], deadline, shown)
            if code is not ExitCode.OK:
                break
        else:
            left = tuple(each for each in left if not shown.content(resolve.look(session, aims[each]))) if len(left) > 1 else ()
    _document(session, list(found.values()), shown)
    return code


def _watched(session: Session, aim: Aim, deadline: Deadline, shown: NamesShown) -> tuple[ExitCode, Diagnosis]:
    terminal = session.terminal
    with terminal.held(), TextPainter(terminal) as painter, (display := Display(terminal, painter)).taken():
        before: Diagnosis | None = None

        def observe(frame: NamesFrame) -> None:
            nonlocal before
            if shown.tabular and terminal.live:
                drawn = table.table(
                    frame.seen,
                    wide=shown.output == "wide",
                    headers=shown.headers,
                    width=terminal.picture,
                    colour=terminal.colour,
                    after=frame.after,
                )
                painter.show("\n".join([drawn, *(["", frame.trouble] if frame.trouble else [])]))
                display.painted()
            elif shown.tabular:
                told = lines.changes(before, frame.seen, frame.after, frame.now)
                if told:
                    terminal.print("\n".join(told))
            before = frame.seen

        seen, late = resolve.watch(session, aim, deadline, observe)
    terminal.tell(f"{'timed out: ' if late else ''}{table.headline(seen)}")
    terminal.tell(table.total(seen))
    if late:
        return ExitCode.TIMED_OUT, seen
    if shown.content(seen):
        return ExitCode.OK, seen
    return ExitCode.FINDINGS if shown.check else ExitCode.NOT_YET, seen


def _document(session: Session, found: Sequence[Diagnosis], shown: NamesShown) -> None:
    if shown.tabular:
        return
    told = documents.many(found, shown.output) if shown.listed else documents.one(found[0], shown.output)
    session.terminal.print(told)
