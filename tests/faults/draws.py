"""Which request goes wrong, and how, drawn from a seed.

Each kind of request draws by itself, so that threads that run ahead of each other do not change what is drawn. Never more than two of a
kind go wrong in a row: what a client makes of a server that is gone for good is another question.
"""

from __future__ import annotations

import threading
from enum import StrEnum, unique
from random import Random
from typing import NamedTuple

_IN_A_ROW = 2


@unique
class Fault(StrEnum):
    """Numbers, but for 504, are answers that the proxy gives without asking the server."""

    CONFLICT = "409"
    EXPIRED = "410"
    THROTTLED = "429"
    ERROR = "500"
    UNAVAILABLE = "503"
    #: Carried out, then the connection is cut before the answer.
    LOST = "lost"
    #: Carried out, and then 504 is said.
    GATEWAY = "504"
    #: The answer ends in the middle.
    HALF = "half"
    #: A watch begins with an ERROR event of 410.
    EXPIRED_EVENT = "410 event"
    #: A watch begins and is cut at once.
    CUT = "cut"
    #: A watch is cut after a while, in the middle of a line where there is one.
    BROKEN = "broken"
    #: A watch begins, and then nothing comes for some seconds.
    STALLED = "stalled"
    #: Carried out, and answered with status 200 and something that is no answer: nothing, a page to log in, a Status, an object of
    #: another name.
    EMPTY = "empty"
    PAGE = "page"
    STATUS = "status"
    OTHER = "another object"
    #: A list that says that there is nothing.
    NO_ITEMS = "no items"
    #: What was answered to the same question before the last change, as a cache does.
    STALE = "stale"
    #: Carried out, and answered with the object as it was before.
    FORMER = "former"
    #: Status 200 with a Status that says Failure; what is of another namespace, or of another kind; what has no uid; a list that
    #: claims to go on with a token that the server does not know; gzip that is cut.
    FAILURE = "failure"
    ELSEWHERE = "another namespace"
    OTHER_KIND = "another kind"
    NO_UID = "no uid"
    GOES_ON = "goes on"
    CUT_GZIP = "cut gzip"
    #: Not carried out: it is to be asked elsewhere.
    REDIRECT = "302"


_WATCH = (Fault.EXPIRED, Fault.EXPIRED_EVENT, Fault.THROTTLED, Fault.ERROR, Fault.CUT, Fault.BROKEN, Fault.STALLED)
_READ = (Fault.THROTTLED, Fault.ERROR, Fault.UNAVAILABLE, Fault.LOST, Fault.HALF)
_CHANGE = (Fault.CONFLICT, Fault.THROTTLED, Fault.ERROR, Fault.UNAVAILABLE, Fault.LOST, Fault.GATEWAY, Fault.HALF)
#: Changes nothing, so there is nothing to conflict with.
_REVIEW = (Fault.THROTTLED, Fault.ERROR, Fault.UNAVAILABLE, Fault.LOST, Fault.HALF)


class Draws(NamedTuple):
    """What may happen to a watch, another read, a change, and a question for a right."""

    watch: tuple[Fault, ...]
    read: tuple[Fault, ...]
    change: tuple[Fault, ...]
    review: tuple[Fault, ...]


#: What networks and busy servers do.
WIRES = Draws(_WATCH, _READ, _CHANGE, _REVIEW)

#: What gateways and caches do, which answer in the server's place.
ANSWERS = Draws(
    watch=(Fault.EMPTY, Fault.PAGE, Fault.STATUS, Fault.FAILURE, Fault.REDIRECT, Fault.CUT),
    read=(
        Fault.EMPTY, Fault.PAGE, Fault.STATUS, Fault.OTHER, Fault.NO_ITEMS, Fault.STALE, Fault.STALE, Fault.REDIRECT, Fault.HALF,
        Fault.FAILURE, Fault.ELSEWHERE, Fault.OTHER_KIND, Fault.NO_UID, Fault.GOES_ON, Fault.CUT_GZIP,
    ),
    change=(
        Fault.EMPTY, Fault.PAGE, Fault.STATUS, Fault.OTHER, Fault.FORMER, Fault.FORMER, Fault.REDIRECT, Fault.LOST,
        Fault.FAILURE, Fault.ELSEWHERE, Fault.OTHER_KIND, Fault.NO_UID, Fault.CUT_GZIP,
    ),
    review=(Fault.EMPTY, Fault.PAGE, Fault.STATUS, Fault.FAILURE, Fault.OTHER_KIND, Fault.REDIRECT),
)


class Asked(NamedTuple):
    """A kind of request."""

    method: str
    resource: str
    watch: bool


class Faults:
    """Draws what happens to each request. ``share``: of the requests that go wrong; ``most``: in all."""

    def __init__(self, seed: str, share: float, most: int = 25, draws: Draws = WIRES) -> None:
        self._seed, self._share, self._most, self.draws = seed, share, most, draws
        self._lock = threading.Lock()
        self._kinds: dict[Asked, tuple[Random, int]] = {}
        self.met: list[str] = []
        self.requests = 0

    def draw(self, asked: Asked) -> Fault | None:
        with self._lock:
            self.requests += 1
            random, row = self._kinds.get(asked) or (Random(f"{self._seed}/{asked}"), 0)
            wrong, choice = random.random() < self._share, random.choice(self._possible(asked))
            wrong = wrong and row < _IN_A_ROW and len(self.met) < self._most
            self._kinds[asked] = (random, row + 1 if wrong else 0)
            if not wrong:
                return None
            self.met.append(f"{choice} {asked.method} {asked.resource}{' watch' if asked.watch else ''}")
            return choice

    def _possible(self, asked: Asked) -> tuple[Fault, ...]:
        if asked.watch:
            return self.draws.watch
        if asked.method == "GET":
            return self.draws.read
        return self.draws.review if asked.resource == "selfsubjectaccessreviews" else self.draws.change

    def seconds(self, most: float) -> float:
        with self._lock:
            return Random(f"{self._seed}/{self.requests}").uniform(0, most)
