"""``-o sarif|junit|github|openmetrics``: what was examined, as pipelines read it.

SARIF 2.1.0 for code scanning: live objects have no file, so each result has a logical location and a fingerprint. JUnit as
Jenkins and GitLab read it: a suite for each set, a case for each rule. GitHub's workflow commands, one a finding. OpenMetrics for
the textfile collector of the node exporter: counts, no text of the cluster's besides names.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from kubectl_pets import __version__
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.doctor.checkup import Checkup, RuleOutcome, Standing
from kubectl_pets.domain.doctor.ignoring import fingerprint
from kubectl_pets.domain.findings import RULES, Finding, Severity
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.views.doctor import words
from kubectl_pets.views.doctor.pages import PAGES
from kubectl_pets.views.rollout.documents import dump

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "note"}
_WORST_FIRST = tuple(_LEVEL)
_COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTICE: "notice"}

#: XML 1.0 has no character for these, escaped or not; ``clean`` drops most of them.
_NOT_XML = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])


def _path(found: Finding, owner: SetRef) -> str:
    """``prod/web/web-0``: set and object."""
    parts = [owner.namespace or found.subject.namespace, owner.name, "" if words.is_about_set(found) else found.subject.name]
    return "/".join(clean(part) for part in parts if part)


def _outcomes(seen: Checkup, standing: Standing) -> Iterator[tuple[RuleOutcome, Finding]]:
    for each in seen.standing(standing):
        if each.finding is not None:
            yield each, each.finding


# --- SARIF -------------------------------------------------------------------------------------------------------------------


def sarif(seen: Checkup) -> str:
    """SARIF 2.1.0 (OASIS)."""
    numbers = [card.number for card in RULES.values()]
    rules = [
        {
            "id": card.number,
            "name": rule.value,
            "shortDescription": {"text": PAGES[rule].what},
            "fullDescription": {"text": f"{PAGES[rule].what} {PAGES[rule].why}"},
            "help": {"text": f"{PAGES[rule].mend} Rests on: {card.source}."},
            "defaultConfiguration": {"level": _LEVEL[card.severity]},
        }
        for rule, card in RULES.items()
    ]
    results = [_result(*each, numbers) for standing in (Standing.FOUND, Standing.IGNORED) for each in _outcomes(seen, standing)]
    driver = {
        "name": "kubectl-pets",
        "version": __version__,
        "rules": rules,
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return dump(document, "json")


def _result(each: RuleOutcome, found: Finding, numbers: list[str]) -> dict[str, Any]:
    number, path = RULES[found.rule].number, _path(found, each.owner)
    mark = fingerprint(found, each.owner)
    result: dict[str, Any] = {
        "ruleId": number,
        "ruleIndex": numbers.index(number),
        "level": _LEVEL[found.severity],
        "message": {"text": f"{path}: {words.sentence(found)}"},
        "locations": [
            {
                "logicalLocations": [
                    {"name": clean(found.subject.name), "fullyQualifiedName": path, "kind": "resource"}
                ]
            }
        ],
        "partialFingerprints": {"finding/v1": f"{mark.rule}:{path}:{clean(mark.field)}"},
    }
    if each.ignore is not None:
        result["suppressions"] = [{"kind": "external", "justification": words.ignored(each.ignore)}]
    return result


# --- JUnit -------------------------------------------------------------------------------------------------------------------


def junit(seen: Checkup) -> str:
    """One suite for each set, in it one case for each rule; a notice is no failure. Skipped and ignored rules are skipped."""
    suites: dict[SetRef, list[RuleOutcome]] = {}
    for each in seen.outcomes:
        suites.setdefault(each.owner, []).append(each)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites name="kubectl pets doctor">']
    for owner, own in suites.items():
        failures = sum(_fails(each) for each in own)
        skipped = sum(each.standing in (Standing.SKIP, Standing.IGNORED) for each in own)
        name = _attribute(words.title(owner))
        lines.append(f'  <testsuite name={name} tests="{len(own)}" failures="{failures}" errors="0" skipped="{skipped}">')
        for each in own:
            lines += _case(each, owner)
        lines.append("  </testsuite>")
    return "\n".join((*lines, "</testsuites>"))


def _fails(each: RuleOutcome) -> bool:
    return each.standing is Standing.FOUND and each.finding is not None and each.finding.severity is not Severity.NOTICE


def _case(each: RuleOutcome, owner: SetRef) -> Iterator[str]:
    card, found = RULES[each.rule], each.finding
    about = f" {words.about(found, owner) or clean(found.field)}".rstrip() if found is not None else ""
    name = _attribute(f"{card.number} {each.rule.value}{about}")
    head = f"    <testcase classname={_attribute(words.title(owner))} name={name}"
    if found is None and each.standing is Standing.OK:
        yield f"{head}/>"
        return
    yield f"{head}>"
    if found is None:
        yield f"      <skipped>{_xml(words.unread(each.unread))}</skipped>"
    elif each.standing is Standing.IGNORED:
        yield f"      <skipped>{_xml(words.ignored(each.ignore))}</skipped>"
    elif _fails(each):
        text = _xml(f"{PAGES[found.rule].why}\n{words.mend(found, owner)}")
        said, severity = _attribute(words.sentence(found)), _attribute(found.severity.value)
        yield f"      <failure type={severity} message={said}>{text}</failure>"
    else:
        yield f"      <system-out>{_xml(words.sentence(found))}</system-out>"
    yield "    </testcase>"


def _xml(text: str) -> str:
    return escape(text.translate(_NOT_XML))


def _attribute(text: str) -> str:
    return quoteattr(text.translate(_NOT_XML))


# --- GitHub ------------------------------------------------------------------------------------------------------------------


def github(seen: Checkup) -> str:
    """Workflow commands, which GitHub Actions turns into annotations."""
    lines = []
    for each, found in _outcomes(seen, Standing.FOUND):
        title = f"{RULES[found.rule].number} {found.rule.value}: {_path(found, each.owner)}"
        lines.append(f"::{_COMMAND[found.severity]} title={_property(title)}::{_data(words.sentence(found))}")
    return "\n".join(lines)


#: GitHub shows no summary of more than 1 MiB a step, and others of the step write to it, too.
_SUMMARY_BYTES = 512 << 10

#: Written as numbers: in Markdown a number never begins a table's cell, a link, HTML or a mark (CommonMark 0.31, 2.5).
_MARKS = {ord(each): f"&#{ord(each)};" for each in "\\`*_{}[]<>()#+!|~&\"'@:"}


def summary(seen: Checkup, total: str) -> str:
    """A page for the summary of a step of GitHub Actions, in its Markdown: the ``total`` of what was judged, and a row a finding,
    the worst first, as many as there is room for."""
    head = ["## kubectl pets doctor", "", *(f"{_marked(line)}  " for line in total.splitlines())]
    rows = sorted(_outcomes(seen, Standing.FOUND), key=lambda each: _WORST_FIRST.index(each[1].severity))
    if rows:
        head += ["", "| severity | rule | object | finding | next |", "|---|---|---|---|---|"]
    lines, left = head, _SUMMARY_BYTES - sum(len(line.encode()) + 1 for line in head)
    for number, (each, found) in enumerate(rows):
        row = _row(found, each.owner)
        left -= len(row.encode()) + 1
        if left < 0:
            lines += ["", f"and {len(rows) - number} more: -o wide shows all"]
            break
        lines.append(row)
    return "\n".join((*lines, ""))


def _row(found: Finding, owner: SetRef) -> str:
    rule = f"{RULES[found.rule].number} {found.rule.value}"
    command = words.mend(found, owner)
    shown = f"<code>{_marked(command)}</code>" if command else ""
    cells = (found.severity.value, *map(_marked, (rule, _path(found, owner), words.sentence(found))), shown)
    return f"| {' | '.join(cells)} |"


def _marked(text: str) -> str:
    return " ".join(clean(text).split()).translate(_MARKS)


def _data(text: str) -> str:
    """As toolkit's escapeData."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# --- OpenMetrics -------------------------------------------------------------------------------------------------------------


def openmetrics(seen: Checkup) -> str:
    """How many findings of each rule each set has, and how many rules were passed and skipped."""
    found = Counter((each.owner, finding.rule, finding.severity) for each, finding in _outcomes(seen, Standing.FOUND))
    lines = [
        "# TYPE kubectl_pets_doctor_findings gauge",
        "# HELP kubectl_pets_doctor_findings Findings of a rule in a set.",
    ]
    for (owner, rule, severity), number in found.items():
        labels = {
            "namespace": owner.namespace,
            "set": owner.name,
            "rule": RULES[rule].number,
            "name": rule.value,
            "severity": severity.value,
        }
        spelt = ",".join(f'{key}="{_label(value)}"' for key, value in labels.items())
        lines.append(f"kubectl_pets_doctor_findings{{{spelt}}} {number}")
    for name, number in (
        ("passed", len(seen.standing(Standing.OK))),
        ("skipped", len(seen.standing(Standing.SKIP))),
        ("ignored", len(seen.standing(Standing.IGNORED))),
    ):
        lines.append(f"# TYPE kubectl_pets_doctor_rules_{name} gauge")
        lines.append(f"kubectl_pets_doctor_rules_{name} {number}")
    lines.append("# TYPE kubectl_pets_doctor_sets gauge")
    lines.append(f"kubectl_pets_doctor_sets {seen.sets}")
    lines.append("# EOF")
    return "\n".join(lines)


def _label(text: str) -> str:
    return clean(text).replace("\\", "\\\\").replace('"', '\\"')
