"""Every command that a hint names is typed on the real control plane, and none is refused."""

import shlex
from collections.abc import Callable

import pytest

from kubectl_pets import pasting
from tests.commands.plugin import Plugin
from tests.commands.test_before import made_again

pytestmark = pytest.mark.real

NEW, BROKEN = "app:2", "app:invalid"  # which is stuck at once


def canary(pets: Plugin) -> None:
    pets.make("web")
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")


def broken_canary(pets: Plugin) -> None:
    pets.make("web")
    pets("rollout", "canary", "web", "--image", BROKEN, "--timeout", "60s", expect=4)


def aborted(pets: Plugin) -> None:
    canary(pets)
    pets("rollout", "abort", "web", "-y", "--timeout", "60s")


def first_broken(pets: Plugin) -> None:
    pets.make("web", wait=False, image=BROKEN)
    pets("status", "web", "-w", "--timeout", "60s", expect=4)


def left_over(pets: Plugin) -> None:
    pets.make("web")
    pets("partition", "web", "2")


def by_hand(pets: Plugin) -> None:
    pets.make("web", strategy="{type: OnDelete}")
    pets("rollout", "canary", "web", "--image", NEW, "-y", "--timeout", "60s")


def broken_by_hand(pets: Plugin) -> None:
    pets.make("web", strategy="{type: OnDelete}")
    pets("rollout", "canary", "web", "--image", BROKEN, "-y", "--timeout", "60s", expect=4)


def undone_by_kubectl(pets: Plugin) -> None:
    """The forced-rollback trap: the template is the old one again, and the broken pod stays."""
    broken_canary(pets)
    pets("partition", "web", "0")
    pets.kubectl("rollout", "undo", "statefulset/web")
    pets.eventually(lambda: pets.set()["status"]["observedGeneration"] == pets.set()["metadata"]["generation"], "seen")


CHANGING = ("rollout", "partition", "scale")
LOOKING = ("history", "diff", "status")


@pytest.mark.parametrize(
    "scene", [canary, broken_canary, aborted, first_broken, left_over, by_hand, broken_by_hand, undone_by_kubectl, made_again]
)
def test_what_a_hint_names_is_not_refused(pets: Plugin, monkeypatch: pytest.MonkeyPatch, scene: Callable[[Plugin], None]) -> None:
    spelt: list[str] = []
    really = pasting._spelt

    def noted(*parts: object) -> str:
        spelt.append(really(*parts))  # type: ignore[arg-type]
        return spelt[-1]

    monkeypatch.setattr(pasting, "_spelt", noted)
    scene(pets)
    spelt.clear()
    told = pets("status", "web", expect=None).stderr
    said = [line.removeprefix("hint: ") for line in told.splitlines() if line.startswith("hint: ")]
    commands = [command for command in dict.fromkeys(spelt) if any(command in line for line in said)]
    assert said and commands
    for command in commands:
        words = shlex.split(command)
        assert str(pets.plane.kubeconfig) in words and pets.namespace in words
        if words[1] != "pets":
            pets.plane.kubectl(*words[1:])
            continue
        look = words[2] not in CHANGING or words[3] in LOOKING
        typed = pets.typed(*words[2:], *(("--timeout", "1s") if "-w" in words else () if look else ("--dry-run",)))
        assert typed.code in (0, 3, 4, 5), f"{command}\n{typed.stdout}{typed.stderr}"
