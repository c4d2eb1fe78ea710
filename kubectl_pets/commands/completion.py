"""``kubectl pets completion``: put the executable in place that kubectl asks, and say how a shell is told to ask kubectl."""

import os
from collections.abc import Callable
from pathlib import Path

import click

from kubectl_pets.cli import placing
from kubectl_pets.cli.groups import LazyGroup, Verb
from kubectl_pets.cli.options import dry_run_here, exit_codes, pass_session
from kubectl_pets.errors import ExitCode
from kubectl_pets.pasting import pets
from kubectl_pets.session import Session

_HERE = "kubectl_pets.commands.completion"

VERBS = {
    "install": Verb(f"{_HERE}:install", "Put kubectl_complete-pets in place, which kubectl asks."),
    "bash": Verb(f"{_HERE}:bash", "The lines that switch completion on in bash."),
    "zsh": Verb(f"{_HERE}:zsh", "The lines that switch completion on in zsh."),
    "fish": Verb(f"{_HERE}:fish", "The lines that switch completion on in fish."),
}

_STARTUP = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/config.fish"}

# kubectl's scripts run the first word of the command line with __complete behind it. Since kubectl-pets answers like any program
# made with cobra, they serve it as well.
_LINES = {
    "bash": (
        "# kubectl's completion, which completes 'kubectl pets' as well (it needs the package bash-completion)\n"
        "source <(kubectl completion bash)\n"
        "# the program by its own name\n"
        "complete -o default -F __start_kubectl kubectl-pets\n"
    ),
    "zsh": (
        "# kubectl's completion, which completes 'kubectl pets' as well\n"
        "autoload -Uz compinit && compinit\n"
        "source <(kubectl completion zsh)\n"
        "# the program by its own name\n"
        "compdef _kubectl kubectl-pets\n"
    ),
    "fish": (
        "# kubectl's completion, which completes 'kubectl pets' as well\n"
        "kubectl completion fish | source\n"
        "# the program by its own name, which answers what kubectl would\n"
        "kubectl completion fish | string replace -a -- '-c kubectl ' '-c kubectl-pets ' | source\n"
    ),
}


@click.group(cls=LazyGroup, verbs=VERBS, name="completion", epilog=exit_codes(ExitCode.REFUSED))
def command() -> None:
    """Have the shell complete kubectl pets: verbs, flags, and from the cluster namespaces, sets, pods and claims.

    Two things have to be there: kubectl's own completion in your shell, and the executable kubectl_complete-pets on PATH, which
    kubectl asks. 'install' puts the second in place; 'bash', 'zsh' and 'fish' print the lines for the first.

    \b
    Examples:
      kubectl pets completion install
      kubectl pets completion bash >> ~/.bashrc
    """


@click.command("install", epilog=exit_codes(ExitCode.REFUSED))
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder to put it in, which should be on PATH; beside the plugin where not given.",
)
@click.option("--force", is_flag=True, help="Also replace a file that is not ours.")
@dry_run_here
@pass_session
def install(session: Session, folder: Path | None, force: bool, dry_run: str) -> ExitCode:
    """Put kubectl_complete-pets in place, two lines of shell that ask this program.

    It goes beside the plugin where that folder can be written to (with krew: ~/.krew/bin), else into ~/.local/bin or ~/bin, as
    far as these are on PATH. A file of that name that is not ours is left alone.

    \b
    Examples:
      kubectl pets completion install
      kubectl pets completion install --dir ~/bin --dry-run
    """
    tell = session.terminal.tell
    placement = placing.plan(folder, os.environ)
    if placement.found is placing.Found.FOREIGN and not force:
        tell(f"refused: {placement.path} is not from kubectl-pets; nothing was written")
        tell("hint: look at it; --force replaces it, --dir DIR takes another folder.")
        return ExitCode.REFUSED
    _warn(session, placement)
    if placement.found is placing.Found.SAME:
        tell(f"{placement.path} is in place already")
    elif dry_run != "none":
        tell(f"would write {placement.path}:")
        session.terminal.print(placement.text)
        return ExitCode.OK
    else:
        placing.put(placement)
        tell(f"wrote {placement.path}: kubectl runs it to complete what comes after 'kubectl pets'")
    tell(f"hint: kubectl's own completion must be on in your shell; for bash (or zsh, fish): {pets('completion bash')}")
    return ExitCode.OK


def _warn(session: Session, placement: placing.Placement) -> None:
    if not placement.on_path:
        session.terminal.tell(f"warning: {placement.path.parent} is not on PATH, so kubectl will not find it there")
    if placement.shadow is not None:
        session.terminal.tell(f"warning: kubectl finds {placement.shadow} before it")


def _shell(name: str) -> Callable[..., ExitCode]:
    """The verb that prints a shell's lines."""

    def lines(session: Session) -> ExitCode:
        session.terminal.print(_LINES[name])
        session.terminal.tell(f"hint: these lines belong into {_STARTUP[name]}; 'kubectl pets completion install' does the rest.")
        return ExitCode.OK

    lines.__doc__ = f"""The lines that switch completion on in {name}, to be put into {_STARTUP[name]}.

    \b
    Example:
      kubectl pets completion {name} >> {_STARTUP[name]}
    """
    return lines


bash = click.command("bash", epilog=exit_codes())(pass_session(_shell("bash")))
zsh = click.command("zsh", epilog=exit_codes())(pass_session(_shell("zsh")))
fish = click.command("fish", epilog=exit_codes())(pass_session(_shell("fish")))
