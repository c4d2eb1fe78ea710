"""The door: builds the command group, is the one error boundary, and turns every outcome into an exit code.

``run`` is the program for tests (a session in, an exit code out), ``main`` adds what belongs to a real process: streams, signals.
"""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from errno import EBADF, EIO, ENOSPC, EPIPE
from time import monotonic
from typing import NoReturn

import click
import msgspec

from kubectl_pets.cleaning import clean_lines
from kubectl_pets.cli import completing
from kubectl_pets.cli.groups import LazyGroup, Verb
from kubectl_pets.cli.options import connection, exit_codes
from kubectl_pets.cli.pflag import as_command_reads, as_kubectl_reads
from kubectl_pets.errors import ExitCode, PetsError
from kubectl_pets.flows.engine.interrupts import SIGNALS
from kubectl_pets.pasting import connected, pets, verb_typed
from kubectl_pets.session import Session, Terminal

PROGRAM = "kubectl pets"
HOME = "https://github.com/kubectl-pets/kubectl-pets"
DEFECTS = f"{HOME}/issues"

#: The parent process of a one-file executable passes on what it is sent, so its child gets a terminal's Ctrl-C twice within
#: these seconds; the second must not break off what the first began to tidy up.
_TWICE = 0.5

#: So many new objects before Python looks for garbage among them: what a verb loads, 60,000, is none, and to look through that
#: takes as long as five requests.
GARBAGE = (100_000, 20, 20)

VERBS = {
    "list": Verb("kubectl_pets.commands.list:command", "Every StatefulSet in one line: where it stands and why."),
    "ls": Verb("kubectl_pets.commands.list:command", "The same as list.", alias_of="list"),
    "status": Verb("kubectl_pets.commands.status:command", "One StatefulSet as a tree; with -w until it is done or stuck."),
    "wait": Verb("kubectl_pets.commands.wait:command", "Until sets are available, complete, resolved; or stuck."),
    "rollout": Verb("kubectl_pets.commands.rollout:command", "Canary, step, promote, pause, resume, abort, run.", group=True),
    "partition": Verb("kubectl_pets.commands.partition:command", "Show the partition as a picture, or set it."),
    "scale": Verb("kubectl_pets.commands.scale:command", "Another number of replicas, in order, to its end."),
    "resize": Verb("kubectl_pets.commands.resize:command", "Larger volumes, claim by claim; what it takes, told before."),
    "recreate": Verb("kubectl_pets.commands.recreate:command", "Change what is immutable; the pods run on."),
    "snapshots": Verb("kubectl_pets.commands.snapshots:command", "What there is to go back to, of a set's claims."),
    "doctor": Verb(
        "kubectl_pets.commands.doctor:command", "What is wrong, or will be at the next restart, drain or upgrade.", group=True
    ),
    "quorum": Verb("kubectl_pets.commands.quorum:command", "How many pods may fail, and what endangers the majority."),
    "lost": Verb("kubectl_pets.commands.lost:command", "Pods on nodes that do not answer, and what can be done."),
    "orphans": Verb(
        "kubectl_pets.commands.orphans:command", "Claims that nobody will want again; deletion with a net.", group=True
    ),
    "dns": Verb("kubectl_pets.commands.dns:command", "Do the pods' names resolve, everywhere, and if not, why?", group=True),
    "completion": Verb("kubectl_pets.commands.completion:command", "Have the shell complete kubectl pets.", group=True),
    "options": Verb("kubectl_pets.commands.options:command", "The flags that say which cluster, as whom, and how."),
    "help": Verb("kubectl_pets.commands.help:command", "The help of a verb."),
}
THEMES = (
    ("Look", ("list", "status", "wait")),
    ("Roll out", ("rollout", "partition", "scale")),
    ("Safety", ("doctor", "quorum", "lost")),
    ("Storage", ("resize", "recreate", "snapshots", "orphans")),
    ("Network", ("dns",)),
    ("More", ("completion", "options", "help")),
)


def _tell_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from kubectl_pets import version

    session = ctx.find_object(Session)
    assert session is not None
    output, found = ctx.params.get("output"), version.read()
    if output is None:
        session.terminal.print(version.text(found))
    else:
        from kubectl_pets.views.rollout.documents import API_VERSION, dump

        document = {"apiVersion": API_VERSION, "kind": "Version", **msgspec.to_builtins(found)}
        session.terminal.print(dump(document, output))
    ctx.exit()


@click.group(
    cls=LazyGroup,
    verbs=VERBS,
    themes=THEMES,
    name=PROGRAM,
    epilog=exit_codes(*ExitCode)
    + f"\n\n\b\nDocs:     {HOME}/tree/main/docs\nDefects:  {DEFECTS}\n\n'{pets('options')}' lists the flags that connect.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    callback=_tell_version,
    help="Show version, commit, and what it runs on; also with -o json or yaml.",
)
@click.option("-o", "--output", type=click.Choice(("json", "yaml")), is_eager=True, help="How to print the version.")
@connection
def cli(output: str | None) -> None:
    """The verbs that kubectl lacks for StatefulSets. Each has a page: --help after it.

    \b
    Examples:
      kubectl pets list -A
      kubectl pets status web -w
      kubectl pets rollout run web --image nginx:1.27 --canary 1 --pause 30s
    """


def run(arguments: Sequence[str], session: Session) -> int:
    """Run one command line and return its exit code. Errors are told on the session's stderr."""
    with connected():
        code = _run(arguments, session)
        if not (session.terminal.ci or session.junit):
            return code
        from kubectl_pets.flows.engine.pipeline import conclude

        try:
            conclude(session, arguments, code)
        except PetsError as error:
            return _explain(error, session)
        return code


def _run(arguments: Sequence[str], session: Session) -> int:
    try:
        if arguments[:1] == [completing.WORD]:
            completing.complete(cli, arguments[1:], session)
            return ExitCode.OK
        words = as_command_reads(cli, as_kubectl_reads(arguments))
        code = cli.main(args=words, prog_name=PROGRAM, obj=session, standalone_mode=False)
        return int(code or ExitCode.OK)
    except click.exceptions.NoArgsIsHelpError as error:
        session.terminal.print(error.format_message())
        return ExitCode.OK
    except (click.ClickException, PetsError) as error:
        return _explain(error, session)
    except (KeyboardInterrupt, click.Abort):
        if session.terminal.lost is None:
            session.terminal.tell("interrupted")
        return ExitCode.INTERRUPTED
    except OSError as error:
        return _explain_system(error, session)
    except Exception as error:
        return _explain_shortage(session) if _is_shortage(error) else _explain_defect(error, session)
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
            tell(clean_lines(f"error: {error.format_message()}"))
            return ExitCode.FAILED
        case PetsError():
            if session.terminal.ci or session.junit:
                from kubectl_pets.views.text.endings import Ending

                session.terminal.endings.append(
                    Ending(about="", code=error.exit_code, told=error.message, hint=error.hint or "")
                )
            tell(clean_lines(f"error: {error.message}"))
            if error.hint:
                tell(clean_lines(f"hint: {error.hint}"))
            if session.verbose:
                _traceback(session)
            return error.exit_code


def _explain_system(error: OSError, session: Session) -> int:
    """What a system without room or without a working folder does to any program."""
    if error.errno == EPIPE:
        return ExitCode.FAILED  # whoever read our output went away
    if error.errno in (EBADF, EIO, ENOSPC) and error.filename is None:
        session.terminal.tell(f"error: what there is to say cannot be written: {error.strerror}")
        return ExitCode.FAILED
    try:
        os.getcwd()
    except FileNotFoundError:
        session.terminal.tell("error: the working folder is gone")
        session.terminal.tell("hint: change to a folder that exists.")
        return ExitCode.FAILED
    return _explain_defect(error, session)


def _is_shortage(error: Exception) -> bool:
    """Whether this machine has no more memory, or, to what Python's threading says, no more threads to give."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "can't start new thread" in str(error))


def _explain_shortage(session: Session) -> int:
    session.terminal.tell("error: no more memory or threads are to be had here, so nothing is known of how this would have ended")
    session.terminal.tell("hint: look at the limits of this shell (ulimit -a) or container.")
    return ExitCode.FAILED


def _explain_defect(error: Exception, session: Session) -> int:
    session.terminal.tell(clean_lines(f"error: {type(error).__name__}: {error}"))
    session.terminal.tell(f"hint: this is a defect in kubectl-pets; run it again with -v and report what it prints: {DEFECTS}")
    if session.verbose:
        _traceback(session)
    return ExitCode.FAILED


def _usage(error: click.UsageError) -> str:
    """In one line, where click tells choices below each other; and with a hint also where click does not say of which verb."""
    message = " ".join(line.strip() for line in error.format_message().split("\n"))
    path = error.ctx.command_path if error.ctx is not None else f"{PROGRAM} {verb_typed()}".strip()
    told = "" if f"'{path} --help'" in message else f"\nhint: '{path} --help' shows how it is used."
    return clean_lines(f"error: {message}{told}")


def _traceback(session: Session) -> None:
    import traceback

    session.terminal.tell(clean_lines(traceback.format_exc()))


def _fill_closed_streams() -> bool:
    """Put the null device where a stream is closed, or the next file to be opened would be taken for it. Whether stdout was: a
    one-file executable that was started so has a file of its own there, which cannot be written."""
    deaf = sys.stdout is None or not _writable(1)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
    return deaf


def _writable(number: int) -> bool:
    """To write nothing is refused where a file is closed, or open for reading alone, and has no effect elsewhere."""
    try:
        os.write(number, b"")
    except OSError as error:
        return error.errno != EBADF
    return True


def main() -> NoReturn:
    """The executable."""
    gc.set_threshold(*GARBAGE)
    gc.enable()  # krew/start.py turned it off
    last = 0.0

    def interrupt(signum: int, frame: object) -> None:
        nonlocal last
        now, before = monotonic(), last
        last = now
        if now - before > _TWICE:
            raise KeyboardInterrupt

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and scripts' background jobs have it
            signal.signal(number, interrupt)
    deaf = _fill_closed_streams()
    if sys.argv[1:2] == [completing.WORD]:
        completing.hush()
    terminal = Terminal.real()
    session = Session(terminal=terminal)  # held until the end: to give back what it keeps, object by object, takes a while
    code = ExitCode.FAILED if deaf else run(sys.argv[1:], session)
    lost = OSError(EBADF, os.strerror(EBADF)) if deaf else terminal.lost
    if lost is not None:
        code = ExitCode.FAILED
        if lost.errno != EPIPE:
            terminal.tell(f"error: stdout cannot be written: {lost.strerror}")
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # Python would complain at its end
    os._exit(code)  # the streams are flushed; taking the interpreter apart would take a tenth of a short run, or of a long list


if __name__ == "__main__":
    main()
