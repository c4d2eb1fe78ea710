"""Short flags are read as click reads them, without what click looks for meanwhile."""

import subprocess
import sys

import click
import pytest
from click import parser as clicks
from hypothesis import given
from hypothesis import strategies as st

from kubectl_pets.__main__ import cli
from kubectl_pets.cli.pflag import quickened

Parser = quickened(clicks._OptionParser)
_VERBS = ("list", "status", "scale", "partition")
_WORDS = ("-n", "-nprod", "-n=prod", "-A", "-An", "-wA", "-w", "-x", "-xn", "-", "--", "--namespace", "--namespace=prod", "--nam", "-o", "-owide")
_MORE = ("--watch", "--watch=x", "-v", "--no", "-l", "-l=a=b", "prod", "web", "sts/web", "+1", "-1", "--timeout", "10m")


def read(parser: type[clicks._OptionParser], command: click.Command, words: list[str]) -> object:
    """What is made of the words, or what is said of them."""
    ctx = click.Context(command)
    made = parser(ctx)
    for each in command.get_params(ctx):
        each.add_to_parser(made, ctx)
    try:
        values, rest, order = made.parse_args(list(words))
    except click.UsageError as error:
        return type(error), error.format_message()
    return values, rest, [each.name for each in order]


@given(st.sampled_from(_VERBS), st.lists(st.sampled_from(_WORDS + _MORE), max_size=6))
def test_words_are_read_as_click_reads_them(name: str, words: list[str]) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert read(Parser, command, words) == read(clicks._OptionParser, command, words)
    assert type(command.make_parser(click.Context(command))).__qualname__ == Parser.__qualname__, "every command has it"


def test_neither_a_short_flag_nor_a_server_without_a_name_of_its_own_loads_what_is_for_seldom_ones() -> None:
    """``difflib`` looks for what a flag may have been meant for, ``unicodedata`` knows what a name of a host may hold."""
    script = (
        "import sys\nfrom kubectl_pets.__main__ import run\nfrom kubectl_pets.session import Session, Terminal\n"
        "code = run(['status', 'web', '-n', 'prod', '-s', 'https://127.0.0.1:1'], Session(terminal=Terminal.real()))\n"
        "print(code, *sorted({'difflib', 'unicodedata', 'encodings.idna', 'fractions'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n", done.stdout + done.stderr


#: What a later click may have done to the parser that is its own affair.
_LATER = {
    "public": "core.Parser = parser.Parser = core._OptionParser; del core._OptionParser, parser._OptionParser",
    "without-its-methods": "core._OptionParser._handle = core._OptionParser._match_short_opt; del core._OptionParser._match_short_opt",
    "made-otherwise": "old = core._OptionParser; core._OptionParser = parser._OptionParser = lambda ctx, *, words: old(ctx)",
}


@pytest.mark.parametrize("change", _LATER)
def test_a_click_that_is_made_otherwise_inside_still_starts(change: str) -> None:
    """It is loaded, and says which version it is, with whatever is read without flags."""
    script = (
        f"import click\nfrom click import core, parser\n{_LATER[change]}\n"
        "from kubectl_pets.cli import options, pflag\nfrom kubectl_pets.__main__ import cli\n"
        "print(pflag.as_kubectl_reads(['--as_uid', 'x']), len(cli.list_commands(click.Context(cli))) > 10)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "['--as-uid', 'x'] True\n", done.stderr
