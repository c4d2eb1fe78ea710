"""Which class a snapshot is taken by, and what has to hold before a claim may go after it."""

from typing import Any

import msgspec
import pytest

from kubectl_pets.domain.changes import CLAIM_UID_ANNOTATION
from kubectl_pets.domain.model import ObjectMeta
from kubectl_pets.domain.orphans.snapshots import (
    Chosen,
    ContentSource,
    Denied,
    NoSnapshot,
    Offer,
    Pending,
    Sighting,
    SnapshotError,
    SnapshotRef,
    Taken,
    VolumeSnapshot,
    VolumeSnapshotClass,
    VolumeSnapshotContent,
    VolumeSnapshotContentSpec,
    VolumeSnapshotStatus,
    choose,
    look,
)
from tests.domain.orphans.builders import NOW, claim, snapshot_class, volume

CLAIM = claim("data-web-4")
VOLUME = volume(CLAIM)
IN_TREE = msgspec.structs.replace(VOLUME, spec=msgspec.structs.replace(VOLUME.spec, csi=None))
N = NoSnapshot


def offer(*classes: VolumeSnapshotClass) -> Offer:
    return Offer(classes=classes)


@pytest.mark.parametrize(
    ("found", "named", "expected"),
    [
        (offer(snapshot_class("a"), snapshot_class("b")), "b", Chosen("b")),
        (offer(snapshot_class("a"), snapshot_class("b", default=True)), "", Chosen("b")),
        (offer(snapshot_class("a", default=True), snapshot_class("b", driver="other", default=True)), "", Chosen("a")),
        (Offer(installed=False), "a", Denied(N.NOT_INSTALLED)),
        (Offer(), "a", Denied(N.CLASSES_UNREADABLE)),
        (Offer(), "", Denied(N.CLASSES_UNREADABLE)),
        (offer(), "a", Denied(N.CLASS_MISSING, "a")),
        (offer(snapshot_class("a")), "", Denied(N.NO_DEFAULT, "csi.example.org")),
        (offer(snapshot_class("a", driver="other", default=True)), "", Denied(N.NO_DEFAULT, "csi.example.org")),
        (offer(snapshot_class("b", default=True), snapshot_class("a", default=True)), "", Denied(N.SEVERAL_DEFAULTS, "a, b")),
        (offer(snapshot_class("a", "Delete")), "a", Denied(N.CLASS_DELETES, "a")),
        (offer(snapshot_class("a", "Delete", default=True)), "", Denied(N.CLASS_DELETES, "a")),
        (offer(snapshot_class("a", "")), "a", Denied(N.CLASS_DELETES, "a")),
        (offer(snapshot_class("a", driver="x")), "a", Denied(N.OTHER_DRIVER, "a is of x, the volume of csi.example.org")),
    ],
)
def test_the_class(found: Offer, named: str, expected: Chosen | Denied) -> None:
    assert choose(found, named, VOLUME) == expected


def test_only_csi_volumes_have_snapshots() -> None:
    assert choose(offer(snapshot_class("a", default=True)), "", IN_TREE) == Denied(N.NOT_CSI, IN_TREE.name)


def snapshot(*, of: str = CLAIM.metadata.uid, ready: bool = True, error: str = "", **meta: Any) -> VolumeSnapshot:
    defaults: dict[str, Any] = {"name": "s", "uid": "uid-s", "creation_timestamp": NOW, "annotations": {CLAIM_UID_ANNOTATION: of}}
    told = SnapshotError(message=error) if error else None
    return VolumeSnapshot(
        metadata=ObjectMeta(**defaults | meta),
        status=VolumeSnapshotStatus(ready_to_use=ready, bound_volume_snapshot_content_name="c", error=told),
    )


def content(**spec: Any) -> VolumeSnapshotContent:
    source = VOLUME.spec.csi
    assert source is not None
    defaults: dict[str, Any] = {
        "deletion_policy": "Retain",
        "driver": source.driver,
        "source": ContentSource(volume_handle=source.volume_handle),
        "volume_snapshot_ref": SnapshotRef(uid="uid-s"),
    }
    return VolumeSnapshotContent(metadata=ObjectMeta(name="c"), spec=VolumeSnapshotContentSpec(**defaults | spec))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Sighting(snapshot=snapshot(), content=content()), Taken("s", NOW)),
        (Sighting(snapshot=snapshot(error="once"), content=content()), Taken("s", NOW)),
        (Sighting(snapshot=snapshot(ready=False), content=content()), Pending()),
        (Sighting(snapshot=snapshot()), Pending()),
        (Sighting(snapshot=snapshot(ready=False, error="no space")), Pending("no space")),
        (Sighting(), Denied(N.GONE)),
        (Sighting(snapshot=snapshot(deletion_timestamp=NOW), content=content()), Denied(N.GONE)),
        (Sighting(snapshot=snapshot(of="another"), content=content()), Denied(N.FOREIGN, "s")),
        (Sighting(snapshot=snapshot(annotations={}), content=content()), Denied(N.FOREIGN, "s")),
        (Sighting(snapshot=snapshot(), content=content(deletion_policy="Delete")), Denied(N.NOT_KEPT, "c")),
        (Sighting(snapshot=snapshot(), content=content(deletion_policy="")), Denied(N.NOT_KEPT, "c")),
        (Sighting(snapshot=snapshot(), content=content(driver="other")), Denied(N.OTHER_VOLUME, "c")),
        (Sighting(snapshot=snapshot(), content=content(source=ContentSource())), Denied(N.OTHER_VOLUME, "c")),
        (Sighting(snapshot=snapshot(), content=content(volume_snapshot_ref=SnapshotRef(uid="x"))), Denied(N.OTHER_VOLUME, "c")),
    ],
)
def test_what_has_become_of_it(seen: Sighting, expected: Taken | Pending | Denied) -> None:
    assert look(seen, CLAIM.metadata.uid, VOLUME) == expected


def test_a_volume_that_is_of_no_driver_any_more_has_no_snapshot() -> None:
    seen = Sighting(snapshot=snapshot(), content=content(driver="", source=ContentSource()))
    assert look(seen, CLAIM.metadata.uid, IN_TREE) == Denied(N.OTHER_VOLUME, "c")
