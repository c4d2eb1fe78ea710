"""The door: builds the command group, is the one error boundary, and turns every outcome into an exit code.

``run`` is the program for tests (a session in, an exit code out), ``main`` adds what belongs to a real process: streams, signals.
"""

import signal
import sys
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

import click

from kubectl_pets import __version__
from kubectl_pets.errors import ExitCode, PetsError
from kubectl_pets.groups import LazyGroup, Verb
from kubectl_pets.options import connection
from kubectl_pets.session import Session, Terminal

PROGRAM = "kubectl pets"

_EXIT_CODES = """\b
Exit codes:
  0    done, all well
  1    failed
  2    wrong usage
  3    not done yet, or paused
  4    stuck or degraded
  5    timed out
  6    refused: unsafe, nothing was changed
  7    --check found something
  130  interrupted"""

VERBS = {
    "list": Verb("kubectl_pets.commands.list:command", "Every StatefulSet in one line: where it stands and why."),
    "ls": Verb("kubectl_pets.commands.list:command", "The same as list.", alias_of="list"),
    "status": Verb("kubectl_pets.commands.status:command", "One StatefulSet as a tree; with -w until it is done or stuck."),
    "rollout": Verb("kubectl_pets.commands.rollout:command", "Canary, step, promote, pause, resume, abort, run."),
    "partition": Verb("kubectl_pets.commands.partition:command", "Show the partition as a picture, or set it."),
    "orphans": Verb("kubectl_pets.commands.orphans:command", "Claims that nobody will want again; deletion with a net."),
}
THEMES = (
    ("Look", ("list", "status")),
    ("Roll out", ("rollout", "partition")),
    ("Storage", ("orphans",)),
)


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    themes=THEMES,
    name=PROGRAM,
    epilog=_EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="kubectl-pets")
@partial(connection, all_shown=True)
def cli() -> None:
    """The verbs that kubectl lacks for StatefulSets. The flags below may stand before a verb or after it.

    \b
    Examples:
      kubectl pets list -A
      kubectl pets status web -w
      kubectl pets rollout run web --image nginx:1.27 --canary 1 --pause 30s
    """


def run(arguments: Sequence[str], session: Session) -> int:
    """Run one command line and return its exit code. Errors are told on the session's stderr."""
    try:
        code = cli.main(args=list(arguments), prog_name=PROGRAM, obj=session, standalone_mode=False)
        return int(code or ExitCode.OK)
    except click.exceptions.NoArgsIsHelpError as error:
        session.terminal.print(error.format_message())
        return ExitCode.OK
    except (click.ClickException, PetsError) as error:
        return _explain(error, session)
    except (KeyboardInterrupt, click.Abort):
        session.terminal.tell("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return ExitCode.FAILED  # whoever read our output went away
    except Exception as error:
        session.terminal.tell(f"error: {type(error).__name__}: {error}")
        session.terminal.tell("hint: this is a defect in kubectl-pets; run it again with -v and report what it prints.")
        if session.verbose:
            _traceback(session)
        return ExitCode.FAILED
    finally:
        session.close()


def _explain(error: click.ClickException | PetsError, session: Session) -> int:
    """An error that has words of its own: what was tried, and what to try next."""
    tell = session.terminal.tell
    match error:
        case click.UsageError():
            tell(_usage(error))
            return ExitCode.USAGE
        case click.ClickException():
            tell(f"error: {error.format_message()}")
            return ExitCode.FAILED
        case PetsError():
            tell(f"error: {error.message}")
            if error.hint:
                tell(f"hint: {error.hint}")
            if session.verbose:
                _traceback(session)
            return error.exit_code


def _usage(error: click.UsageError) -> str:
    lines = [f"error: {error.format_message()}"]
    if error.ctx is not None:
        lines.append(f"hint: '{error.ctx.command_path} --help' shows how it is used.")
    return "\n".join(lines)


def _traceback(session: Session) -> None:
    import traceback

    session.terminal.tell(traceback.format_exc())


def main() -> NoReturn:
    """The executable."""

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    code = run(sys.argv[1:], Session(terminal=Terminal.real()))
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()
    sys.exit(code)


if __name__ == "__main__":
    main()
