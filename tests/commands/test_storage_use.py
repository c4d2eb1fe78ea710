"""Who may be at a volume that is to be destroyed: what cannot be read speaks against it, and ends nothing."""

from typing import Any, cast

import pytest

from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.storage import Objection, StorageObjection, objection
from kubectl_pets.errors import ForbiddenError, PetsError, UnreadableError
from kubectl_pets.flows.orphans.storage import StoragePort, storage_use
from tests.domain.orphans.builders import claim, volume

MINE = volume(claim("data-web-4"))


class Cluster:
    """Empty, but for the volume; one of its lists fails."""

    def __init__(self, broken: str = "", failure: PetsError | None = None) -> None:
        self._broken, self._failure = broken, failure

    def _read(self, name: str, found: tuple[PersistentVolume, ...] = ()) -> Any:
        if name == self._broken and self._failure is not None:
            raise self._failure
        return found

    def volumes(self) -> Any:
        return self._read("persistentvolumes", (MINE,))

    def snapshots(self) -> Any:
        return self._read("volumesnapshots.snapshot.storage.k8s.io")

    def attachments(self) -> Any:
        return ()

    def unbound_claims(self) -> Any:
        return ()


@pytest.mark.parametrize(
    ("broken", "failure"),
    [
        ("persistentvolumes", ForbiddenError("no")),
        ("volumesnapshots.snapshot.storage.k8s.io", UnreadableError("a tenant's snapshot of the year 0")),
    ],
)
def test_what_cannot_be_read_speaks_against_it(broken: str, failure: PetsError) -> None:
    use = storage_use(cast(StoragePort, Cluster(broken, failure)))
    assert objection(MINE, use) == Objection(StorageObjection.NOT_READ, broken)
    assert objection(MINE, storage_use(cast(StoragePort, Cluster()))) is None
