"""--ci, --junit, --no-color: annotations, the summary, a file, and no picture; and GITHUB_ACTIONS alone makes every line harmless."""

from pathlib import Path
from typing import cast
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from kubectl_pets.__main__ import run
from kubectl_pets.domain.model import ContainerState, ContainerStatus, SetView, Waiting
from kubectl_pets.session import Cluster, Session, Terminal
from tests.commands.test_wait import Several
from tests.domain.builders import NEW, pod, snapshot, statefulset
from tests.terminal import FakeTerminal

DONE = snapshot(statefulset(name="db", replicas=0))
BROKEN = snapshot(statefulset(), pod(0, NEW), pod(1, NEW), pod(2, NEW, ready=False, waiting="InvalidImageName"))


class Ran:
    """One run: its code, and all that was written, to stdout and to stderr."""

    def __init__(self, *words: str, view: SetView = BROKEN, live: bool = False, environ: dict[str, str] | None = None) -> None:
        fake = FakeTerminal(live=live)
        terminal = Terminal(fake.stdin, fake.out, fake.err, {"COLUMNS": "120", **(environ or {})})
        cluster = cast(Cluster, Several(web=[view], db=[DONE]))
        self.code = run(words, Session(terminal=terminal, connect=lambda flags: cluster))
        self.out, self.err = fake.stdout_text, fake.stderr_text


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may be run by a pipeline themselves."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def actions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return tmp_path / "summary.md"


def test_an_annotation_and_a_summary_under_github_actions(actions: Path) -> None:
    actions.write_text("from another\n")
    ran = Ran("wait", "db", "web", "--for", "complete", "--ci", environ={"GITHUB_ACTIONS": "true"})
    assert ran.code == 4
    orders = [line for line in ran.out.splitlines() if line.startswith("::")]
    assert [line.partition("::")[2].partition(" ")[0] for line in orders] == ["notice", "error"]
    assert "InvalidImageName" in orders[1] and "title=kubectl-pets wait db::" in orders[1]
    assert actions.read_text().startswith("from another\n## kubectl-pets wait db\n") and "stuck (4)" in actions.read_text()


def test_without_ci_or_elsewhere_nothing_is_ordered(actions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "::" not in Ran("wait", "db", "--for", "complete", environ={"GITHUB_ACTIONS": "true"}).out
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert "::error" not in Ran("wait", "web", "--for", "complete", "--ci").out and not actions.exists()


def test_an_error_is_annotated_too(actions: Path) -> None:
    ran = Ran("wait", "web", "-l", "a=b", "--for", "complete", "--ci", environ={"GITHUB_ACTIONS": "true"})
    assert ran.code == 2 and "::error title=kubectl-pets wait web::" in ran.out


def test_what_others_wrote_is_no_command() -> None:
    message = "##[add-mask]x and ::error::y"
    state = ContainerState(waiting=Waiting(reason="InvalidImageName", message=message))
    broken = pod(2, NEW, ready=False)
    broken = replace(broken, status=replace(broken.status, container_statuses=(ContainerStatus(name="app", state=state),)))
    pods = (pod(0, NEW), pod(1, NEW), broken)
    for words in (("status", "web"), ("status", "web", "-w"), ("status", "web", "-o", "json"), ("status", "web", "-o", "yaml")):
        ran = Ran(*words, view=snapshot(statefulset(), *pods), environ={"GITHUB_ACTIONS": "true"})
        told = ran.out + ran.err
        assert "add-mask" in told and "##[" not in told and not any(line.lstrip().startswith("::") for line in told.splitlines()), words


def test_a_file_of_junit(tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    assert Ran("wait", "db", "web", "--for", "complete", "--junit", str(file)).code == 4
    root = ElementTree.fromstring(file.read_bytes())
    assert [(each.attrib["name"], [inner.tag for inner in each]) for each in root] == [("prod/db", []), ("prod/web", ["failure"])]
    assert root.attrib["failures"] == "1"
    unwritable = Ran("wait", "db", "--for", "complete", "--junit", str(tmp_path / "no" / "file.xml"))
    assert unwritable.code == 2 and "cannot be written" in unwritable.err


@pytest.mark.parametrize(
    ("environ", "flags", "live", "coloured"),
    [
        ({}, (), True, True), ({}, (), False, False), ({"FORCE_COLOR": "1"}, (), False, True), ({"FORCE_COLOR": "0"}, (), False, False),
        ({"NO_COLOR": "1"}, (), True, False), ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, (), True, False),
        ({"FORCE_COLOR": "1"}, ("--no-color",), False, False), ({}, ("--no-color",), True, False),
    ],
)  # fmt: skip
def test_colours(environ: dict[str, str], flags: tuple[str, ...], live: bool, coloured: bool) -> None:
    assert ("\x1b[3" in Ran("status", "web", *flags, live=live, environ=environ).out) is coloured


def test_on_a_terminal_too_it_is_a_log() -> None:
    ran = Ran("status", "web", "-w", "--ci", live=True)
    assert "\x1b[?25l" not in ran.out and ran.out.startswith("2026-03-01T12:00:00Z prod/web: stuck")
