"""Retained volumes of another set become the claims of a new one, on the control plane with real folders."""

import json
from pathlib import Path

import pytest

from tests.commands.plugin import Plugin
from tests.commands.test_orphans import make, volume_of

pytestmark = pytest.mark.real


def retained(pets: Plugin, count: int) -> list[tuple[str, Path]]:
    """Volumes that a set left, Released and at Retain, with a file on each; the highest ordinal first."""
    make(pets, "old", replicas=count)
    found = []
    for ordinal in reversed(range(count)):
        volume = volume_of(pets, f"data-old-{ordinal}")
        name = volume["metadata"]["name"]
        file = Path(volume["spec"]["hostPath"]["path"]) / f"of-{ordinal}"
        file.write_text("x", encoding="utf-8")
        pets.plane.kubectl("patch", "pv", name, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')
        found.append((name, file))
    pets.kubectl("delete", "statefulset", "old")
    pets.eventually(lambda: not pets.get("pods")["items"], "no pods")
    pets.kubectl("delete", "pvc", "--all")
    for name, _ in found:
        pets.plane.kubectl("wait", f"pv/{name}", "--for=jsonpath={.status.phase}=Released", "--timeout=60s")
    return found


def test_in_the_order_in_which_they_are_named(pets: Plugin) -> None:
    (two, two_file), (one, _), (zero, zero_file) = retained(pets, 3)
    make(pets, "web", replicas=1)
    words = ("orphans", "adopt", two, f"pv/{zero}", "--as", "sts/web")
    shown = pets(*words, "--plan").stdout
    assert f"{two} (was {pets.namespace}/data-old-2) as {pets.namespace}/data-web-1" in shown and "data-web-2" in shown
    planned = json.loads(pets(*words, "--dry-run=server", "-o", "json").stdout)
    assert [each["claim"]["name"] for each in planned["adoptions"]] == ["data-web-1", "data-web-2"]
    asked = pets(*words, expect=6)
    assert "this binds 2 volumes" in asked.stderr and len(pets.get("pvc")["items"]) == 1
    pets(*words, "-y")
    assert volume_of(pets, "data-web-1")["metadata"]["name"] == two and volume_of(pets, "data-web-2")["metadata"]["name"] == zero
    assert pets.get("pvc", "data-web-1")["metadata"]["labels"] == {"app": "web"}
    assert f"nothing to do: {two} is claim data-web-1 already" in pets(*words, "-y").stderr
    turned = pets("orphans", "adopt", zero, two, "--as", "web", "-y", expect=6)
    assert "it is Bound" in turned.stderr
    pets("scale", "web", "--replicas", "3", "-y", "--timeout", "60s")
    assert two_file.exists() and zero_file.exists()
    assert volume_of(pets, "data-web-1")["metadata"]["name"] == two
    pets("orphans", "adopt", one, "pv-of-nobody", "--as", "web", "-y", expect=6)  # all or none
    assert len(pets.get("pvc")["items"]) == 3
    pets("orphans", "adopt", one, "--as", "web", "--template", "log", "-y", expect=2)
    went_on = pets("orphans", "adopt", two, zero, one, "--as", "web", "-y")  # as a run that was killed before the last one
    assert f"{two} is data-web-1 already" in went_on.stderr and volume_of(pets, "data-web-3")["metadata"]["name"] == one
