"""``-o json|yaml|jsonl``: what was judged, for programs. Skipped and ignored rules are in it, each with its reason."""

from typing import Any

from kubectl_pets.domain.doctor.checkup import Checkup, RuleOutcome, Standing
from kubectl_pets.domain.doctor.ignoring import Ignore
from kubectl_pets.domain.findings import RULES, Finding
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.views.doctor import words
from kubectl_pets.views.doctor.pages import PAGES
from kubectl_pets.views.rollout import documents


def document(seen: Checkup, output: str) -> str:
    """As ``json`` or ``yaml`` one document, as ``jsonl`` one object a line: findings only."""
    if output == "jsonl":
        return "\n".join(documents.on_one_line(_finding(each)) for each in seen.standing(Standing.FOUND))
    found = [_finding(each) for each in seen.standing(Standing.FOUND)]
    return documents.dump(
        {
            "apiVersion": documents.API_VERSION,
            "kind": "Checkup",
            "at": seen.at,
            "sets": seen.sets,
            "passed": len(seen.standing(Standing.OK)),
            "findings": found,
            "ignored": [_finding(each) for each in seen.standing(Standing.IGNORED)],
            "skipped": [_skipped(each) for each in seen.standing(Standing.SKIP)],
            "kindsNotRead": seen.kinds_not_read,
            "baselineNotFound": seen.healed,
        },
        output,
    )


def finding(found: Finding, owner: SetRef) -> dict[str, Any]:
    """One finding: what other verbs say of it, and what only this one does."""
    return {
        **documents.finding(found),
        "set": _set(owner),
        "field": found.field or None,
        "message": words.sentence(found),
        "next": PAGES[found.rule].why,
        "command": words.mend(found, owner) or None,
    }


def rules(output: str) -> str:
    """All rules."""
    items = [
        {
            "rule": card.number,
            "name": rule,
            "severity": card.severity,
            "optIn": card.opt_in,
            "what": PAGES[rule].what,
            "why": PAGES[rule].why,
            "mend": PAGES[rule].mend,
            "source": card.source,
        }
        for rule, card in RULES.items()
    ]
    return documents.dump({"apiVersion": documents.API_VERSION, "kind": "RuleList", "items": items}, output)


def _finding(each: RuleOutcome) -> dict[str, Any]:
    assert each.finding is not None
    told = finding(each.finding, each.owner)
    return told if each.ignore is None else {**told, "ignore": _ignore(each.ignore)}


def _ignore(each: Ignore) -> dict[str, Any]:
    return {"by": each.by, "reason": each.reason or None, "until": each.until, "where": each.where or None}


def _skipped(each: RuleOutcome) -> dict[str, Any]:
    unread = each.unread
    return {
        "rule": RULES[each.rule].number,
        "name": each.rule,
        "set": _set(each.owner),
        "resource": unread.resource if unread is not None else None,
        "why": unread.why if unread is not None else None,
    }


def _set(owner: SetRef) -> dict[str, Any] | None:
    if not owner.name:
        return None
    return {**documents.of_kind(owner.kind), "namespace": owner.namespace, "name": owner.name}
