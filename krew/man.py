"""Man pages, made from the help that the program itself prints: ``python -m krew.man [FOLDER]`` writes one for each verb.

Plain man(7), so that every man that there is can read it. What a verb says of itself has one place, its help; here it is only
set.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from kubectl_pets import __version__
from kubectl_pets.__main__ import DEFECTS, HOME, PROGRAM, cli
from kubectl_pets.cli.groups import LazyGroup

DEFAULT = Path("dist/man")


def commands(
    command: click.Command = cli, path: tuple[str, ...] = ("kubectl", "pets")
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The program and each of its verbs and groups that is no alias, with the words that are typed for it."""
    yield path, command
    if isinstance(command, LazyGroup):
        for name, verb in command.verbs.items():
            if not verb.alias_of:
                yield from commands(verb.load(), (*path, name))


def page(path: Sequence[str], command: click.Command) -> str:
    """The page of one verb, as man(7)."""
    context = click.Context(command, info_name=" ".join(path))
    text, examples = _parts(command.help or "")
    codes = re.findall(r"^ +(\d+) +(.+)$", command.epilog or "", re.MULTILINE)
    lines = [
        f'.TH "{_title(path).upper()}" "1" "" "kubectl-pets {__version__}" "kubectl-pets"',
        *_section("NAME", [f"{_set(_title(path))} \\- {_set(_first_sentence(text))}"]),
        *_section("SYNOPSIS", [f"\\fB{_set(' '.join(path))}\\fR {_set(' '.join(command.collect_usage_pieces(context)))}"]),
        *_section("DESCRIPTION", _paragraphs(text)),
        *_section("EXAMPLES", [".nf", *(_set(line) for line in examples), ".fi"] if examples else []),
        *_section("OPTIONS", _options(command, context)),
        *_section("VERBS", _verbs(path, command)),
        *_section("EXIT STATUS", _terms((code, meaning) for code, meaning in codes)),
        *_section("SEE ALSO", [_set(_others(path, command))]),
        *_section("REPORTING DEFECTS", [_set(DEFECTS)]),
    ]
    return "\n".join(lines) + "\n"


def _title(path: Sequence[str]) -> str:
    return "-".join(path)


def _parts(text: str) -> tuple[str, list[str]]:
    """What help says, and its examples."""
    told, _, rest = text.partition("\b\n")
    return told.strip(), [line.strip() for line in rest.splitlines()[1:] if line.strip()]


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).partition(". ")[0].rstrip(".")


def _paragraphs(text: str) -> list[str]:
    return [line for part in text.split("\n\n") for line in (".PP", _set(" ".join(part.split())))][1:]


def _options(command: click.Command, context: click.Context) -> list[str]:
    records = (option.get_help_record(context) for option in command.get_params(context) if isinstance(option, click.Option))
    return _terms(record for record in records if record is not None)


def _verbs(path: Sequence[str], command: click.Command) -> list[str]:
    if not isinstance(command, LazyGroup):
        return []
    return _terms((" ".join((*path, name)), verb.about) for name, verb in command.verbs.items() if not verb.alias_of)


def _others(path: Sequence[str], command: click.Command) -> str:
    pages = [] if len(path) == 2 else [f"{_title(path[:-1])}(1)"]
    if isinstance(command, LazyGroup):
        pages += [f"{_title((*path, name))}(1)" for name, verb in command.verbs.items() if not verb.alias_of]
    return ", ".join([*pages, *(["kubectl(1)"] if len(path) == 2 else []), f"{HOME}/tree/main/docs"])


def _terms(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [line for name, about in rows for line in (".TP", f"\\fB{_set(name)}\\fR", _set(" ".join(about.split())))]


def _section(name: str, lines: Sequence[str]) -> list[str]:
    return [f".SH {name}", *lines] if lines else []


def _set(text: str) -> str:
    """So that it is read as text: man(7) has a meaning for backslashes, for dots and quotes that begin a line, and a bare dash
    may be set as another character, which nobody could paste."""
    told = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{told}" if told.startswith((".", "'")) else told


def write(folder: Path) -> list[Path]:
    """Write all of them; the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for path, command in commands():
        file = folder / f"{_title(path)}.1"
        file.write_text(page(path, command), encoding="utf-8")
        written.append(file)
    return written


def main() -> None:
    written = write(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT)
    print(f"{len(written)} pages of {PROGRAM} in {written[0].parent}")


if __name__ == "__main__":
    main()
