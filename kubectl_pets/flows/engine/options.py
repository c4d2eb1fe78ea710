"""The flags that changing verbs share, as one value."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

import msgspec

from kubectl_pets.cli import options as flags
from kubectl_pets.domain.changes import DryRun
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.errors import ExitCode


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a verb is carried out, as said on the command line. ``timeout`` in seconds, None: for ever."""

    dry_run: DryRun = DryRun.NONE
    yes: bool = False
    timeout: float | None = None
    output: str = "table"
    #: For how long what fails may yet pass.
    stuck_after: StuckAfter = StuckAfter()
    #: Where the documents of this run are gathered instead of printed: there is one on stdout, however many sets there are.
    gathered: list[dict[str, Any]] | None = None

    @property
    def tabular(self) -> bool:
        """For people, and not for programs."""
        return self.output in ("table", "wide")

    @property
    def streams(self) -> bool:
        """An event a line, while it goes on."""
        return self.output == "jsonl"


def run_options(
    *,
    yes: Callable[[Callable[..., Any]], Callable[..., Any]] = flags.yes,
    patience: bool = True,
    stream: bool = False,
    writer: bool = True,
) -> Callable[[Callable[..., ExitCode]], Callable[..., ExitCode]]:
    """``--dry-run``, ``--yes`` (which says in its help what is not asked for), ``--timeout``, ``--patience`` (not where
    ``patience`` is False: the verb waits for no pod) and ``-o`` (with ``stream`` also jsonl), handed over to the command as one
    ``options``; besides ``--field-manager`` (not where ``writer`` is False: what the verb writes stays nobody's)."""

    def decorate(bare: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
        @wraps(bare)
        def packed(
            *args: Any,
            dry_run: str,
            yes: bool,
            timeout: timedelta | None,
            output: str,
            **kw: Any,
        ) -> ExitCode:
            options = RunOptions(
                dry_run=DryRun(dry_run),
                yes=yes,
                timeout=flags.seconds(timeout),
                output=output,
                stuck_after=kw.pop("patience") if patience else StuckAfter(),
            )
            return bare(*args, options=options, **kw)

        command: Callable[..., ExitCode] = packed
        waits = (flags.patience,) if patience else ()
        output = flags.output("table", "json", "yaml", *(("jsonl",) if stream else ()))
        named = (flags.field_manager,) if writer else ()
        for option in (flags.junit, *named, output, *waits, flags.timeout, yes, flags.dry_run):
            command = option(command)
        return command

    return decorate
