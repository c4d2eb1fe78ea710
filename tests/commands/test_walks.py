"""The four walks of docs/looking.md, each typed to its end in a window of 80 by 24 and counted: commands, and screens to be read.

What is typed next is what the screen before it says, to the letter: a look that leads nowhere would show as one more.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands.plugin import Plugin, manifest
from tests.commands.test_screens import here
from tests.window import PETS, Window

pytestmark = pytest.mark.real

PAGE = Path(__file__).parents[2] / "docs" / "looking.md"
COLUMNS, ROWS = 80, 24

#: Pods that are played stay up, and what is played as broken has been so for hours.
QUICK = {"settle": ("--settle", "0"), "patience": ("--patience", "2s")}


class Walk:
    """Somebody at a terminal whose context is the namespace."""

    def __init__(self, pets: Plugin, folder: Path) -> None:
        self.environ = here(pets, folder)
        self.commands = self.screens = 0

    def types(self, *words: str, expect: int, answer: str = "") -> str:
        """What is to be read of one command; ``answer``: to its question."""
        with Window(COLUMNS, ROWS, *words, **self.environ) as window:
            if answer:
                window.until_seen("[y/N]")
                window.type(f"{answer}\n")
            code = window.end()
            lines = [line.rstrip() for line in (*window.emulator.scrolled, *window.emulator.lines)]
        self._counted([line for line in lines if line] and lines)
        text = "\n".join(lines)
        assert code == expect, text
        return text

    def runs(self, *words: str, expect: int) -> str:
        """The same in a pipeline, whose log is read at the same terminal."""
        done = subprocess.run(
            [*PETS, *words], env={**os.environ, **self.environ}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        self._counted([line[at:at + COLUMNS] for line in done.stdout.splitlines() for at in range(0, max(1, len(line)), COLUMNS)])
        assert done.returncode == expect, done.stdout
        return done.stdout

    def _counted(self, lines: Sequence[str]) -> None:
        self.commands += 1
        self.screens += max(1, -(-len("\n".join(lines).rstrip().split("\n")) // ROWS))

    def is_as_told(self, who: str) -> None:
        """As many commands as the docs say, and no more screens: how long a log is depends on what it was quick enough to see."""
        commands, screens = told(who)
        assert self.commands == commands and self.screens <= screens, (self.commands, self.screens)


@pytest.fixture
def walk(pets: Plugin, tmp_path: Path) -> Walk:
    return Walk(pets, tmp_path)


def told(name: str) -> tuple[int, int]:
    """What the table of the docs says of us: its last two numbers."""
    (row,) = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {name}")]
    commands, screens = re.findall(r"\d+", row.rpartition("|")[0].rpartition("|")[2])
    return int(commands), int(screens)


def next_command(screen: str) -> list[str]:
    """The words of the command with which the last line ends, as they are pasted."""
    hint = screen.rstrip().replace("\n", "").rpartition("hint: ")[2]
    program, *words = shlex.split(hint[hint.index("kubectl pets"):])
    assert program == "kubectl" and words.pop(0) == "pets"
    return words


def test_a_new_user(pets: Plugin, walk: Walk) -> None:
    """The page of help has the whole command."""
    pets.make("web", image="app:1")
    page = walk.types("--help", expect=0)
    (line,) = [each.strip() for each in page.split("\n") if "rollout run web" in each]
    words = line.replace("nginx:1.27", "app:2").replace("30s", "1s").split()
    last = walk.types(*words[2:], *QUICK["settle"], expect=0)
    assert set(pets.images().values()) == {"app:2"} and "web: complete, 3 pods at " in last
    walk.is_as_told("a new user")


def test_an_operator_at_night(pets: Plugin, walk: Walk) -> None:
    """The first look says which pod, why, and since what change; its last line mends it, and the last word of that says so."""
    pets.make("db", image="app:1", claims=True)
    pets.kubectl("set", "image", "statefulset/db", "app=app:broken")
    pets("status", "db", "-w", expect=4)
    first = walk.types("status", "db", *QUICK["patience"], expect=4)
    assert "[image:not-found] db-2 is in ImagePullBackOff" in first and "image app: 1 -> broken" in first
    last = walk.types(*next_command(first), *QUICK["settle"], expect=0, answer="y")
    assert "db: undone, 3 pods at " in last and "hint:" not in last, last
    assert set(pets.images("db").values()) == {"app:1"} and pets("status", "db").code == 0
    assert "rollingUpdate" not in pets.set("db")["spec"]["updateStrategy"] or pets.partition("db") == 0
    walk.is_as_told("an operator at 3 a.m.")


def test_a_pipeline(pets: Plugin, walk: Walk, tmp_path: Path) -> None:
    """One line of the job: it is red, its log and its report say why, and every pod serves the version of before."""
    pets.make("db", image="app:1")
    report = tmp_path / "junit.xml"
    line = ("rollout", "run", "db", "--image", "app:broken", "--timeout", "5m", "--on-stuck", "abort", "--ci", "--junit", str(report))
    log = walk.runs(*line, *QUICK["settle"], *QUICK["patience"], expect=4)
    assert "stuck: " in log and "db-2 is in ImagePullBackOff" in log and "aborted, every pod is back at" in log
    assert "db-2 is in ImagePullBackOff" in report.read_text(encoding="utf-8")
    assert set(pets.images("db").values()) == {"app:1"} and len(pets.images("db")) == 3
    walk.is_as_told("a pipeline")


def test_a_platform_team(pets: Plugin, walk: Walk) -> None:
    """Which of 400 sets need somebody, and why: one screen, and names to go on with."""
    def of_fleet(number: int, image: str) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(manifest(f"db-{number:03}", replicas=1 if image != "app:1" else 0, image=image))
        found["metadata"]["labels"] = {"fleet": pets.namespace}
        return found

    bad = {number: image for number, image in ((7, "app:broken"), (107, "app:invalid"), (207, "app:config-error"), (307, "app:broken"))}
    items = [of_fleet(number, bad.get(number, "app:1")) for number in range(400)]
    pets.plane.kubectl("apply", "--server-side", "-n", pets.namespace, "-f", "-", input=yaml.safe_dump_all(items))
    here = ("-A", "-l", f"fleet={pets.namespace}", *QUICK["patience"])
    pets.eventually(lambda: "396 complete, 4 stuck" in "".join(pets("list", *here)[1:]), "every set is judged")
    first = walk.types("list", *here, "--problems", expect=0)
    assert all(f"db-{number:03}" in first for number in bad) and "400 sets: 396 complete, 4 stuck; 4 shown" in first
    assert first.count("is in ") == 4
    walk.is_as_told("a platform team")
