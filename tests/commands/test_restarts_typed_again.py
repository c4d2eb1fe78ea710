"""A restart that was killed and is typed again goes on, also when more than its minute or its hour has passed: what time it is the server's
answers tell, whose clock is set here between the runs."""

import http.client
import signal
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from subprocess import Popen

import pytest

from tests.commands.middle import Heard, Passing, middle
from tests.commands.plugin import Plugin

pytestmark = pytest.mark.real

ROLLING, BY_HAND = "{type: RollingUpdate}", "{type: OnDelete}"
WAYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "all": (ROLLING, ()),
    "all, pod by pod": (ROLLING, ("--quorum",)),
    "all, by deletion": (BY_HAND, ()),
    "chosen": (ROLLING, ("--pod", "2", "--pod", "1", "--pod", "0")),
}
#: What a run writes once all is done. Who was killed right behind it has told nobody; that it is over stands there for a minute.
_OVER = b"kubectl-pets~1restarted\""


class Restarts:
    """One set of three, restarted by one run after the other. ``kills`` is handed each change, and says whether it is the run's last."""

    def __init__(self, pets: Plugin, folder: Path, way: str, kills: Callable[[str, str, bytes], bool]) -> None:
        self.pets, self._folder, self._kills = pets, folder, kills
        self.strategy, self._more = WAYS[way]
        pets.make("web", strategy=self.strategy)
        self.before = pets.uids()
        self.marks = 0
        self.gone: Counter[str] = Counter()

    def typed(self, ahead: timedelta) -> int:
        """Through a server whose clock is ahead of the real one by so much; the exit code."""

        def dated(handler: Passing, heard: Heard) -> bool:
            date = format_datetime(datetime.now(timezone.utc) + ahead, usegmt=True)
            handler.head(heard.status, ("Content-Type", heard.content_type), ("Content-Length", str(len(heard.body))), ("Date", date))
            handler.wfile.write(heard.body)
            return True

        with middle(self.pets.plane, self._folder) as between:
            forward, running = between.gate.forward, list[Popen[str]]()
            between.reading = dated

            def counts(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
                answer = forward(method, path, headers, body)
                if method != "GET" and "dryRun" not in path and "selfsubject" not in path and answer.status < 300:
                    place, _, pod = path.partition("?")[0].partition("/pods/")
                    self.marks += b"restartedAt" in body
                    self.gone.update([pod.partition("/")[0]] if pod else [])
                    if self._kills(method, pod or place, body):
                        running[0].kill()
                return answer

            between.gate.forward = counts  # type: ignore[method-assign]
            words = ("rollout", "restart", "web", *self._more, "-y", "--timeout", "90s")
            running.append(self.pets.start(*words, kubeconfig=between.kubeconfig))
            self.told = running[0].communicate(timeout=120)
            return running[0].returncode

    def was_one(self) -> None:
        assert self.marks <= 1 and set(self.gone.values()) <= {1}, (self.marks, self.gone, self.told)
        now = self.pets.uids()
        assert now.keys() == self.before.keys() and not set(now.values()) & set(self.before.values())
        assert len(self.pets.get("controllerrevisions")["items"]) == 1 + self.marks
        noted = self.pets.set()["metadata"]["annotations"]
        assert "kubectl-pets/restarted" in noted and not noted.keys() & {"kubectl-pets/restart", "kubectl-pets/restart-pods"}


@pytest.mark.parametrize("way", WAYS)
def test_more_than_a_minute_later_behind_each_of_its_changes(pets: Plugin, tmp_path: Path, way: str) -> None:
    killed: set[tuple[str, str]] = set()

    def first(method: str, what: str, body: bytes) -> bool:
        """Each change once, but for those of the set, which are as many as its partitions."""
        change = method, f"{what} {body.decode()}" if what.endswith("/web") else what
        is_new = change not in killed and _OVER not in body
        killed.add(change)
        return is_new

    restarts = Restarts(pets, tmp_path, way, first)
    runs = 0
    while restarts.typed(runs * timedelta(seconds=70)) == -signal.SIGKILL:
        runs += 1
        assert runs < 30, killed
    assert runs > (0 if restarts.strategy == ROLLING else 3), killed
    restarts.was_one()


@pytest.mark.parametrize("way", ["all", "all, by deletion", "chosen"])
def test_more_than_an_hour_after_it_began(pets: Plugin, tmp_path: Path, way: str) -> None:
    """Begun 55 minutes ago, killed behind its beginning, and again when its last pod has gone; that one was made 50 minutes before it is
    typed the last time: another restart was begun, and every pod that had just come up went down once more."""
    changes: list[str] = []

    def kills(method: str, what: str, body: bytes) -> bool:
        changes.append(what)
        return len(changes) == 1 or what.partition("/")[0] == "web-0"

    restarts = Restarts(pets, tmp_path, way, kills)
    assert restarts.typed(timedelta(minutes=-55)) == -signal.SIGKILL, restarts.told
    if way != "all":  # there its controller goes on by itself
        assert restarts.typed(timedelta(0)) == -signal.SIGKILL, restarts.told
    pets.eventually(lambda: len(pets.uids()) == 3 and not set(pets.uids().values()) & set(restarts.before.values()), "all are made anew")
    pets("status", "web", "-w", "--until", "complete", "--timeout", "60s")
    assert restarts.typed(timedelta(minutes=50)) == 0, restarts.told
    restarts.was_one()
