"""Somebody scales between the two reads of a handover: the change rests on the older one, so the server refuses it."""

from typing import Any, cast

import msgspec

from kubectl_pets import __main__ as door
from kubectl_pets.domain.changes import Change, PatchSet
from kubectl_pets.domain.model import SetView, StatefulSet
from kubectl_pets.domain.rollout.fields import FieldsOwner
from kubectl_pets.errors import ConflictError
from kubectl_pets.session import Cluster, Session
from tests.domain.builders import NOW
from tests.terminal import FakeTerminal


class Scaled:
    """A set that gets a new version with each read."""

    namespace = "prod"

    def __init__(self, handed_over_at: int = 99) -> None:
        """``handed_over_at``: from that version on somebody else has given all fields back."""
        self.version, self.tested, self._over = 0, "", handed_over_at

    def now(self) -> Any:
        return NOW

    def close(self) -> None:
        """Nothing is open."""

    def _read(self) -> dict[str, Any]:
        self.version += 1
        entry = {"manager": "kubectl-pets", "operation": "Update", "time": NOW.isoformat(), "fieldsV1": {"f:spec": {"f:replicas": {}}}}
        entry = {} if self.version >= self._over else entry
        meta = {"name": "web", "namespace": "prod", "uid": "u", "generation": 1, "resourceVersion": str(self.version), "managedFields": [entry] if entry else []}
        return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": {"replicas": self.version}}

    def fields_owner(self, namespace: str, name: str) -> FieldsOwner:
        return msgspec.convert(self._read(), FieldsOwner)

    def set_view(self, namespace: str, name: str) -> SetView:
        return SetView(set=msgspec.convert(self._read(), StatefulSet), pods=(), revisions=(), claims=())

    def missing_rights(self, namespace: str, needed: Any) -> tuple[()]:
        return ()

    def apply(self, change: Change, *, dry_run: bool = False) -> None:
        assert isinstance(change, PatchSet)
        (self.tested,) = (each.value for each in change.operations if each.path == "/metadata/resourceVersion")
        if self.tested != str(self.version):
            raise ConflictError("it changed since it was read")


def test_who_scales_between_the_reads_makes_the_change_fail() -> None:
    cluster, terminal = Scaled(), FakeTerminal()
    words = ["rollout", "handover", "web", "-y"]
    code = door.run(words, Session(terminal=terminal, connect=lambda flags: cast(Cluster, cluster)))
    assert code == 1 and cluster.tested == "1" and cluster.version == 4, terminal.stderr_text  # and a look whether it is so already
    assert "it changed since it was read" in terminal.stderr_text and "handed over" not in terminal.stderr_text


def test_what_somebody_else_has_handed_over_meanwhile_is_done() -> None:
    cluster, terminal = Scaled(handed_over_at=3), FakeTerminal()
    code = door.run(["rollout", "handover", "web", "-y"], Session(terminal=terminal, connect=lambda flags: cast(Cluster, cluster)))
    assert code == 0 and cluster.tested == "1" and "handed over" in terminal.stderr_text, terminal.stderr_text
