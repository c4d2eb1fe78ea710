"""Which claim and which volume is meant, and what is destroyed, on real volumes in two namespaces."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.plugin import Plugin
from tests.commands.test_orphans import become, make, shrink, volume_of

pytestmark = pytest.mark.real

CLAIM = "data-web-1"
RECOVERED = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: %(name)s}
spec:
  capacity: {storage: 1Mi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: manual
  hostPath: {path: %(path)s}
"""


class Left:
    """A namespace with a set of which one claim is left, and a file on its volume."""

    def __init__(self, pets: Plugin, folder: Path) -> None:
        self.pets, self.folder = pets, folder / pets.namespace
        make(pets, replicas=2)
        shrink(pets, 1)
        become(pets, data_web_0="in-use", data_web_1="scaled-down")
        volume = volume_of(pets, CLAIM)
        self.volume = volume["metadata"]["name"]
        self.file = Path(volume["spec"]["hostPath"]["path"]) / "precious"
        self.file.write_text("x", encoding="utf-8")

    @property
    def has_claim(self) -> bool:
        return CLAIM in {item["metadata"]["name"] for item in self.pets.get("pvc")["items"]}

    def delete(self, *words: str, expect: int = 0) -> str:
        done = self.pets("orphans", "delete", "--fresh", *(words or (CLAIM,)), "-y", "--record", str(self.folder), expect=expect)
        return done.stdout + done.stderr

    def released(self) -> None:
        phase = ("get", "pv", self.volume, "-o", "jsonpath={.status.phase}")
        self.pets.eventually(lambda: self.pets.plane.kubectl(*phase).stdout == "Released", "released")


@pytest.fixture
def lefts(pets: Plugin, tmp_path: Path) -> Iterator[tuple[Left, Left]]:
    other = Plugin(pets.plane, f"{pets.namespace}-x")
    pets.plane.create_namespace(other.namespace)
    yield Left(pets, tmp_path), Left(other, tmp_path)
    pets.plane.kubectl("delete", "namespace", other.namespace, "--wait=false")


def test_a_namespace_that_was_typed_is_the_one_that_is_meant(lefts: tuple[Left, Left]) -> None:
    here, there = lefts
    there_name = f"{there.pets.namespace}/{CLAIM}"
    shown = here.pets("orphans", "delete", there_name, "--dry-run").stdout
    assert there_name in shown and f"{here.pets.namespace}/{CLAIM}" not in shown
    assert there_name in here.pets("orphans", "explain", there_name).stdout
    assert f"{there_name} is kept" in here.pets("orphans", "keep", there_name, "--why", "x").stdout
    become(there.pets, data_web_0="in-use", data_web_1="kept")
    here.pets("orphans", "unkeep", there_name)
    said = here.delete(there_name)
    assert f"in namespace {there.pets.namespace} this deletes 1 claim" in said
    assert here.has_claim and not there.has_claim and there.file.exists()
    for word in ("deployment/data-web-1", "sts/data-web-1", "../data-web-1"):
        here.delete(word, expect=2)
    assert here.has_claim


def test_flags_beside_names_narrow(pets: Plugin, tmp_path: Path) -> None:
    left = Left(pets, tmp_path)
    for words in (("--older-than", "30d"), ("--class", "set-gone"), ("-l", "app=other")):
        assert "left out by --class, --older-than or -l" in left.delete(CLAIM, *words, expect=6)
    assert left.has_claim
    left.delete(CLAIM, "--class", "scaled-down", "-l", "app=web", "--older-than", "0")
    assert not left.has_claim


def test_a_purge_destroys_nothing_of_other_namespaces(lefts: tuple[Left, Left]) -> None:
    here, there = lefts
    for each in lefts:
        each.delete()
        each.released()
    assert "nothing to destroy" in here.pets("orphans", "purge", "--older-than", "1d", "-y").stderr
    assert "nothing to destroy" in here.pets("orphans", "purge", "--older-than", "0", "-l", "app=db", "-y").stderr
    planned = json.loads(here.pets("orphans", "purge", "--older-than", "0", "--dry-run", "-o", "json").stdout)
    assert [each["volume"]["name"] for each in planned["purges"]] == [here.volume]
    here.pets("orphans", "purge", there.volume, "-y", expect=6)
    here.pets("orphans", "purge", "data-web-9", "-y", expect=1)
    drawn = here.pets("orphans", "purge", "--older-than", "0", "-l", "app=web", "--dry-run=server")
    assert "1. " in drawn.stdout and f"DESTROY volume {here.volume}" in drawn.stdout and "would accept" in drawn.stderr
    done = here.pets("orphans", "purge", "--older-than", "0", "-y")
    assert f"destroyed {here.volume}" in done.stdout and f"of namespace {here.pets.namespace} for good" in done.stderr
    assert not here.file.exists() and there.file.exists()
    assert f"destroyed {there.volume}" in here.pets("orphans", "purge", f"{there.pets.namespace}/{CLAIM}", "-y").stdout
    assert not there.file.exists()


@pytest.mark.parametrize("verb", ["purge", "destroy-data"])
def test_storage_that_another_volume_has_is_not_destroyed(pets: Plugin, tmp_path: Path, verb: str) -> None:
    """Somebody recovers the data by hand: another volume of the same folder (kubernetes/kubernetes#48609)."""
    left = Left(pets, tmp_path)
    name = f"recovered-{pets.namespace}"
    if verb == "purge":
        left.delete()
        left.released()
    pets.plane.apply(RECOVERED % {"name": name, "path": left.file.parent})
    try:
        if verb == "purge":
            said = pets("orphans", "purge", "--older-than", "0", "-y", expect=6).stderr
        else:
            said = left.delete(CLAIM, "--destroy-data", expect=6)
        assert f"its storage is that of PersistentVolume {name}" in said and left.file.exists()
    finally:
        pets.plane.kubectl("delete", "pv", name)
    words = ("purge", "--older-than", "0") if verb == "purge" else ("delete", CLAIM, "--destroy-data", "--record", str(tmp_path))
    pets("orphans", *words, "-y")
    assert not left.file.exists()
