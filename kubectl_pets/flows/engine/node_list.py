"""Which nodes there are, for whoever looks at many sets: asked for once for all of them, beside what else is done, and now and
then by whoever looks on.

The pods of a Node object that was deleted say Ready until the garbage collector has deleted them, and no event of theirs tells
(pkg/controller/podgc). To watch the nodes would cost an event for each status that a kubelet writes.
"""

from collections.abc import Callable
from contextvars import copy_context
from datetime import datetime, timedelta
from threading import Thread

from kubectl_pets.flows.engine.patience import PASSING
from kubectl_pets.ports.sets import NodeNamesPort

#: A list holds for so long, and for so much longer with each node: of a large cluster it is long, too.
_LASTS, _EACH = timedelta(seconds=10), timedelta(milliseconds=10)

#: So many seconds a look waits for a list, but for the first one; and so long after it the next look asks whether it has come.
_WAITS, _SOON = 0.05, timedelta(milliseconds=250)

Names = Callable[[], frozenset[str] | None]


class Beside:
    """The names of the nodes, asked for while something else is done. Whoever calls it waits for the answer."""

    def __init__(self, call: Names) -> None:
        self._call = call
        self._found: frozenset[str] | None = None
        self._failure: Exception | None = None
        self._thread = Thread(target=copy_context().run, args=(self._run,), daemon=True, name="kubectl-pets-nodes")
        self._thread.start()

    def __call__(self) -> frozenset[str] | None:
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._found

    def has_come(self, within: float) -> bool:
        """Whether the answer is there; so many seconds it is waited for."""
        self._thread.join(within)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._found = self._call()
        except Exception as error:
            self._failure = error


class NodeList:
    """``there``: the names of all nodes; None: they are not known. ``next_at``: when they are read again, or it is to be asked
    whether they have come; None: never, for they may not be read, or not yet at all."""

    def __init__(self, port: NodeNamesPort) -> None:
        self._port = port
        self.there: frozenset[str] | None = None
        self.next_at: datetime | None = None
        self._begun = False
        self._reading: Beside | None = None

    def renewed(self, now: datetime) -> frozenset[str] | None:
        """Read them where it is time to. Returns the names that came or went; None: they were not read, or have not come yet, for
        no look waits for them but the first. Where the server fails over it, what is known stands."""
        if self._reading is None:
            if self._begun and (self.next_at is None or now < self.next_at):
                return None
            self._reading = Beside(self._port.node_names)
        # The first one is waited for: what is loaded for it makes decoders, which only one thread may do at a time.
        if self._begun and not self._reading.has_come(_WAITS):
            self.next_at = now + _SOON
            return None
        self._begun, before, reading, self._reading = True, self.there, self._reading, None
        try:
            found = reading()
        except PASSING:
            self.next_at = now + _LASTS
            return None
        self.there = found
        self.next_at = now + _LASTS + len(found) * _EACH if found is not None else None
        return (found or frozenset()) ^ (before if before is not None else found or frozenset())
