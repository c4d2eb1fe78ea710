"""Which nodes there are, for whoever looks on at many sets: read now and then, once for all of them.

The pods of a Node object that was deleted say Ready until the garbage collector has deleted them, and no event of theirs tells
(pkg/controller/podgc). To watch the nodes would cost an event for each status that a kubelet writes.
"""

from datetime import datetime, timedelta

from kubectl_pets.flows.engine.patience import PASSING
from kubectl_pets.ports.sets import NodeNamesPort

#: A list holds for so long, and for so much longer with each node: of a large cluster it is long, too.
_LASTS, _EACH = timedelta(seconds=10), timedelta(milliseconds=10)


class NodeList:
    """``there``: the names of all nodes; None: they are not known. ``next_at``: when they are read again; None: never, for they
    may not be, or not yet at all."""

    def __init__(self, port: NodeNamesPort) -> None:
        self._port = port
        self.there: frozenset[str] | None = None
        self.next_at: datetime | None = None
        self._begun = False

    def renewed(self, now: datetime) -> frozenset[str] | None:
        """Read them where it is time to. Returns the names that came or went; None: they were not read. Where the server fails
        over it, what is known stands."""
        if self._begun and (self.next_at is None or now < self.next_at):
            return None
        self._begun, before = True, self.there
        try:
            found = self._port.node_names()
        except PASSING:
            self.next_at = now + _LASTS
            return None
        self.there = found
        self.next_at = now + _LASTS + len(found) * _EACH if found is not None else None
        return (found or frozenset()) ^ (before if before is not None else found or frozenset())
