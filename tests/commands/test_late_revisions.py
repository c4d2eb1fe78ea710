"""A cache on the way answers with the list of ControllerRevisions of before."""

import http.client
import subprocess
from pathlib import Path

import pytest

from tests.commands.middle import Heard, Passing, middle
from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real

OLD, NEW = "app:1", "app:2"


def test_an_undo_that_was_told_the_number_of_before_is_known_when_it_is_typed_again(pets: Plugin, tmp_path: Path) -> None:
    """Its note had that number, and the one that the revision has told of somebody's change since: typed again it went forward, and
    called that undone."""
    pets.make("web")
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    words = ("rollout", "undo", "web", "-y", "--timeout", "60s")
    former: list[bytes] = []
    changes: list[str] = []
    with middle(pets.plane, tmp_path) as between:

        def reading(passing: Passing, heard: Heard) -> bool:
            """Each list until the undo's first change is kept, and the last of these given until it has written its note."""
            if passing.command == "PATCH":
                changes.append(heard.path)
            if "/controllerrevisions" not in heard.path:
                return False
            if len(changes) == 1:
                passing.answer(heard._replace(body=former[-1]))
                return True
            former.append(heard.body)
            return False

        def watching(passing: Passing, response: http.client.HTTPResponse) -> None:
            """Of ControllerRevisions nothing is told."""
            if "/controllerrevisions" not in passing.path:
                return passing.stream(response)
            passing.begin()
            between.over.wait(60)

        between.reading, between.watching = reading, watching
        undone = subprocess.run(pets.command(*words, kubeconfig=between.kubeconfig), capture_output=True, text=True, timeout=120)
    assert undone.returncode == 0 and set(pets.images().values()) == {OLD}, undone.stderr
    assert "already" in pets(*words).stderr
    assert set(pets.images().values()) == {OLD}
