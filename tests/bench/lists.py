"""Long lists: what the program takes of the wall's time, of its own and of the server's processors, against curl that fetches the same
lists one after the other. ``list -A`` at 2,000 sets and 16,000 pods, both verbs behind a slow link, and ``list -A -w`` while pods change.

curl has the program's User-Agent and HTTP/1.1: to its own the API server sends JSON with indents, which are half of what comes.
"""

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise, product
from typing import Any, NamedTuple

from tests.bench.estate import MERGE, NAMESPACES, PODS, SETS, Connection, token
from tests.bench.link import slow_link
from tests.bench.measure import Cost, as_installed, busy, cost, spread
from tests.controlplane import ControlPlane
from tests.controlplane.credentials import ADMIN
from tests.window import Window

_ROUNDS = 3
_AGENT = "kubectl-pets"

LISTS = (
    "/apis/apps/v1/statefulsets",
    "/api/v1/pods",
    "/apis/apps/v1/controllerrevisions",
    "/api/v1/persistentvolumeclaims",
)

_MEGABITS, _FAST, _ROUND_TRIP = 20.0, 100.0, 0.05


class Goals(NamedTuple):
    """As ratios to curl's: by the wall, and of the server's processors; and in MB."""

    walls: float
    served: float
    megabytes: float


def run(plane: ControlPlane) -> None:
    """``list -A`` on a control plane that is filled."""
    compare(plane, "list -A", ["list", "-A"], LISTS, Goals(walls=1.4, served=1.1, megabytes=150))


def huge(plane: ControlPlane) -> None:
    """The same on one that has three times as much: shown, there are no goals."""
    compare(plane, "list -A, a huge cluster", ["list", "-A"], LISTS)
    watch(plane, HUGE_SETS, HUGE_PODS)


#: Of ``huge``: sets in each namespace, and pods of each.
HUGE_SETS, HUGE_PODS = 100, 10


def environment(plane: ControlPlane, port: int | None = None) -> dict[str, str]:
    """For our own program. ``port``: of something that leads to the API server."""
    kubeconfig = plane.kubeconfig if port is None else plane.kubeconfig_for(ADMIN, port)
    return as_installed({**os.environ, "KUBECONFIG": str(kubeconfig)}, plane.directory / "bytecode")


def compare(plane: ControlPlane, title: str, words: Sequence[str], lists: Sequence[str], goals: Goals | None = None) -> None:
    """Print the figures of one verb beside those of curl, in turn, so that both meet the same weather."""
    environ, server = environment(plane), plane.pid("kube-apiserver")
    cost(["kubectl-pets", *words], environ)  # compiles, and fills the server's caches
    fetch = _curl(plane, plane.server, lists)
    print(title)
    ours, curl = [], []
    for _ in range(_ROUNDS):
        curl.append(cost(fetch, server=server))
        ours.append(cost(["kubectl-pets", *words], environ, server=server))
    _tell(f"kubectl pets {' '.join(words)}", ours)
    _tell("curl of the same lists", curl)
    walls, served, memory = (f" (goal <= {goal:g})" for goal in goals) if goals is not None else ("", "", "")
    print(f"  to curl, walls           {_ratios(ours, curl, lambda each: each.seconds)}{walls}")
    print(f"  to curl, server CPU      {_ratios(ours, curl, lambda each: each.served)}{served}")
    print(f"  peak memory              {spread([each.megabytes for each in ours])} MB{memory}", flush=True)


def behind_a_slow_link(plane: ControlPlane, rows: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Each verb of ``rows``, with the lists that it reads."""
    for verb, lists in rows:
        with slow_link(int(plane.server.rpartition(":")[2]), megabits=_MEGABITS, round_trip=_ROUND_TRIP) as port:
            environ, there = environment(plane, port), f"https://127.0.0.1:{port}"
            cost(["kubectl-pets", verb, "-n", "ns-00"], environ)  # only compiles
            fetch = _curl(plane, there, lists, "--compressed")
            ours, curl = [], []
            for _ in range(_ROUNDS):
                curl.append(cost(fetch))
                ours.append(cost(["kubectl-pets", verb, "-A"], environ))
        print(f"{verb} -A over {_MEGABITS:.0f} Mbit/s with a round trip of {1000 * _ROUND_TRIP:.0f} ms")
        _tell(f"kubectl pets {verb} -A", ours)
        _tell("curl --compressed", curl)
        print(f"  to curl, walls           {_ratios(ours, curl, lambda each: each.seconds)} (goal <= 1.3)", flush=True)


def _curl(plane: ControlPlane, server: str, lists: Sequence[str], *flags: str) -> list[str]:
    flags = ("-sS", "--fail", "--http1.1", "-A", _AGENT, *flags, "--cacert", str(plane.ca_file))
    one = f"curl {' '.join(flags)} -H 'Authorization: Bearer {token(plane)}' -o /dev/null"
    return ["sh", "-c", " && ".join(f"{one} {server}{path}" for path in lists)]


def _tell(title: str, costs: Sequence[Cost]) -> None:
    served = statistics.median(each.served for each in costs)
    about = f", server {served:.2f} s of CPU" if served else ""
    mine = statistics.median(each.busy for each in costs)
    print(f"  {title:<24} {spread([each.seconds for each in costs])} s; {mine:.2f} s of CPU{about}")


def _ratios(ours: Sequence[Cost], theirs: Sequence[Cost], figure: Callable[[Cost], float]) -> str:
    return spread([figure(mine) / figure(other) for mine, other in zip(ours, theirs, strict=True)])


# --- list -A -w --------------------------------------------------------------------------------------------------------------

#: A second, by so many connections, one of which a slow machine could not be enough for.
_CHANGES, _CHANGERS = 50, 4
_SETTLING, _WATCHED = 15.0, 60.0

#: So many pods crash, one in each of the first namespaces, and are well again.
_CRASHES = 30

#: Sets that are in trouble, in ``troubled``: so many in each of the last namespaces, where they hide none of those from the window.
_TROUBLED, _SPARED = 20, 30


def watch(plane: ControlPlane, sets: int = SETS, pods: int = PODS, *, port: int | None = None, about: str = "") -> None:
    """``list -A -w`` while so many pods a second have their status patched, in a window. How late a picture is is measured by pods
    that crash and are well again, each time from when the server has taken that to when the window shows it."""
    environ = environment(plane, port)
    with Window(120, 40, "list", "-A", "-w", KUBECONFIG=environ["KUBECONFIG"]) as window, _changing(plane, sets, pods) as changes:
        window.until_seen("elapsed")
        rest(window, _SETTLING)
        began, spent, first = time.monotonic(), busy(window.process.pid), changes()
        pictures = Pictures(window)
        rest(window, _WATCHED, pictures.look)
        taken = time.monotonic() - began
        share, rate = (busy(window.process.pid) - spent) / taken, (changes() - first) / taken
        late = [each for number in range(_CRASHES) for each in _seconds_until_shown(plane, window, number, f"db-{sets - 1:02}", pods - 1)]
        memory = _resident(window.process.pid)
        window.type("q")
        window.end()
    goals = (" (goal <= 5 %)", " (goal <= 1)", " (goal <= 250)") if (sets, pods, about) == (SETS, PODS, "") else ("", " (goal <= 1)", "")
    print(f"list -A -w, {NAMESPACES * sets:,} sets, {NAMESPACES * sets * pods:,} pods, {rate:.0f} changes a second{about}")
    print(f"  share of a core          {share:.1%} over {taken:.0f} s{goals[0]}")
    print(f"  until another picture    {spread(pictures.gaps)} s")
    print(f"  shown after              {spread(late)} s{goals[1]}")
    print(f"  peak memory              {memory:.0f} MB{goals[2]}", flush=True)


def troubled(plane: ControlPlane) -> None:
    """The same while many sets are in trouble, behind a link: of each the server is asked why, every ten seconds."""
    _put_trouble(plane, True)
    number = _TROUBLED * (NAMESPACES - _SPARED)
    with slow_link(int(plane.server.rpartition(":")[2]), megabits=_FAST, round_trip=_ROUND_TRIP) as port:
        watch(plane, port=port, about=f"; {number} sets in trouble, a round trip of {1000 * _ROUND_TRIP:.0f} ms")
    _put_trouble(plane, False)


def _put_trouble(plane: ControlPlane, there: bool) -> None:
    """A pod of each of these sets waits for its image, or is up again."""
    connection, merged = Connection(plane), {"waiting": None, "running": None}
    up = {"running": {"startedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}}
    state = {**merged, **({"waiting": {"reason": "ErrImagePull", "message": "no such image"}} if there else up)}
    for space, index in product(range(_SPARED, NAMESPACES), range(_TROUBLED)):
        path = f"/api/v1/namespaces/ns-{space:02}/pods/db-{index:02}-1/status"
        (container,) = connection.send("GET", path)["status"]["containerStatuses"]
        connection.send("PATCH", path, {"status": {"containerStatuses": [{**container, "ready": not there, "state": state}]}}, kind=MERGE)
    connection.close()


class Pictures:
    """When each picture that differs from the last one came, as the window is read."""

    def __init__(self, window: Window) -> None:
        self._window, self._seen, self._times = window, len(window.written), [time.monotonic()]

    def look(self) -> None:
        """Called after each read."""
        written = self._window.written
        if written.find(_HOME, self._seen) >= 0:
            self._times.append(time.monotonic())
        self._seen = max(self._seen, len(written) - len(_HOME) + 1)  # it may come in two pieces

    @property
    def gaps(self) -> list[float]:
        """Seconds from one to the next."""
        return [after - before for before, after in pairwise(self._times)]


#: What a picture begins with (CUP).
_HOME = "\x1b[H"


def rest(window: Window, seconds: float, look: Callable[[], None] = lambda: None) -> None:
    """Read what it writes for so long: a terminal that takes nothing would hold it up. ``look`` is called each time."""
    end = time.monotonic() + seconds

    def over() -> bool:
        look()
        return time.monotonic() >= end

    window.until(over)


def _seconds_until_shown(plane: ControlPlane, window: Window, number: int, name: str, ordinal: int) -> tuple[float, float]:
    """From when the server has taken it that a pod crashes until the set stands in the window, for the worst come first; and from
    when it has taken that it is well again until the set is gone from there."""
    connection = Connection(plane)
    space = f"ns-{number:02}"
    path = f"/api/v1/namespaces/{space}/pods/{name}-{ordinal}/status"
    (container,) = connection.send("GET", path)["status"]["containerStatuses"]
    waiting = {"waiting": {"reason": "InvalidImageName", "message": "no such name"}}

    def shown_after(status: dict[str, Any], stuck: bool) -> float:
        connection.send("PATCH", path, {"status": {"containerStatuses": [status]}}, kind=MERGE)
        began = time.monotonic()
        window.until(lambda: stuck is any(space in line and name in line and "stuck" in line for line in window.text.splitlines()))
        return time.monotonic() - began

    taken = shown_after({**container, "ready": False, "state": waiting}, True), shown_after(container, False)
    connection.close()
    return taken


@contextmanager
def _changing(plane: ControlPlane, sets: int, pods: int) -> Iterator[Callable[[], int]]:
    """Pods of all sets but the last of each namespace, one after the other, are said to have been probed just now. Yields what tells
    how many were."""
    over, counts = threading.Event(), [0] * _CHANGERS
    threads = [
        threading.Thread(target=_change, args=(plane, over, counts, which, sets, pods), daemon=True, name="changes")
        for which in range(_CHANGERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield lambda: sum(counts)
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _change(plane: ControlPlane, over: threading.Event, counts: list[int], which: int, sets: int, pods: int) -> None:
    connection, due = Connection(plane), time.monotonic()
    while not over.wait(max(0.0, due - time.monotonic())):
        number = counts[which] * _CHANGERS + which
        space, index, ordinal = number % NAMESPACES, number // NAMESPACES % (sets - 1), number // NAMESPACES // (sets - 1) % pods
        path = f"/api/v1/namespaces/ns-{space:02}/pods/db-{index:02}-{ordinal}/status"
        body = {"status": {"conditions": [{"type": "Probed", "status": "True", "message": f"{time.time()}"}]}}
        connection.send("PATCH", path, body, kind="application/strategic-merge-patch+json")
        counts[which] += 1
        due += _CHANGERS / _CHANGES
    connection.close()


def _resident(pid: int) -> float:
    """Its peak, in MB (proc(5): VmHWM)."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
