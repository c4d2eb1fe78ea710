"""The live view at rest: what it costs of a core while nothing changes but the time, and how long one picture takes.

In a pseudo-terminal, against a server that has 400 sets, or one set of 1,000 replicas. The share of a core is the process's own time,
user and system, over a stretch in which only seconds go by; it does not depend on how loaded the machine is, or hardly.
"""

import gc
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from kubectl_pets.__main__ import GARBAGE
from kubectl_pets.domain.rollout.ranking import SetOrder
from kubectl_pets.views.rollout import table, tree
from tests.bench.lists import rest
from tests.bench.measure import busy, spread
from tests.cluster.conftest import kubeconfig
from tests.cluster.loopback import loopback
from tests.commands.test_windows import put_set
from tests.views import builders
from tests.window import Window

SETS, REPLICAS = 400, 1000

#: Seconds of rest that are measured, and those before, in which it may still learn why something is as it is.
_REST, _SETTLING = 20.0, 12.0


def run() -> None:
    print("\n## The live view at rest (120x40; bound: 5 % of a core, 50 ms a picture)\n\n| view | share of a core | one picture |\n|---|---|---|")
    for title, words, picture in (
        (f"list -A -w, {SETS} sets", ("list", "-A", "-w"), _table),
        (f"status -w, {REPLICAS} replicas", ("status", "web", "-w", "--patience", "24h"), _tree),
    ):
        with loopback() as server, tempfile.TemporaryDirectory() as folder:
            if words[0] == "list":
                for number in range(SETS):
                    put_set(server.world, f"db-{number:03}", namespace=f"team-{number % 40:02}", replicas=1)
            else:
                put_set(server.world, "web", broken="ContainerCreating", replicas=REPLICAS)
            path = Path(folder) / "kubeconfig.yaml"
            path.write_text(yaml.safe_dump(kubeconfig(server.url, context={"namespace": "x"})))
            share = _at_rest(path, words)
        with _garbage_as_the_program_has_it():
            taken = [_seconds(picture) for _ in range(15)]
        print(f"| {title} | {share:.1%} | {spread([1000 * each for each in taken])} ms |", flush=True)


def _at_rest(path: Path, words: tuple[str, ...]) -> float:
    with Window(120, 40, *words, KUBECONFIG=str(path)) as window:
        window.until_seen("elapsed")
        rest(window, _SETTLING)
        began, spent = time.monotonic(), busy(window.process.pid)
        rest(window, _REST)
        share = (busy(window.process.pid) - spent) / (time.monotonic() - began)
        window.type("q")
        window.end()
    return share


@contextmanager
def _garbage_as_the_program_has_it() -> Iterator[None]:
    """With Python's own thresholds one picture in five would pay for a look through all that this benchmark has loaded: 36 of 62 ms."""
    before = gc.get_threshold()
    gc.collect()
    gc.set_threshold(*GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _seconds(picture: "object") -> float:
    assert callable(picture)
    began = time.process_time()
    picture()
    return time.process_time() - began


def _tree() -> str:
    return tree.draw(_BIG, builders.NOW, width=119, height=37, colour=True)


def _table() -> str:
    return table.table(_MANY, builders.NOW, all_namespaces=True, order=SetOrder.WORST, width=119, colour=True, most=39)


_BIG = builders.large(REPLICAS, REPLICAS - 200)
_MANY = [builders.complete() for _ in range(SETS)]
