"""``kubectl pets dns -o json|yaml``: the diagnosis for programs. The shape follows ``documents``: written out field by field, and
null for what could not be read or was not asked.
"""

from collections.abc import Iterable
from typing import Any

from kubectl_pets.domain.dns.comparing import Heard
from kubectl_pets.domain.dns.endpoints import EndpointEntry
from kubectl_pets.domain.dns.found import findings
from kubectl_pets.domain.dns.reasons import Diagnosis, Link, NameFinding, NameLine
from kubectl_pets.views.rollout import documents


def one(seen: Diagnosis, output: str) -> str:
    return documents.dump(document(seen), output)


def many(found: Iterable[Diagnosis], output: str) -> str:
    """Several sets, in the order asked for."""
    items = [document(seen) for seen in found]
    return documents.dump({"apiVersion": documents.API_VERSION, "kind": "DnsDiagnosisList", "items": items}, output)


def document(seen: Diagnosis) -> dict[str, Any]:
    return {
        "apiVersion": documents.API_VERSION,
        "kind": "DnsDiagnosis",
        "set": documents.of_kind(seen.kind),
        "metadata": {"namespace": seen.namespace, "name": seen.set},
        "service": seen.service or None,
        "clusterDomain": {"name": seen.zone.name, "source": seen.zone.source},
        "resolved": seen.resolved,
        "right": seen.right,
        "servers": [
            {
                "namespace": hearing.server.namespace or None,
                "name": hearing.server.name,
                "node": hearing.server.node or None,
                "askedAt": hearing.asked_at,
                "trouble": hearing.trouble or None,
                "missingRight": _right(hearing.missing_right),
            }
            for hearing in seen.hearings
        ],
        "names": [_line(line) for line in seen.lines],
        "remarks": [_finding(remark) for remark in seen.remarks],
        "findings": [documents.finding(each) for each in findings(seen)],
        "missingRights": [_right(right) for right in seen.missing_rights],
    }


def _line(line: NameLine) -> dict[str, Any]:
    records = line.name.records
    return {
        "kind": line.name.kind,
        "name": line.name.name or None,
        "pod": line.name.pod or None,
        "ordinal": line.name.ordinal,
        "port": line.name.port or None,
        "expected": None if records is None else list(records),
        "endpoints": None if line.entries is None else [_entry(entry) for entry in line.entries],
        "answers": [_heard(heard) for heard in line.heard],
        "verdict": line.verdict,
        "reason": _finding(line.finding) if line.finding else None,
        "links": [_link(link) for link in line.links],
    }


def _entry(entry: EndpointEntry) -> dict[str, Any]:
    return {
        "slice": entry.slice,
        "address": entry.address,
        "ready": entry.ready,
        "hostname": entry.hostname or None,
        "pod": entry.pod or None,
    }


def _heard(heard: Heard) -> dict[str, Any]:
    return {
        "server": heard.hearing.server.name,
        "standing": heard.standing,
        "questions": [
            {
                "type": each.expectation.question.type,
                "standing": each.standing,
                "outcome": each.answer.outcome if each.answer else None,
                "records": list(each.answer.records) if each.answer else None,
                "ttl": each.answer.ttl if each.answer else None,
                "truncated": each.answer.truncated if each.answer else None,
            }
            for each in heard.compared
        ],
    }


def _link(link: Link) -> dict[str, Any]:
    return {
        "check": link.check,
        "state": link.state,
        "findings": [_finding(each) for each in link.findings],
        "skipped": link.skip,
        "missingRight": _right(link.right),
        "remarks": [_finding(each) for each in link.remarks],
    }


def _finding(found: NameFinding) -> dict[str, Any]:
    return {
        "reason": found.reason,
        "subject": found.subject or None,
        "detail": found.detail or None,
        "server": found.server or None,
        "until": found.until,
    }


def _right(right: tuple[str, str] | None) -> dict[str, str] | None:
    return {"verb": right[0], "resource": right[1]} if right else None
