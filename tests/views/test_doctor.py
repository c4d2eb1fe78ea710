"""doctor's formats, each read by a reader of its own, also with names that were made to break them."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]
from lxml import etree

from kubectl_pets.domain.doctor.checkup import Checkup, RuleOutcome, Standing
from kubectl_pets.domain.doctor.estate import Unread, UnreadWhy
from kubectl_pets.domain.doctor.ignoring import Ignore, IgnoreBy
from kubectl_pets.domain.findings import RULES, Finding, Rule, Subject
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.views.doctor import FORMATS, document, summary, table, words
from kubectl_pets.views.doctor.pages import PAGES
from tests.domain.doctor.wards import NOW

#: Schemas that others have written (README.md there).
FORMATS_OF_OTHERS = Path(__file__).with_name("formats")

EVIL = 'x"\'<script>alert(1)</script>]]>&\x1b[2J\x00\u202e\n::error::y\r'


def finding(rule: Rule, name: str = "web-0", kind: str = "Pod") -> Finding:
    subject = Subject(kind=kind, namespace="prod", name=name)
    return Finding(rule=rule, subject=subject, names=(name, name), number=1, limit=2, detail=name, field=f"spec.{name}", since=NOW)


def seen(name: str = "web-0", owner: str = "web") -> Checkup:
    """Every rule once found, and one of each other standing."""
    of = SetRef(namespace="prod", name=owner)
    found = [RuleOutcome(rule=rule, owner=of, standing=Standing.FOUND, finding=finding(rule, name)) for rule in RULES]
    ignore = Ignore(by=IgnoreBy.ANNOTATION, rules=("PETS7*",), reason=name, where=name)
    more = [
        RuleOutcome(rule=Rule.NO_SPREAD, owner=of, standing=Standing.IGNORED, finding=finding(Rule.NO_SPREAD, f"{name}-2"), ignore=ignore),
        RuleOutcome(rule=Rule.LOST_POD, owner=of, standing=Standing.SKIP, unread=Unread("nodes", UnreadWhy.FORBIDDEN)),
        RuleOutcome(rule=Rule.GRACE_ZERO, owner=of, standing=Standing.OK),
    ]
    return Checkup(outcomes=(*found, *more), sets=1, at=NOW)


NOTHING = Checkup(outcomes=(RuleOutcome(rule=Rule.GRACE_ZERO, owner=SetRef(namespace="prod", name="web"), standing=Standing.OK),), sets=1, at=NOW)


@pytest.mark.parametrize("output", [each for each in FORMATS if each not in ("table", "wide")])
@pytest.mark.parametrize("checkup", [seen(), seen(EVIL, EVIL), NOTHING], ids=["found", "hostile", "nothing"])
def test_every_format_takes_everything(output: str, checkup: Checkup) -> None:
    text = document(checkup, output)
    assert "\x1b" not in text and "\x00" not in text and "\u202e" not in text


def test_every_rule_has_a_sentence_a_page_and_commands_that_are_whole() -> None:
    assert set(PAGES) == set(RULES)
    for rule in RULES:
        said = words.sentence(finding(rule))
        assert said and "None" not in said, rule
        command = words.mend(finding(rule), SetRef(namespace="prod", name="web"))
        assert command.startswith(("kubectl ", "kubectl pets ")), rule
        assert not re.search(r"<|NAME|LABEL", command), rule


@pytest.mark.parametrize("width", [60, 80, 120])
def test_in_a_window_sentences_go_on_below_themselves_and_commands_are_whole(width: int) -> None:
    """Whoever pastes a command that was cut runs another one."""
    lines = table.draw(seen(), width=width).splitlines()
    commands = {words.mend(finding(rule), SetRef(namespace="prod", name="web")) for rule in RULES}
    assert commands <= {line.strip() for line in lines}
    assert all(len(line) <= width for line in lines if line.strip() not in commands)
    said = " ".join(" ".join(lines).split())
    assert all(" ".join(words.sentence(finding(rule)).split()) in said for rule in RULES)


def test_what_a_manifest_has_wrong_is_not_edited_in_the_cluster() -> None:
    """The set may not be there, or the field is immutable."""
    at = SetRef(namespace="prod", name="web")
    commands = [words.mend(msgspec.structs.replace(finding(rule), field="spec.serviceName"), at) for rule in (Rule.MANIFEST_REFUSED, Rule.UPGRADE_FORBIDDEN)]
    assert commands == ["kubectl pets doctor explain PETS805", "kubectl get statefulset web -o yaml -n prod"]


def test_sarif() -> None:
    (run,) = json.loads(document(seen(), "sarif"))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [each["id"] for each in rules] == [card.number for card in RULES.values()]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])
    assert {each["level"] for each in run["results"]} == {"error", "warning", "note"}
    place = run["results"][0]["locations"][0]["logicalLocations"][0]
    assert place["fullyQualifiedName"] == "prod/web/web-0"
    assert [bool(each.get("suppressions")) for each in run["results"]].count(True) == 1
    assert json.loads(document(NOTHING, "sarif"))["runs"][0]["results"] == []


@pytest.mark.parametrize("checkup", [seen(), seen(EVIL, EVIL), NOTHING], ids=["found", "hostile", "nothing"])
def test_sarif_by_its_schema_and_junit_by_that_of_jenkins(checkup: Checkup) -> None:
    schema = json.loads((FORMATS_OF_OTHERS / "sarif-2.1.0.json").read_text(encoding="utf-8"))
    Draft7Validator.check_schema(schema)
    log = json.loads(document(checkup, "sarif"))
    assert [each.message for each in Draft7Validator(schema).iter_errors(log)] == []
    log["runs"][0]["results"].append({"level": "fatal"})
    assert not Draft7Validator(schema).is_valid(log)  # the schema bites

    xsd = etree.XMLSchema(etree.parse(FORMATS_OF_OTHERS / "jenkins-junit.xsd"))
    text = document(checkup, "junit")
    xsd.assertValid(etree.fromstring(text.encode()))
    assert not xsd.validate(etree.fromstring(text.replace("<testcase", "<testcase severity=''", 1).encode()))


def cases(checkup: Checkup) -> list[ElementTree.Element]:
    (suite,) = ElementTree.fromstring(document(checkup, "junit"))
    told = {name: int(suite.attrib[name]) for name in ("tests", "failures", "skipped")}
    counted = {"tests": len(suite), "failures": len(suite.findall("*/failure")), "skipped": len(suite.findall("*/skipped"))}
    assert told == counted
    return list(suite)


def test_junit_counts_what_it_holds() -> None:
    found = cases(seen())
    assert len(found) == len(RULES) + 3 and len({each.attrib["name"] for each in found}) == len(found)
    notices = sum(card.severity == "notice" for card in RULES.values())
    assert sum(each.find("failure") is not None for each in found) == len(RULES) - notices
    assert len(cases(seen(EVIL, EVIL))) == len(found) and len(cases(NOTHING)) == 1


def test_github_has_one_line_for_each_finding() -> None:
    for checkup in (seen(), seen(EVIL, EVIL)):
        lines = document(checkup, "github").splitlines()
        assert len(lines) == len(RULES)
        assert all(re.match(r"::(error|warning|notice) title=[^:,]+::.", line) for line in lines)
    assert document(NOTHING, "github") == ""


def test_the_summary_is_a_table_that_no_name_gets_out_of() -> None:
    for checkup in (seen(), seen(EVIL, EVIL), seen("![x](https://evil.test/p.png) | `a` <img src=x> @all", "|")):
        text = summary(checkup)
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        assert len(rows) == len(RULES) + 1 and all(len(re.findall(r"(?<!&)\|", row)) == 6 for row in rows)
        severities = [row.split(" | ")[0].removeprefix("| ") for row in rows[1:]]
        assert severities == sorted(severities, key=["error", "warning", "notice"].index)
        told = re.sub(r"</?code>", "", "".join(rows))
        assert not re.search(r"[<>`*@:(\[\]]", told), told
    assert "kubectl&#" not in summary(seen()) and "<code>kubectl pets " in summary(seen())
    assert summary(NOTHING) == "## kubectl pets doctor\n\n1 set&#58; nothing found; 1 passed  \n"


def test_a_summary_is_no_longer_than_github_takes() -> None:
    many = Checkup(outcomes=seen().outcomes * 200, sets=1, at=NOW)
    text = summary(many)
    assert len(text.encode()) <= 513 << 10
    shown = sum(line.startswith(("| error", "| warning", "| notice")) for line in text.splitlines())
    assert 0 < shown < 200 * len(RULES) and text.endswith(f"\nand {200 * len(RULES) - shown} more: -o wide shows all\n")


def test_openmetrics_is_of_its_grammar() -> None:
    for checkup in (seen(), seen(EVIL, EVIL), NOTHING):
        *lines, end = document(checkup, "openmetrics").splitlines()
        assert end == "# EOF"
        label = r'[a-z]+="(?:[^"\\\n]|\\\\|\\")*"'
        for line in lines:
            assert re.fullmatch(rf"# (TYPE|HELP) [a-z_]+ .+|[a-z_]+(\{{{label}(,{label})*\}})? [0-9]+", line), line


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_holds_nothing_that_runs_or_is_fetched() -> None:
    for checkup in (seen(), seen(EVIL, EVIL), NOTHING):
        page = document(checkup, "html")
        reader = Reader()
        reader.feed(page)
        assert reader.open == [] and not reader.seen & {"script", "link", "img", "iframe"}
        assert "http" not in page


def test_the_table_folds_what_is_many_and_wide_tells_all() -> None:
    of = SetRef(namespace="prod", name="web")
    found = tuple(
        RuleOutcome(rule=Rule.CLAIM_ORPHANED, owner=of, standing=Standing.FOUND, finding=finding(Rule.CLAIM_ORPHANED, f"data-{each}"))
        for each in range(9)
    )
    checkup = Checkup(outcomes=found, sets=1, at=NOW)
    assert "and 6 more of claim-orphaned" in table.draw(checkup) and "data-8" not in table.draw(checkup)
    assert "data-8" in table.draw(checkup, wide=True)
    assert table.total(checkup) == "1 set: 9 notices; 0 passed"
    assert table.draw(NOTHING) == "" and "nothing found; 1 passed" in table.total(NOTHING)


def test_documents_say_what_was_skipped_and_ignored() -> None:
    told = json.loads(document(seen(), "json"))
    assert (len(told["findings"]), len(told["ignored"]), len(told["skipped"]), told["passed"]) == (len(RULES), 1, 1, 1)
    assert told["skipped"][0] | {"set": None} == {"rule": "PETS601", "name": "lost-pod", "set": None, "resource": "nodes", "why": "forbidden"}
    lines = document(seen(), "jsonl").splitlines()
    assert len(lines) == len(RULES) and all(json.loads(line)["rule"] for line in lines)
    assert msgspec.yaml.decode(document(seen(), "yaml"))["kind"] == "Checkup"
