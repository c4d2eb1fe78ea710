"""Another run is done between the lists of one look, so that it shows the set of before and the pods of after: no refusal is made of it."""

from typing import cast

import pytest

from kubectl_pets import __main__ as door
from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.sets.kinds import SetKind
from kubectl_pets.session import Cluster, Session
from tests.commands.test_undo_reads import Reads
from tests.domain.builders import NEW, OLD, pod, snapshot, statefulset
from tests.terminal import FakeTerminal

AFTER = (pod(0, NEW), pod(1, NEW), pod(2, NEW))
TORN = snapshot(statefulset(current=OLD, update=OLD, images=("app:1",)), *AFTER)
WHOLE = snapshot(statefulset(current=NEW, update=NEW, images=("app:2",)), *AFTER)
BUSY = snapshot(statefulset(partition=2, images=("app:3",)), pod(0), pod(1), pod(2, NEW))


class Looks(Reads):
    """Shows one look after the other, and the last one for ever."""

    def __init__(self, *looks: SetView) -> None:
        super().__init__()
        self._looks = list(looks)

    def set_view(self, namespace: str, name: str, kind: SetKind | None = None) -> SetView:
        self.order.append("set")
        return self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]


def run(cluster: Looks) -> tuple[int, str]:
    terminal = FakeTerminal()
    words = ["rollout", "run", "web", "--image", "app:2", "--settle", "0", "-y", "--dry-run=client"]
    code = door.run(words, Session(terminal=terminal, connect=lambda flags: cast(Cluster, cluster)))
    return code, terminal.stdout_text + terminal.stderr_text


def test_what_half_a_look_shows_is_looked_up_again() -> None:
    cluster = Looks(TORN, WHOLE)
    code, told = run(cluster)
    assert code == 0 and "refused" not in told, told
    assert cluster.order == ["set", "set"]


@pytest.mark.parametrize("looks", [(BUSY,), (TORN, BUSY), (TORN, BUSY, TORN, BUSY, TORN)], ids=["same", "moved", "never at rest"])
def test_what_stands_is_refused_and_the_looks_end(looks: tuple[SetView, ...]) -> None:
    cluster = Looks(*looks)
    code, told = run(cluster)
    assert code == 6 and "another rollout" in told, told
    assert len(cluster.order) <= 4
