"""``kubectl pets wait``: ends when sets have come to something, as kubectl's does, and early where they never will."""

from datetime import timedelta
from typing import Any

import click

from kubectl_pets.cli.options import connection, exit_codes, junit, output, pass_session, patience, seconds, sets_named, timeout
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.domain.stepping.until import Until
from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.flows.engine.choosing import SetSelection, refs
from kubectl_pets.flows.rollout.status import StatusAim, follow_each
from kubectl_pets.session import Session

#: The pods' names: what other verbs say of a set does not hold them.
_RESOLVED = "resolved"

_AWAITED = {
    "available": Until.READY,
    "complete": Until.COMPLETE,
    "canary": Until.CANARY,
    _RESOLVED: None,
    "quorum": Until.QUORUM,
}


class _Awaited(click.Choice[str]):
    """What is waited for; kubectl's own conditions are refused with the way there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        word = str(value).partition("=")[0]
        if word in ("condition", "jsonpath", "delete", "create"):
            self.fail(f"'{word}' is kubectl's own: it waits for that itself. Here: {', '.join(_AWAITED)}.", param, ctx)
        return str(super().convert(value, param, ctx))


@click.command("wait", epilog=exit_codes(ExitCode.NOT_YET, ExitCode.STUCK, ExitCode.TIMED_OUT, ExitCode.REFUSED))
@sets_named
@click.option("--for", "awaited", type=_Awaited(list(_AWAITED)), required=True, help="What to wait for.")
@timeout
@patience
@output("table", "json", "yaml", "jsonl", "name")
@junit
@connection
@pass_session
def command(
    session: Session,
    sets: tuple[SetRef, ...],
    all_namespaces: bool,
    selector: str | None,
    awaited: str,
    timeout: timedelta | None,
    patience: StuckAfter,
    output: str,
) -> ExitCode:
    """Wait until a set has come to something, and end early where it is stuck.

    'available': every pod is, at whatever revision; 'complete': at the wanted one; 'canary': all that the partition releases is
    done; 'quorum': the majority is available; 'resolved': every DNS server has the right answer for every pod's name. Several
    sets have to be there at the same time. A right that is missing is not waited for.

    \b
    Examples:
      kubectl pets wait web --for complete --timeout 10m
      kubectl pets wait sts/db sts/cache --for quorum
      kubectl pets wait -l app=web --for available
      kubectl pets wait web --for resolved --timeout 2m
    """
    choice = SetSelection(names=sets, selector=selector, all_namespaces=all_namespaces)
    choice.check_some("wait")
    until = _AWAITED[awaited]
    if until is None:
        if output in ("jsonl", "name"):
            raise UsageError(f"-o {output} is not for --for {_RESOLVED}.")
        from kubectl_pets.flows.dns import told  # for this alone
        from kubectl_pets.flows.dns.resolve import Aim

        shown = told.NamesShown(output=output, listed=choice.many, named=bool(sets))
        return told.watch_each(session, [Aim(set=ref) for ref in refs(session, choice)], seconds(timeout), shown)
    aim = StatusAim(until=until, stay=True, patience=patience, output=output, log_lines=0, listed=choice.many)
    return follow_each(session, refs(session, choice), aim, seconds(timeout))
