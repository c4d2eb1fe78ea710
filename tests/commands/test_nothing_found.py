"""Where nothing is found: no line on stdout, and what is named next looks where this run has looked."""

import shlex

import pytest

from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real


@pytest.mark.parametrize("verb", [("list",), ("list", "-l", "app=none"), ("quorum",), ("lost",), ("orphans",)])
def test_no_names_are_no_lines(pets: Plugin, verb: tuple[str, ...]) -> None:
    """Whoever reads names line by line would go on with an empty one."""
    assert pets(*verb, "-o", "name").stdout == ""


def test_snapshots_of_a_set_that_has_none(pets: Plugin) -> None:
    pets.make("web", replicas=0)
    assert pets("snapshots", "web", "-o", "name").stdout == ""


def _words(hint: str) -> list[str]:
    line = next(line for line in hint.splitlines() if line.startswith("hint: "))
    return shlex.split(line.removeprefix("hint: ").removesuffix(" lists what there is."))


def test_the_next_command_looks_in_the_same_place(pets: Plugin) -> None:
    for words in (("wait", "-l", "app=none", "--for", "available"), ("orphans", "purge", "nobody", "-y")):
        here = _words(pets(*words, expect=1).stderr)
        assert here[here.index("-n") + 1] == pets.namespace and "-A" not in here
        everywhere = _words(pets(*words, "-A", expect=1).stderr)
        assert "-A" in everywhere and "-n" not in everywhere
        assert pets(*here[2:], expect=None).code in (0, 3)
