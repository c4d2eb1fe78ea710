"""The live view in a real pseudo-terminal: it goes on by the second, fits another window, obeys keys, and gives the terminal back."""

import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kubectl_pets.flows.engine.keys import Lone
from tests.cluster.conftest import kubeconfig
from tests.cluster.loopback import Loopback, World, loopback, stall
from tests.commands.plugin import Plugin
from tests.commands.test_windows import put_set
from tests.window import PETS, SIZES, Window


@pytest.fixture
def server() -> Iterator[Loopback]:
    with loopback() as found:
        yield found


@pytest.fixture
def place(server: Loopback, tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "kubeconfig.yaml"
    path.write_text(yaml.safe_dump(kubeconfig(server.url, context={"namespace": "x"})))
    return {"KUBECONFIG": str(path), "NO_COLOR": "1"}


def put_rolling(world: World, replicas: int = 3) -> None:
    """A set in the middle of a rollout, of which nothing changes by itself."""
    put_set(world, "web", broken="ContainerCreating", replicas=replicas)


def watch(place: dict[str, str], columns: int = 120, rows: int = 40, *more: str) -> Window:
    return Window(columns, rows, "status", "web", "-w", "--patience", "1h", *more, **place)


def seconds(window: Window) -> int:
    """For how many seconds it says that somebody looks on; -1: it does not say so. A slow machine may leave some of them out."""
    found = re.findall(r"elapsed (?:(\d+)m)?(?:(\d+)s)?", window.text)
    return 60 * int(found[-1][0] or 0) + int(found[-1][1] or 0) if found else -1


def until_seconds(window: Window, number: int, *texts: str) -> None:
    window.until(lambda: seconds(window) >= number and all(text in window.text for text in texts), f"{number} s: {texts}")


def fits(picture: list[str], columns: int, rows: int) -> bool:
    """Whether it is drawn for such a window, from its first line to its last."""
    whole = picture[0] == "x/web  progressing" and "elapsed" in picture[-1]
    return whole and len(picture) < rows and max(map(len, picture)) < columns


def text_left(window: Window) -> list[str]:
    """All that can be scrolled back to, and what stands there."""
    return [line.rstrip() for line in (*window.emulator.scrolled, *window.emulator.lines)]


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_whole_screens(server: Loopback, place: dict[str, str], columns: int, rows: int) -> None:
    put_rolling(server.world, replicas=120)
    with watch(place, columns, rows) as window:
        until_seconds(window, 1, "x/web  progressing", "q leave")
        picture = window.text.split("\n")
        assert fits(picture, columns, rows) and "p pause  s step  a abort  q leave" in picture[-1]
        assert any("⋯ web-" in line for line in picture) and any("web-119 " in line for line in picture)
        until_seconds(window, 3)
        window.type("q")
        assert window.end() == 3
        assert window.whole
    left = text_left(window)
    assert sum(line.startswith("x/web  progressing") for line in left) == 1, "one picture stays, and no ghost of an older one"
    assert not any("elapsed" in line for line in left)
    assert any(line.startswith("x/web: progressing: waiting for") for line in left[-4:]), "the last word may take two lines"


def test_another_window(server: Loopback, place: dict[str, str]) -> None:
    put_rolling(server.world, replicas=120)
    with watch(place) as window:
        until_seconds(window, 1)
        for columns, rows in ((80, 24), (60, 12), (200, 50), (80, 10)):
            window.resize(columns, rows)
            window.until(lambda: fits(window.text.split("\n"), columns, rows), f"{columns}x{rows}")
        window.type("q")
        assert window.end() == 3 and window.whole
    assert sum(line.startswith("x/web  progressing") for line in text_left(window)) == 1


def test_what_is_pasted_or_comes_in_bursts_is_no_key(server: Loopback, place: dict[str, str]) -> None:
    put_rolling(server.world)
    with watch(place) as window:
        window.until_seen("q leave")
        for pasted in ("quit", "\x1b[200~q\x1b[201~", "\x1b[A", "qq", "kubectl pets rollout abort web\n"):
            before = seconds(window)
            window.type(pasted)
            window.until(lambda: seconds(window) > before + 1, "another second")
        before = seconds(window)
        window.type("x")
        window.until(lambda: seconds(window) > before + 1, "another second")
        window.type("q")
        assert window.end() == 3 and window.whole
    assert server.requests(method="PATCH") == []


@pytest.mark.parametrize(("keys", "ended"), [("\x03", 130), ("\x1c", -signal.SIGQUIT)])
def test_ended_by_the_terminal(server: Loopback, place: dict[str, str], keys: str, ended: int) -> None:
    put_rolling(server.world)
    with watch(place) as window:
        window.until_seen("q leave")
        assert not window.cooked
        window.type(keys)
        assert window.end() == ended
        assert window.whole


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_ended_by_somebody_else(server: Loopback, place: dict[str, str], number: int) -> None:
    put_rolling(server.world)
    with watch(place) as window:
        window.until_seen("q leave")
        window.process.send_signal(number)
        assert window.end() == 130
        assert window.whole


def test_ended_by_a_defect(server: Loopback, place: dict[str, str]) -> None:
    broken = "import sys; from kubectl_pets.views.rollout import countdown; countdown.status = None; from kubectl_pets.__main__ import main; main()"
    put_rolling(server.world)
    with Window(120, 40, "status", "web", "-w", program=(sys.executable, "-c", broken), **place) as window:
        assert window.end() == 1
        assert window.whole and "this is a defect in kubectl-pets" in window.text


def test_suspended_and_resumed(server: Loopback, place: dict[str, str]) -> None:
    put_rolling(server.world)
    script = f"set -m; {' '.join(PETS)} status web -w --patience 1h; echo stopped with $?; read word; fg > /dev/null; echo ended with $?"
    with Window(120, 40, program=("bash", "-c", script), **place) as window:
        until_seconds(window, 1, "q leave")
        window.type("\x1a")
        window.until_seen("stopped with")
        assert window.whole, "the shell has the terminal as it was"
        window.type("on\n")
        window.until_seen("x/web  progressing", "elapsed", "q leave")
        assert not window.cooked and window.emulator.behind is not None
        window.type("q")
        assert window.end() == 0 and window.whole
    assert text_left(window)[-2] == "ended with 3"


def test_in_the_background_it_leaves_the_terminal_to_the_shell(server: Loopback, place: dict[str, str]) -> None:
    put_rolling(server.world)
    script = f"set -m; {' '.join(PETS)} status web -w --patience 1h --timeout 4s & read word; wait $!; echo read $word, ended with $?"
    with Window(120, 40, program=("bash", "-c", script), **place) as window:
        window.type("q\n")
        assert window.end() == 0 and window.whole
    assert "\x1b[?1049h" not in window.written
    assert sum(line.startswith("x/web  progressing") for line in text_left(window)) == 1, "how it ended is told as by any job"
    assert text_left(window)[-2] == "read q, ended with 5"


@pytest.mark.parametrize("term", ["dumb"])
def test_a_terminal_that_can_do_nothing_gets_lines(server: Loopback, place: dict[str, str], term: str) -> None:
    put_rolling(server.world)
    with Window(120, 40, "status", "web", "-w", "--timeout", "2s", TERM=term, **place) as window:
        assert window.end() == 5 and window.whole
    assert "\x1b" not in window.written


def test_without_a_terminal_on_stdin_no_keys_are_taken(server: Loopback, place: dict[str, str]) -> None:
    put_rolling(server.world)
    script = f"yes q | {' '.join(PETS)} status web -w --patience 1h --timeout 3s; echo ended with $?"
    with Window(120, 40, program=("bash", "-c", script), **place) as window:
        assert window.end() == 0 and window.whole
    assert "elapsed 0s" in window.written and "q leave" not in window.written
    assert text_left(window)[-2] == "ended with 5"


def test_without_the_rights_only_the_key_that_changes_nothing(server: Loopback, place: dict[str, str]) -> None:
    put_rolling(server.world)
    server.allowed = lambda review: review["verb"] != "patch"
    with watch(place) as window:
        until_seconds(window, 2, "q leave")
        assert "p pause" not in window.text
        window.type("p")
        until_seconds(window, 4)
        window.type("q")
        assert window.end() == 3
    assert server.requests(method="PATCH") == []


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_list_goes_on_and_is_left(server: Loopback, place: dict[str, str], columns: int, rows: int) -> None:
    for number in range(60):
        put_set(server.world, f"db-{number:02}", replicas=1)
    with Window(columns, rows, "list", "-w", **place) as window:
        until_seconds(window, 2, "q leave", "60 sets: 60 complete", " more lines")
        assert len(window.text.split("\n")) == rows - 1
        window.resize(columns, rows - 5)
        window.until(lambda: len(window.text.split("\n")) == rows - 6, "drawn anew")
        window.type("q")
        assert window.end() == 0 and window.whole
    left = text_left(window)
    assert sum(line.startswith("NAME ") for line in left) == 1 and left[-2] == "60 sets: 60 complete"


def test_list_goes_on_while_the_server_keeps_to_itself_why_something_is_wrong(server: Loopback, place: dict[str, str]) -> None:
    """Events explain, and no picture waits for them: what is wrong with another set is seen meanwhile."""
    for name in ("db", "web"):
        put_set(server.world, name)
    with Window(120, 40, "list", "-w", **place) as window:
        window.until_seen("2 sets: 2 complete", "q leave")
        server.fault(stall, times=100, path="/events")
        put_set(server.world, "db", broken="ContainerCreating")
        server.await_requests(1, "/events", timeout=60)
        put_set(server.world, "web", broken="InvalidImageName")
        window.until_seen("2 sets: 1 progressing, 1 stuck")
        window.type("q")
        assert window.end() == 0 and window.whole


@pytest.mark.parametrize(
    ("reads", "keys"),
    [
        ((b"p", b""), ["p"]),
        ((b"p", b"", b"s", b""), ["p", "s"]),
        ((b"pause", b""), []),
        ((b"p", b"a", b""), []),
        ((b"p", b"a", b"", b"q", b""), ["q"]),
        ((b"\x1b[200~p\x1b[201~", b""), []),
        ((b"\x1b[200~", b"", b"p", b"", b"\x1b[201~", b"", b"s", b""), ["s"]),
        ((b"\x1b[20", b"0~", b"", b"p", b"", b"\x1b[2", b"01~", b"", b"s", b""), ["s"]),
        ((b"\x1b", b"[", b"A", b""), []),
        (("é".encode(), b""), []),
    ],
)
def test_keys_that_came_by_themselves(reads: tuple[bytes, ...], keys: list[str]) -> None:
    lone = Lone()
    assert [key for key in map(lone.key, reads) if key is not None] == keys


@pytest.mark.real
def test_keys_do_what_the_verbs_do(pets: Plugin) -> None:
    """Step, pause and abort from the live view, each waited for by what the cluster says; abort only after a yes."""
    pets.make("web", extra="minReadySeconds: 1")
    pets("rollout", "canary", "web", "--image", "app:2", "--timeout", "60s")
    uids = pets.uids()
    with Window(200, 50, *pets.command("status", "web", "-w", "--until", "complete", "--patience", "1h")[3:]) as window:
        window.until_seen("paused at partition 2", "p pause  s step  a abort  q leave")
        window.type("s")
        window.until_seen("paused at partition 1", "step done, 2/3 pods at", "q leave")
        assert "hint: " not in window.text, "it would be cut, and be no command to paste"
        assert pets.partition() == 1 and list(pets.images().values()).count("app:2") == 2
        window.type("p")
        window.until_seen("paused at partition 1, 2/3 updated", "q leave")
        window.type("a")
        window.until_seen("this deletes 2 pods of", "[y/N]")
        assert window.whole, "a question is asked on the ordinary screen"
        window.type("n\n")
        window.until_seen("refused: nothing was changed", "q leave")
        kept = pets.uids()
        assert kept["web-0"] == uids["web-0"] and list(pets.images().values()).count("app:2") == 2
        window.type("a")
        window.until_seen("[y/N]")
        window.type("y\n")
        window.until_seen("aborted, every pod is back", "q leave")
        assert set(pets.images().values()) == {"app:1"} and pets.partition() == 3
        window.type("q")
        assert window.end() == 3 and window.whole
    left = text_left(window)
    assert any("aborted, every pod is back" in line for line in left), "what the keys did can be read afterwards"
    assert not any("elapsed" in line for line in left)


@pytest.mark.real
def test_a_key_is_refused_as_its_verb_is(pets: Plugin) -> None:
    """By a budget that allows no pod to go down."""
    pets.make("web")
    pets("rollout", "canary", "web", "--image", "app:2", "--timeout", "60s")
    pets.kubectl("create", "poddisruptionbudget", "none", "--selector", "app=web", "--max-unavailable", "0")
    pets.eventually(lambda: pets.get("poddisruptionbudget", "none").get("status", {}).get("expectedPods") == 3, "the budget knows its pods")
    word = pets("rollout", "step", "web", expect=6).stderr.splitlines()[0]
    assert word.startswith("refused: PodDisruptionBudget none")
    with Window(200, 50, *pets.command("status", "web", "-w", "--until", "complete", "--patience", "1h")[3:]) as window:
        window.until_seen("p pause  s step  a abort  q leave")
        window.type("s")
        window.until_seen(word[:80], "q leave")
        window.type("q")
        assert window.end() == 3
    assert list(pets.images().values()).count("app:2") == 1


def test_a_plugin_that_asks_its_user_has_the_terminal_as_it_was() -> None:
    """Lent from another thread: the picture is gone at once, nothing is painted and no key is taken until it is given back."""
    program = """
import sys, threading, time
from kubectl_pets.flows.engine.display import Display
from kubectl_pets.flows.engine.keys import KeyPressed
from kubectl_pets.lending import lent
from kubectl_pets.session import Terminal
from kubectl_pets.views.live import TextPainter
terminal = Terminal(sys.stdin, sys.stdout, sys.stderr, {"TERM": "xterm"})

def plugin():
    with lent():
        print("password: ", end="", flush=True)
        print("it was", len(sys.stdin.readline()), "long", flush=True)

with terminal.held(), TextPainter(terminal) as painter:
    display = Display(terminal, painter, lambda: "pq")
    with display.taken():
        wait = display.ticking(lambda seconds: time.sleep(seconds or 0) or False, lambda: painter.show("the picture", status=display.keys))
        painter.show("the picture")
        try:
            wait(1.5)
            threading.Thread(target=plugin).start()
            wait(None)
        except KeyPressed as pressed:
            terminal.tell(f"pressed {pressed.key}")
"""
    with Window(80, 24, program=(sys.executable, "-c", program)) as window:
        window.until_seen("the picture", "pq")
        window.until_seen("password:")
        assert window.whole and "the picture" not in window.text
        window.type("pq\n")
        window.until_seen("the picture", "pq")
        assert not window.cooked
        window.type("q")
        assert window.end() == 0 and window.whole
    assert [line for line in text_left(window) if line] == ["password: pq", "it was 3 long", "the picture", "pressed q"]
