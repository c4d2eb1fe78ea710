"""doctor without a cluster: manifests, files of ignores, and what of them cannot be meant."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from kubectl_pets.__main__ import run
from kubectl_pets.domain.findings import RULES
from kubectl_pets.session import ConnectionFlags, Session
from kubectl_pets.views.doctor.pages import PAGES
from tests.bench import peers
from tests.commands.test_docs import PAGES as DOCS
from tests.terminal import FakeTerminal

CHART = """
# Source: chart/templates/all.yaml
apiVersion: v1
kind: Service
metadata: {name: db, creationTimestamp: null}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}
---
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, annotations: {since: 2026-01-01}}
spec:
  serviceName: db
  replicas: 3
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: db, image: "postgres", env: [{name: PASSWORD, value: geheim}]}]
"""


def no_cluster(flags: ConnectionFlags) -> Any:
    raise AssertionError("a cluster was asked for")


def doctor(*words: str, expect: int = 0, stdin: str = "") -> tuple[str, str]:
    terminal = FakeTerminal()
    terminal.stdin = io.StringIO(stdin)
    code = run(["doctor", *words], Session(terminal=terminal, connect=no_cluster))
    assert code == expect, terminal.stdout_text + terminal.stderr_text
    return terminal.stdout_text, terminal.stderr_text


def found(*words: str, expect: int = 0, stdin: str = "") -> set[str]:
    return {each["name"] for each in json.loads(doctor(*words, "-o", "json", expect=expect, stdin=stdin)[0])["findings"]}


def test_a_chart_through_a_pipe() -> None:
    names = found("-f", "-", stdin=CHART, expect=7)
    assert names == {"grace-zero", "image-floats", "no-readiness-probe", "no-requests", "no-spread", "budget-missing"}
    shown, told = doctor("-f", "-", stdin=CHART, expect=7)
    assert "default/db" in shown and "need a cluster" in told and "kubectl edit" not in shown
    assert "geheim" not in shown + doctor("-f", "-", "-o", "yaml", stdin=CHART, expect=7)[0]


def test_what_no_manifest_tells_is_no_finding() -> None:
    _, alone = CHART.split("---\n---")
    assert "service-missing" not in found("-f", "-", stdin=alone, expect=7)  # the Service may come with another chart
    assert "service-missing" in found("-f", "-", stdin=CHART.replace("name: db, creation", "name: other, creation"), expect=7)
    assert found("-f", "-", stdin="") == set() and found("-f", "-", stdin="a: text\n") == set()


def test_folders_and_lists(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "all.yml").write_text(CHART)
    (tmp_path / "notes.txt").write_text(": no yaml :")
    assert "grace-zero" in found("-f", str(tmp_path), "-n", "prod", expect=7)
    import yaml

    listed = {"apiVersion": "v1", "kind": "List", "items": [each for each in yaml.safe_load_all(CHART.replace("2026-01-01", "then")) if each]}
    (tmp_path / "below" / "all.yml").write_text(json.dumps(listed))
    assert "grace-zero" in found("-f", str(tmp_path), expect=7)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "stdin, line 1, column 5: this is no YAML"),
        ("---\nb: 1\n---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec: {replicas: many}\n", "stdin, document 2 (line 4), StatefulSet web"),
        ("apiVersion: apps/v1\nkind: StatefulSet\nspec: {}\n", "it has no metadata.name"),
    ],
)
def test_manifests_that_cannot_be_meant(text: str, told: str) -> None:
    assert told in doctor("-f", "-", stdin=text, expect=2)[1]


def test_keys_that_yaml_takes_for_something_else_are_text_as_with_kubectl() -> None:
    text = CHART.replace("    spec:\n", "    spec:\n      nodeSelector: {no: 'x', 1: 'y', disk: ssd}\n", 1)
    assert text != CHART and found("-f", "-", stdin=text, expect=7) == found("-f", "-", stdin=CHART, expect=7)


def test_a_set_of_two_thousand_million_replicas_costs_no_more_than_another() -> None:
    assert "budget-missing" in found("-f", "-", stdin=CHART.replace("replicas: 3", "replicas: 2147483647"), expect=7)


def test_aliases_are_read_once_and_a_circle_is_told() -> None:
    levels = "\n".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9) if n else 'lol'}]" for n in range(12))
    assert found("-f", "-", stdin=levels) == set()
    assert "nested too deep" in doctor("-f", "-", stdin="a: &a [*a]\n", expect=2)[1]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert "cannot be read" in doctor("-f", str(tmp_path / "none.yaml"), expect=2)[1]
    assert "holds no manifests" in doctor("-f", str(tmp_path), expect=2)[1]
    assert "cannot be read" in doctor("-f", "-", "--config", str(tmp_path / "none"), expect=2)[1]
    assert "-f looks at manifests: no names" in doctor("-f", "-", "-A", expect=2)[1]


def test_a_file_of_ignores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".kubectl-pets.yaml").write_text("ignore:\n- {rule: [PETS703, no-spread], namespace: 'd*', reason: dev, until: 2099-01-01}\n")
    assert not {"grace-zero", "no-spread"} & found("-f", "-", stdin=CHART)
    assert "grace-zero" in found("-f", "-", "-n", "prod", stdin=CHART, expect=7)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ignore:\n- {rule: PETS703}\n", "line 2, column 3: it says no reason"),
        ("ignore:\n- {reason: x}\n", "line 2, column 3: it names no rule"),
        ("ignore:\n- {rule: PETS999, reason: x}\n", "line 2, column 10: there is no rule PETS999"),
        ("ignore:\n- {rule: PETS703, reason: x, until: soon}\n", "line 2, column 37: 'soon' is no day"),
        ("ignore:\n- {rule: PETS703, reason: x, naem: web}\n", "line 2, column 30: 'naem' is not known"),
        ("ignore: PETS703\n", "line 1, column 9: a list was expected"),
        ("ignores: []\n", "line 1, column 1: 'ignores' is not known"),
        ("ignore: [\n", "this is no YAML"),
        ("- a\n", "a mapping was expected"),
    ],
)
def test_a_file_of_ignores_that_cannot_be_meant(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    assert told in doctor("-f", "-", "--config", str(tmp_path / "c.yaml"), expect=2)[1]


def test_baselines_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "known.json"
    assert "6 findings were written" in doctor("-f", "-", "--write-baseline", str(file), stdin=CHART, expect=7)[1]
    assert found("-f", "-", "--baseline", str(file), "--fail-on", "notice", stdin=CHART) == set()
    assert found("-f", "-", "--baseline", str(file), stdin=CHART.replace("replicas: 3", "replicas: 3\n  revisionHistoryLimit: 0")) == {"no-way-back"}
    file.write_text("{}")
    assert found("-f", "-", "--baseline", str(file), stdin=CHART, expect=7)
    file.write_text("[]")
    assert "is no baseline" in doctor("-f", "-", "--baseline", str(file), expect=2)[1]


def test_github_gets_a_summary_of_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "summary.md"
    file.write_text("# from before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    out, _ = doctor("-f", "-", "-o", "github", stdin=CHART, expect=7)
    text = file.read_text()
    assert text.startswith("# from before\n## kubectl pets doctor\n") and text.count("| error |") == out.count("::error")
    doctor("-f", "-", "-o", "json", stdin=CHART, expect=7)
    assert file.read_text() == text
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert "cannot be written" in doctor("-f", "-", "-o", "github", stdin=CHART, expect=2)[1]
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    assert doctor("-f", "-", "-o", "github", stdin=CHART, expect=7)[0] == out


def test_rules_that_are_not_there() -> None:
    assert "there is no rule PETS9999" in doctor("-f", "-", "--only", "PETS9999", expect=2)[1]
    assert "there is no rule nonsense" in doctor("explain", "nonsense", expect=2)[1]


def test_explain_and_rules_ask_no_cluster() -> None:
    shown, _ = doctor("explain", "PETS201")
    assert "partition-left-over" in shown and "What happens next" in shown
    assert "\n  kubectl annotate sts NAME kubectl-pets/ignore='PETS201: REASON, YYYY-MM-DD'\n" in shown
    assert "claim-lost" in doctor("explain", "pets304")[0]
    listed = json.loads(doctor("rules", "-o", "json")[0])["items"]
    assert [each["rule"] for each in listed] == [card.number for card in RULES.values()]
    assert all(each["what"] and each["why"] and each["mend"] and each["source"] for each in listed)
    assert doctor("rules")[0].splitlines()[0].split() == ["RULE", "NAME", "SEVERITY", "WHAT"]


def test_the_page_lists_every_rule_as_it_is() -> None:
    rows = [
        f"| {card.number} | {rule.value} | {card.severity.value}{' (on request)' if card.opt_in else ''} | {PAGES[rule].what} | {card.source} |"
        for rule, card in sorted(RULES.items(), key=lambda each: each[1].number)
    ]
    assert [line for line in DOCS["doctor.md"].splitlines() if line.startswith("| PETS")] == rows


def test_the_table_beside_other_tools_is_of_the_scenes_that_it_is_made_of() -> None:
    """What is in it ``python -m tests.bench peers`` holds; here, that no scene was added or taken away since."""
    page = DOCS["doctor.md"].partition("## Beside other tools")[2].partition("## ")[0]
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    assert rows[0] == ["scene", *peers.HEADS]
    assert [row[0] for row in rows[1:]] == [each.title for fine in (False, True) for each in peers.SCENES if each.fine is fine]
    for row, scene in zip(rows[1:], sorted(peers.SCENES, key=lambda each: each.fine), strict=True):
        told = {"-"} if scene.fine else set(scene.rules) or {"missed"}
        assert set(row[1].split(", ")) <= told, row
