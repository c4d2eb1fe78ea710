"""Whole screens of everything that looks, over real objects with long names, in windows of three sizes: nothing wraps but commands,
which are for pasting, and no evidence is cut."""

from pathlib import Path

import pytest
import yaml

from tests.commands.plugin import Plugin
from tests.window import SIZES, Shown, Window, shown

pytestmark = pytest.mark.real

LONG = "kafka-broker-of-the-payments-team-eu-central-1"
GONE = "the-earlier-kafka-broker-of-the-payments-team"

BUDGET = f"""
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: allows-too-much-for-the-kafka-broker}}
spec: {{maxUnavailable: 2, selector: {{matchLabels: {{app: {LONG}}}}}}}
"""

#: After this a line that says what is being done is gone from the window.
_WIPED = "\x1b[K"

#: Words and how they end.
LOOKS: dict[tuple[str, ...], int] = {
    ("list", "--sort-by", "name"): 0,
    ("status", LONG, "--patience", "2s"): 4,
    ("orphans",): 0,
    ("orphans", "explain", f"data-{GONE}-1"): 0,
    ("orphans", "delete", f"data-{GONE}-1", "--fresh", "--dry-run"): 0,
    ("snapshots", LONG): 0,
    ("dns", LONG): 0,
    ("dns", "explain", LONG, "1"): 0,
    ("doctor",): 7,
    ("resize", LONG, "2Gi", "--plan"): 6,
    ("recreate", LONG, "--set", "serviceName=another-service-of-the-payments-team", "--plan"): 6,
    ("rollout", "run", LONG, "--image", "app:3", "--dry-run"): 0,
    ("rollout", "undo", LONG, "--dry-run"): 0,
    ("scale", LONG, "--replicas", "1", "--plan"): 0,
    ("lost",): 0,
    ("quorum",): 0,
    ("quorum", LONG): 0,
    ("rollout", "history", LONG): 0,
    ("rollout", "report", LONG): 0,
}


@pytest.mark.slow
def test_no_look_wraps(pets: Plugin, tmp_path: Path) -> None:
    pets.make(LONG, claims=True, policy="Parallel")
    pets.make(GONE, claims=True, replicas=2)
    pets.kubectl("delete", "statefulset", GONE, "--wait=true")
    pets.plane.apply(BUDGET, pets.namespace)
    pets.kubectl("set", "image", f"statefulset/{LONG}", "app=app:broken")
    pets("status", LONG, "-w", expect=4)
    pets.eventually(lambda: f"data-{GONE}-1" in pets("orphans", "-o", "name").stdout, "claims of a set that is gone")
    place, wrong = here(pets, tmp_path), []
    for columns, rows in SIZES:
        for words, code in LOOKS.items():
            found = shown(columns, rows, *words, **place)
            whole = [line.rpartition(_WIPED)[2] for line in found.wrapped]
            # A range of two long names is one word, and no word is cut.
            wide = [line for line in whole if len(line) > columns and "kubectl " not in line and " " in line.strip()]
            cut = cut_evidence(found) if words[:2] in (("quorum", LONG), ("orphans", "explain")) else []
            if found.code != code or wide or cut:
                wrong.append(f"{' '.join(words)} at {columns}x{rows} ended with {found.code}; {wide} {cut}\n{found.text}")
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("words", [("status", "db"), ("status", "db", "-w"), ("rollout", "step", "db")])
def test_commands_are_whole_in_a_window_narrower_than_they_are(pets: Plugin, tmp_path: Path, words: tuple[str, ...]) -> None:
    """The terminal wraps them, without a line's end that would be copied along; the live view leaves nothing behind for it."""
    pets.make("db", image="app:invalid", wait=False)
    pets("status", "db", "-w", expect=4)
    with Window(30, 12, *words, **here(pets, tmp_path)) as window:
        window.end()
        assert "\n    kubectl pets rollout run db --image app=app:invalid -n" in window.written.replace("\r", "")
        assert window.written.rstrip().endswith(f"-n {pets.namespace}") and window.whole
        assert "with: kubectl" not in window.text


def here(pets: Plugin, folder: Path) -> dict[str, str]:
    """What leads to the namespace, as an environment: hints name it where it is a flag."""
    config = yaml.safe_load(pets.plane.kubeconfig.read_text(encoding="utf-8"))
    for each in config["contexts"]:
        each["context"]["namespace"] = pets.namespace
    path = folder / "kubeconfig.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return {"KUBECONFIG": str(path), "NO_COLOR": "1"}


def cut_evidence(found: Shown) -> list[str]:
    """Ends of a tree that were cut: what stands below its head."""
    return [line for line in found.lines if line[:4].strip("│ ").startswith(("├─", "└─")) and line.endswith("…")]
