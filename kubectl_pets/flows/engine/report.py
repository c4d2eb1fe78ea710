"""The last word of a verb: data to stdout, talk to stderr, and the exit code; and the rehearsal of ``--dry-run``."""

from collections.abc import Callable, Iterable

from kubectl_pets.domain.changes import DryRun
from kubectl_pets.errors import ExitCode, PetsError
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.session import Terminal
from kubectl_pets.views.text.endings import Ending


def report(
    terminal: Terminal,
    code: ExitCode,
    sentence: str,
    hint: str | None = None,
    *,
    why: str = "",
    document: str = "",
    about: str = "",
) -> ExitCode:
    """How it ended: the ``document`` (empty: none) on stdout; sentence, ``why`` (lines; empty: none) and hint on stderr. Returns
    ``code``. ``about``: the set, for pipelines."""
    terminal.endings.append(Ending(about=about, code=code, told=sentence, hint=hint or ""))
    if document:
        terminal.print(document)
    terminal.tell(sentence)
    if why:
        terminal.tell(why)
    if hint:
        terminal.tell(f"hint: {hint}")
    return code


def rehearse(
    terminal: Terminal,
    options: RunOptions,
    code: ExitCode,
    *,
    checks: Iterable[Callable[[], object]],
    accepted: str,
    picture: Callable[[], str],
    document: Callable[[str], str],
) -> ExitCode:
    """``--dry-run``: print the plan, as ``picture`` or as a ``document`` of the format asked for, and change nothing.

    With ``server`` the API server first judges what ``checks`` send it, and ``accepted`` says what it would take. Returns
    ``code``. Raises PetsError where it would not.
    """
    checked = [check() for check in checks] if options.dry_run is DryRun.SERVER else []
    if checked:
        terminal.tell(f"the API server would accept {accepted} (dry run)")
    drawn = picture() if options.tabular else document(options.output)
    if drawn:  # else it is gathered, to be printed with others
        terminal.print(terminal.broken(drawn) if options.tabular else drawn)
    return code


def told_once(terminal: Terminal) -> Callable[[PetsError], None]:
    """A function that tells of failures while they are ridden out, for verbs without a picture: each is told when it is
    another one than the last."""
    last = ""

    def tell(failure: PetsError) -> None:
        nonlocal last
        if failure.message != last:
            last = failure.message
            terminal.tell(f"waiting: {failure.message}")

    return tell
