"""Help that helps: the way to it, what every page of it has, and the nearest verb for one that is not there."""

import json
import re
import ssl
import subprocess
import sys
from importlib.metadata import version as installed
from pathlib import Path
from types import ModuleType

import click
import pytest
import yaml

from kubectl_pets import __version__, version
from kubectl_pets.__main__ import THEMES
from kubectl_pets.__main__ import VERBS as FIRST
from kubectl_pets.__main__ import cli, run
from kubectl_pets.cli.groups import LazyGroup
from kubectl_pets.errors import ExitCode
from kubectl_pets.session import Session
from tests.commands.codes import listed
from tests.commands.test_docs import PAGES, README, VERBS
from tests.terminal import FakeTerminal

GROUPS = {name: verb.load() for name, verb in FIRST.items() if verb.group}
EVERYTHING: dict[str, click.Command] = {**VERBS, **{f"kubectl pets {name}": group for name, group in GROUPS.items()}}


def said(*words: str, expect: int = 0) -> str:
    """Stdout, or where it fails stderr."""
    terminal = FakeTerminal()
    code = run(words, Session(terminal=terminal))
    assert code == expect, terminal.stderr_text
    return terminal.stdout_text if code == 0 else terminal.stderr_text


# --- every page --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_page_lists_the_codes_that_this_verb_can_end_with(name: str) -> None:
    codes = listed(EVERYTHING[name])
    table = {int(code): words for code, words in re.findall(r"^\| (\d+) \| (.+) \|$", README, re.MULTILINE)}
    kubectl_s = "Exit codes, as of kubectl" in (EVERYTHING[name].epilog or "")
    assert kubectl_s or codes.items() <= table.items()
    assert {0, 1, 2, 130} <= set(codes)


def test_no_verb_claims_all_codes() -> None:
    """What only --check can end with is said by the verbs that have it, and so on."""
    for name, verb in VERBS.items():
        flags = {flag for parameter in verb.params for flag in parameter.opts}
        codes = listed(verb)
        assert (ExitCode.FINDINGS in codes) == bool({"--check", "--fail-on"} & flags), name
        assert ExitCode.TIMED_OUT in codes or "--timeout" not in flags, name


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_page_fits_a_narrow_terminal(name: str) -> None:
    """Eighty columns; examples, which must stay in one piece to be copied, a hundred."""
    shown = EVERYTHING[name].get_help(click.Context(EVERYTHING[name], info_name=name, terminal_width=80))
    for line in shown.splitlines():
        assert len(line) <= (100 if line.startswith("    kubectl pets") else 80), line


def test_every_group_has_an_example_of_itself() -> None:
    for name, group in GROUPS.items():
        shown = group.get_help(click.Context(group, info_name=name))
        assert re.search(rf"^ +kubectl pets {name}\b", shown, re.MULTILINE), name


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_lists_the_codes_of_its_verbs(name: str) -> None:
    group = GROUPS[name]
    assert isinstance(group, LazyGroup)
    below = {code for verb in group.verbs.values() for code in listed(verb.load())}
    assert below <= set(listed(group))
    assert group.invoke_without_command or below == set(listed(group)), "it does nothing itself"


def test_codes_named_on_the_pages_are_listed_by_a_verb_of_that_page() -> None:
    for title, page in PAGES.items():
        verbs = [verb for name, verb in EVERYTHING.items() if re.search(rf"^{re.escape(name)}\b", page, re.MULTILINE)]
        known = {code for verb in verbs for code in listed(verb)}
        # What a container ended with is not ours.
        named = re.findall(r"(?<!ended with )(?:exit code|exits with|ends with) (\d+)(?: or (\d+))?", page)
        assert {int(code) for pair in named for code in pair if code} <= known, title


# --- the way to it -----------------------------------------------------------------------------------------------------------


def test_alone_it_shows_the_verbs_by_theme() -> None:
    shown = said()
    themed = [name for _, names in THEMES for name in names]
    assert sorted(themed) == sorted(name for name, verb in FIRST.items() if not verb.alias_of)
    places = [shown.index(f"\n{theme}:\n") for theme, _ in THEMES]
    assert places == sorted(places)
    for name in themed:
        assert re.search(rf"^  {name} +\S", shown, re.MULTILINE), name


@pytest.mark.parametrize("words", [(), ("rollout",), ("rollout", "run"), ("orphans", "delete"), ("help",), ("ls",)])
def test_help_in_front_is_help_behind(words: tuple[str, ...]) -> None:
    shown = printed("help", *words)
    assert shown == printed(*words, "--help") and "-h, --help" in shown
    assert shown.startswith(f"Usage: {' '.join(('kubectl pets', *words))} ")


def printed(*words: str) -> str:
    """By a process of its own: click keeps what it made for an earlier run."""
    return subprocess.run([sys.executable, "-m", "kubectl_pets", *words], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("statsu", "web"), "Did you mean 'status'?"),
        (("rollout", "stpe", "web"), "Did you mean 'step'?"),
        (("orphans", "exlpain", "x"), "Did you mean 'explain'?"),
        (("step", "web"), "Did you mean 'rollout step'?"),
        (("canray", "web"), "Did you mean 'rollout canary'?"),
        (("help", "rollout", "prmote"), "Did you mean 'promote'?"),
        (("xyzzy",), "kubectl pets --help"),
        (("status", "web", "--wathc"), "Did you mean '--watch'?"),
        (("rollout", "--contxt", "x", "run"), "--context"),
        (("list", "-o", "jsno"), "'json'"),
        (("-o", "json", "list"), "must stand after 'list'"),
        (("help", "list", "more"), "no verbs of its own"),
    ],
)
def test_the_near_one_is_named(words: tuple[str, ...], advice: str) -> None:
    shown = said(*words, expect=ExitCode.USAGE)
    assert advice in shown and "--help" in shown


@pytest.mark.parametrize("flag", [("-l", "app=web"), ("-A",), ("--class", "scaled-down"), ("--older-than", "30d"), ("--all",)])
def test_a_flag_of_the_group_does_not_seem_to_narrow_a_deletion(flag: tuple[str, ...]) -> None:
    shown = said("orphans", *flag, "delete", "data-web-0", "-y", expect=ExitCode.USAGE)
    assert f"{flag[0]} must stand after 'delete'" in shown


def test_connection_flags_stand_before_any_verb() -> None:
    @click.command("odd")
    @click.pass_obj
    def odd(session: Session) -> None:
        seen.append((session.flags.namespace, session.flags.context))

    seen: list[tuple[str | None, str | None]] = []
    group = LazyGroup(name="pets", verbs={}, params=list(cli.params))
    group.resolve_command = lambda ctx, args: ("odd", odd, args[1:])  # type: ignore[method-assign]
    group.main(["-n", "x", "--context", "y", "odd"], obj=Session(terminal=FakeTerminal()), standalone_mode=False)
    assert seen == [("x", "y")]


# --- the version -------------------------------------------------------------------------------------------------------------


def test_version_in_words() -> None:
    shown = said("--version")
    assert re.search(rf"^kubectl-pets +{re.escape(__version__)}$", shown, re.MULTILINE)
    assert re.search(rf"^Kubernetes client +{re.escape(installed('kubernetes'))}$", shown, re.MULTILINE)
    assert re.search(rf"^Python +{sys.version_info.major}\.{sys.version_info.minor}\.", shown, re.MULTILINE)
    assert re.search(rf"^OpenSSL +{re.escape(ssl.OPENSSL_VERSION.split()[1])}$", shown, re.MULTILINE)
    assert len(shown.splitlines()) == 5


def test_version_for_programs_in_any_order() -> None:
    found = json.loads(said("--version", "-o", "json"))
    assert found.pop("kind") == "Version" and set(found) == {"apiVersion", "version", "commit", "python", "openssl", "kubernetesClient"}
    assert found["openssl"] == ssl.OPENSSL_VERSION.split()[1]
    found["kind"] = "Version"
    assert found == json.loads(said("-o", "json", "--version")) == yaml.safe_load(said("--version", "--output=yaml"))
    assert "Missing command" in said("-o", "json", expect=ExitCode.USAGE)


def test_a_built_program_knows_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    build = ModuleType("kubectl_pets_build")
    build.COMMIT, build.CLIENT = "0123abc", "37.1.0"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "kubectl_pets_build", build)
    found = version.read()
    assert (found.commit, found.kubernetes_client) == ("0123abc", "37.1.0")
    build.COMMIT = ""  # type: ignore[attr-defined]
    assert version.read().commit is None
    assert "unknown" in version.text(version.read())


def test_the_commit_is_the_checkout_s_own(tmp_path: Path) -> None:
    assert version._commit(tmp_path) is None, "no checkout"
    inner = tmp_path / "inner"
    inner.mkdir()
    git = ["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    assert version._commit(tmp_path) is None, "nothing committed yet"
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "first"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert version._commit(tmp_path) == head and len(head) == 40
    assert version._commit(inner) is None, "a checkout around it is somebody else's"
