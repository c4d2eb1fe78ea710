"""Which nodes there are, for whoever looks at many sets: asked for once for all of them, beside what else is done, and now and
then by whoever looks on.

The pods of a Node object that was deleted say Ready until the garbage collector has deleted them, and no event of theirs tells
(pkg/controller/podgc). To watch the nodes would cost an event for each status that a kubelet writes.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from kubectl_pets.flows.engine import beside
from kubectl_pets.flows.engine.beside import SOON, Beside
from kubectl_pets.flows.engine.patience import PASSING
from kubectl_pets.ports.sets import NodeNamesPort

#: A list holds for so long, and for so much longer with each node: of a large cluster it is long, too.
_LASTS, _EACH = timedelta(seconds=10), timedelta(milliseconds=10)

Names = Callable[[], frozenset[str] | None]


class NodeList:
    """``there``: the names of all nodes; None: they are not known. ``next_at``: when they are read again, or it is to be asked
    whether they have come; None: never, for they may not be read, or not yet at all."""

    def __init__(self, port: NodeNamesPort) -> None:
        self._port = port
        self.there: frozenset[str] | None = None
        self.next_at: datetime | None = None
        self._begun = False
        self._reading: Beside[frozenset[str] | None] | None = None

    def renewed(self, now: datetime) -> frozenset[str] | None:
        """Read them where it is time to. Returns the names that came or went; None: they were not read, or have not come yet, for
        no look waits for them but the first. Where the server fails over it, what is known stands."""
        if self._reading is None:
            if self._begun and (self.next_at is None or now < self.next_at):
                return None
            self._reading = Beside(self._port.node_names, "nodes")
        # The first one is waited for: what is loaded for it makes decoders, which only one thread may do at a time.
        if self._begun and not self._reading.has_come(beside.WAITS):
            self.next_at = now + SOON
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
