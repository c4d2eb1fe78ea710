"""Somebody deploys between the two reads of an undo: a history that is older than the set lacks what is undone."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from kubectl_pets import __main__ as door
from kubectl_pets.domain.model import Around, SetView
from kubectl_pets.domain.sets.kinds import SetKind
from kubectl_pets.errors import NotFoundError
from kubectl_pets.session import Cluster, Session
from tests.domain.builders import NEW, NOW, pod, snapshot, statefulset
from tests.terminal import FakeTerminal


class Reads:
    """Whole but for its history, and says in which order it was read."""

    namespace = "default"

    def __init__(self) -> None:
        self.order: list[str] = []

    def now(self) -> Any:
        return NOW

    def close(self) -> None:
        """Nothing is open."""

    def around(self, asked: Sequence[object]) -> tuple[Around, ...]:
        return (Around(),) * len(asked)

    def budgets(self, namespace: str) -> tuple[()]:
        return ()

    def set_view(self, namespace: str, name: str, kind: SetKind | None = None) -> SetView:
        self.order.append("set")
        return snapshot(statefulset(current=NEW, replicas=1), pod(0, NEW))

    def history(self, namespace: str, name: str, kind: SetKind | None = None) -> Any:
        self.order.append("history")
        raise NotFoundError("that is all")


@pytest.mark.parametrize("more", [(), ("--with-data", "--confirm", "web")], ids=["template", "data"])
def test_the_history_is_read_after_the_set(more: tuple[str, ...]) -> None:
    cluster, terminal = Reads(), FakeTerminal()
    words = ["rollout", "undo", "web", "-y", *more]
    code = door.run(words, Session(terminal=terminal, connect=lambda flags: cast(Cluster, cluster)))
    assert code == 1 and "that is all" in terminal.stderr_text, terminal.stderr_text
    assert cluster.order == ["set", "history"]
