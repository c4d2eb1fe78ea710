"""README, docs and help say the same, and every verb has a page of help with an example."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from kubectl_pets.__main__ import cli
from kubectl_pets.cli.groups import LazyGroup, VerbGroup
from kubectl_pets.domain.findings import Rule
from kubectl_pets.errors import ExitCode
from kubectl_pets.views.doctor import pages

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
DOCS = PROJECT / "docs"
#: In every language.
PAGES = {str(path.relative_to(DOCS)): path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}
TRANSLATED = {name: page for name, page in PAGES.items() if name.startswith("zh-CN/")}


def verbs(group: click.Command = cli, path: tuple[str, ...] = ("kubectl", "pets")) -> Iterator[tuple[str, click.Command]]:
    """Every verb that is not an alias, with its full name."""
    assert isinstance(group, LazyGroup)
    for name, verb in group.verbs.items():
        if verb.alias_of:
            continue
        command = verb.load()
        if isinstance(command, LazyGroup):
            yield from verbs(command, (*path, name))
        if isinstance(command, VerbGroup) or not isinstance(command, LazyGroup):
            yield " ".join((*path, name)), command


VERBS = dict(verbs())
PAGES_OF_RULES = {rule: (page.what, page.why, page.mend) for rule, page in pages.PAGES.items()}


def help_of(name: str) -> str:
    return VERBS[name].get_help(click.Context(VERBS[name], info_name=name))


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_an_example_of_itself(name: str) -> None:
    text = help_of(name)
    assert "Example" in text
    assert re.search(rf"^\s+{re.escape(name.removeprefix('kubectl pets rollout status') or 'kubectl pets')}", text, re.MULTILINE)


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_stands_in_the_readme_and_on_a_page(name: str) -> None:
    short = name.removeprefix("kubectl pets ")
    rows = [line for line in README.splitlines() if line.startswith("| `kubectl pets")]
    spoken = " ".join(rows)
    assert re.search(rf"{re.escape(name)}\b", spoken) or f"`{short.rpartition(' ')[2]} NAME`" in spoken
    assert any(re.search(rf"kubectl pets {re.escape(short)}\b", page) for page in PAGES.values()) or short == "rollout status"


def test_the_readme_names_no_verb_that_is_not_there() -> None:
    rows = "\n".join(line for line in README.splitlines() if line.startswith("| `kubectl pets"))
    named = set(re.findall(r"`kubectl pets ((?:(?:rollout|orphans|completion|dns(?= [a-z])|doctor(?= [a-z])) )?[a-z]+)", rows))
    assert named == {name.removeprefix("kubectl pets ") for name in VERBS} - {"rollout resume"} | {"orphans"}


@pytest.mark.parametrize("rule", PAGES_OF_RULES)
def test_commands_on_the_pages_of_rules_can_be_typed(rule: Rule) -> None:
    """With something in the place of each word in capitals; what follows is a sentence. A command without its words is a name."""
    text = " ".join(PAGES_OF_RULES[rule])
    for told in re.findall(r"kubectl pets((?: [a-z]+)+(?: --?[a-z-]+| [A-Z]+)+)", text):
        words = told.split()
        verb = max((name for name in VERBS if f"{told} ".startswith(f"{name.removeprefix('kubectl pets')} ")), key=len)
        typed = [{"N": "3", "SIZE": "1Gi"}.get(word, "web") if word.isupper() else word for word in words]
        VERBS[verb].make_context(verb, typed[len(verb.split()) - 2:])


@pytest.mark.parametrize("name", VERBS)
def test_flags_on_the_pages_exist(name: str) -> None:
    options = {flag for option in VERBS[name].params for flag in (*option.opts, *option.secondary_opts)}
    for page in PAGES.values():
        for line in page.splitlines():
            if re.match(rf"{re.escape(name)}(?= |$)(?! run)", line):
                own = re.sub(r"'[^']*'", "''", line)  # what is quoted is one word, such as a command for a pod
                for flag in re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", own):
                    assert flag in options, f"{name} has no {flag}"


def test_exit_codes_are_the_same_everywhere() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", README, re.MULTILINE)
    in_help = re.findall(r"^\s+(\d+)\s+(\S.*)$", cli.get_help(click.Context(cli, info_name="kubectl pets")), re.MULTILINE)
    assert {int(code): words for code, words in rows} == {int(code): words for code, words in in_help}
    assert {int(code) for code, _ in rows} == {code.value for code in ExitCode}


def test_short_help_in_the_tables_is_about_the_right_verb() -> None:
    for name, command in VERBS.items():
        assert command.name == name.rpartition(" ")[2], name


def test_links_lead_somewhere() -> None:
    """Also those of the docs, which `make docs` holds as the site has them, with their anchors."""
    for place, page in ((PROJECT, README), *(((DOCS / name).parent, page) for name, page in PAGES.items())):
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)|(?:src|srcset)=\"([^\"]+)", page):
            assert (place / "".join(target)).exists(), (place, target)


def original(name: str) -> str:
    """The English page of a translated one."""
    return README if name.endswith("/README.md") else PAGES[name.rpartition("/")[2]]


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_translated_page_has_the_commands_and_outputs_of_its_original(name: str) -> None:
    """To the letter: what is held there is held here. Where this fails, copy the block."""
    assert [block for block in blocks(TRANSLATED[name]) if block not in blocks(original(name))] == []


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_translated_page_speaks_of_no_command_flag_or_name_that_its_original_does_not(name: str) -> None:
    spans = set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", TRANSLATED[name], flags=re.MULTILINE | re.DOTALL)))
    assert {each for each in spans if each not in " ".join(original(name).split())} == set()


def test_the_translated_exit_codes_are_all_there() -> None:
    rows = re.findall(r"^\| (\d+) \| ", TRANSLATED["zh-CN/README.md"], re.MULTILINE)
    assert [int(row) for row in rows] == sorted(code.value for code in ExitCode)


def named(page: str) -> set[str]:
    """What is typed or written into a cluster, and so the same in every language: verbs, flags, annotations and labels."""
    quoted = re.findall(r"`([^`\n]+)`", page)
    names = {word for word in quoted if re.fullmatch(r"[\w.-]+/[\w-]+", word) and "." not in word.rpartition("/")[2]}
    rows = re.findall(r"^\| (`kubectl pets [^|]*) \| ", page, re.MULTILINE)
    return names.union(re.findall(r"--[a-z][a-z-]+", page), rows)


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_translation_names_all_that_its_english_page_does(name: str) -> None:
    """A flag that came later is not for readers of one language alone."""
    english = PAGES.get(name.removeprefix("zh-CN/")) or (PROJECT / name.removeprefix("zh-CN/")).read_text(encoding="utf-8")
    assert not named(english) - named(TRANSLATED[name])


def blocks(page: str) -> list[str]:
    return re.findall(r"^```.*?^```", page, re.MULTILINE | re.DOTALL)
