"""``-o json|yaml|name``: the same verdicts for programs. The shape is written out field by field, because others build on it and
the domain's values must stay free to change: camelCase keys in a fixed order, enums as their values, times in RFC 3339 (UTC), and
null for what could not be read, which is never the same as none.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.claims.growth import Growth
from kubectl_pets.domain.findings import RULES, Finding
from kubectl_pets.domain.rollout.causes import cause_of
from kubectl_pets.domain.rollout.found import findings
from kubectl_pets.domain.rollout.members import Member
from kubectl_pets.domain.rollout.ranking import SetOrder, in_order
from kubectl_pets.domain.rollout.revisions import Image, RevisionGroup
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker, Cause
from kubectl_pets.domain.sets.kinds import SetKind
from kubectl_pets.domain.stepping.steps import Act, Goal, Plan

if TYPE_CHECKING:  # where all is well it is not loaded
    from kubectl_pets.domain.rollout.evidence import Explanation

API_VERSION = "kubectl-pets/v1alpha1"

#: No name that the API takes is longer, so none is cut where it is to be used.
LONGEST_NAME = 253


def one(seen: Assessment, output: str, evidence: "Explanation | None" = None) -> str:
    """One set as ``json``, ``yaml`` or ``name``, with the ``evidence`` where it was asked for."""
    return _name(seen) if output == "name" else dump(status(seen, evidence), output)


def status(seen: Assessment, evidence: "Explanation | None" = None) -> dict[str, Any]:
    """One set, not yet written down."""
    found = {"apiVersion": API_VERSION, "kind": "RolloutStatus", **_status(seen)}
    if evidence is not None:
        from kubectl_pets.views.rollout import evidence as evidence_view

        found["evidence"] = evidence_view.document(evidence)
    return found


def many(
    seen: Iterable[Assessment],
    output: str,
    *,
    kinds_not_read: Sequence[str] = (),
    namespaces: bool = False,
    order: SetOrder = SetOrder.NAME,
    evidence: "Sequence[Explanation | None]" = (),
) -> str:
    """Several sets in ``order``; as ``name`` one a line, which with ``namespaces`` says where each of them is.
    ``kinds_not_read``: resources of which there may be more. ``evidence``: of each of ``seen``, where it was asked for."""
    seen = tuple(seen)
    ordered = in_order(seen, order)
    if output == "name":
        return "\n".join((f"{clean(each.namespace)}/" if namespaces else "") + _name(each) for each in ordered)
    beside = {id(each): told for each, told in zip(seen, evidence)}
    items = [status(each, beside.get(id(each))) for each in ordered]
    return dump({"apiVersion": API_VERSION, "kind": "RolloutStatusList", "kindsNotRead": kinds_not_read, "items": items}, output)


def plan(planned: Plan, goal: Goal, seen: Assessment, output: str) -> str:
    """What a verb would do to the set as it was ``seen``."""
    return dump(intent(planned, goal, seen), output)


def intent(planned: Plan, goal: Goal, seen: Assessment) -> dict[str, Any]:
    """As ``plan``, not yet written down."""
    return {
        "apiVersion": API_VERSION,
        "kind": "RolloutPlan",
        "metadata": _metadata(seen),
        "goal": camel(goal),
        "entries": [camel(entry.step if isinstance(entry, Act) else entry) for entry in planned.entries],
        "ending": camel(planned.ending),
    }


def listed(documents: Sequence[dict[str, Any]], output: str) -> str:
    """The documents of several sets as one: a list of their kind, or of no kind where some are plans and some are not."""
    kinds = {each["kind"] for each in documents} or {"RolloutStatus"}
    kind = f"{kinds.pop()}List" if len(kinds) == 1 else "RolloutList"
    unread: dict[str, Any] = {"kindsNotRead": []} if kind == "RolloutStatusList" else {}
    return dump({"apiVersion": API_VERSION, "kind": kind, **unread, "items": list(documents)}, output)


def finding(found: Finding) -> dict[str, Any]:
    """One finding, as in the documents of every verb."""
    return {
        "rule": RULES[found.rule].number,
        "name": found.rule,
        "severity": found.severity,
        "subject": {"kind": found.subject.kind, "namespace": found.subject.namespace, "name": found.subject.name},
        "names": list(found.names),
        "number": found.number,
        "limit": found.limit,
        "detail": found.detail or None,
        "since": found.since,
        "until": found.until,
        "source": RULES[found.rule].source,
    }


def dump(document: dict[str, Any], output: str) -> str:
    """As ``json``, ``yaml``, or ``jsonl``: in one line."""
    values = msgspec.to_builtins(document)
    if output == "yaml":
        import yaml

        # libyaml, where PyYAML was built with it, is several times faster.
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        return str(yaml.dump(values, Dumper=dumper, sort_keys=False)).rstrip("\n")
    if output == "jsonl":
        return on_one_line(values)
    text = msgspec.json.format(msgspec.json.encode(values), indent=2).decode()
    return "\n".join(map(_printable, text.split("\n")))


def on_one_line(document: dict[str, Any]) -> str:
    """As JSON on a line of its own."""
    return _printable(msgspec.json.encode(document).decode())


def _printable(line: str) -> str:
    return line if line.isprintable() else "".join(map(_escaped, line))


def _escaped(character: str) -> str:
    """JSON allows raw C1 controls and bidi overrides in strings, a terminal should not see them. Only strings can hold them."""
    if character.isprintable():
        return character
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))


def _name(seen: Assessment) -> str:
    return f"{seen.kind.typed}/{clean(seen.name, LONGEST_NAME)}"


def _metadata(seen: Assessment) -> dict[str, Any]:
    return {"namespace": seen.namespace, "name": seen.name, "uid": seen.uid, "creationTimestamp": seen.created}


def of_kind(kind: SetKind) -> dict[str, str]:
    """What kind of set was judged."""
    return {"apiVersion": kind.api_version, "kind": kind.kind}


def _revision(group: RevisionGroup, known: bool) -> dict[str, Any]:
    """A revision as a document; ``known``: the pods could be read, so that its pods are told."""
    return {
        "name": group.name,
        "number": group.number,
        "current": group.current,
        "update": group.update,
        "images": _images(group.images),
        "pods": group.pods if known else None,
    }


def _status(seen: Assessment) -> dict[str, Any]:
    known = not any(found.cause is Cause.PODS_UNREADABLE for found in seen.blockers)
    return {
        "metadata": _metadata(seen),
        "set": of_kind(seen.kind),
        "spec": {
            "replicas": seen.replicas,
            "ordinalsStart": seen.start,
            "strategy": seen.strategy,
            "podManagementPolicy": seen.policy,
            "partition": seen.partition,
            "maxUnavailable": seen.max_unavailable,
            "minReadySeconds": seen.min_ready_seconds,
            "paused": seen.updates_stopped,
            "reservedOrdinals": [list(each) for each in seen.slots.reserved.ranges],
            "images": _images(seen.template),
        },
        "status": {
            "phase": seen.phase,
            "staged": seen.staged,
            "partitionLeftOver": seen.partition_left_over,
            "resumePartition": seen.resume_partition,
            "ready": seen.ready if known else None,
            "available": seen.available if known else None,
            "updated": seen.updated if known else None,
            "claims": seen.claims,
            "resizing": [{"name": each.claim, "pod": each.pod, **growth(each.growth)} for each in seen.growing],
            "currentRevision": seen.current_revision,
            "updateRevision": seen.update_revision,
            "revisions": [_revision(group, known) for group in seen.revisions],
            "pods": [_pod(member) for member in seen.members] if known else None,
            "surplusPods": [_pod(member) for member in seen.surplus] if known else None,
            "waitsFor": [
                {"awaited": wait.awaited, "pod": wait.pod or None, "count": wait.count, "lastPod": wait.last_pod or None}
                for wait in seen.waits_for
            ],
            "blockers": [_blocker(found) for found in seen.blockers],
            "failing": [{**_blocker(found), "stuckAt": found.stuck_at} for found in seen.failing],
            "silentNodes": [{"name": node.name, "ready": node.ready or None, "since": node.since} for node in seen.silent_nodes],
            "notRead": seen.unread,
            "youngestUpSeconds": seen.youngest_up.total_seconds() if seen.youngest_up is not None else None,
            "findings": [finding(each) for each in findings(seen)],
            "recheckAt": seen.recheck_at,
        },
    }


def growth(found: Growth) -> dict[str, Any]:
    """How far the expansion of a claim is; sizes in bytes."""
    return {
        "stage": found.stage.value,
        "asks": found.asks,
        "has": found.has,
        "message": found.message or None,
        "since": found.since,
        "offlineOnly": found.offline,
    }


def _blocker(found: Blocker) -> dict[str, Any]:
    return {
        "id": cause_of(found),
        "cause": found.cause,
        "pod": found.pod or None,
        "reason": found.reason,
        "message": found.message,
        "updated": found.updated,
        "container": found.container or None,
        "exitCode": found.exit_code,
        "signal": found.signal or None,
        "end": found.end or None,
        "restarts": found.restarts,
        "since": found.since,
    }


def _pod(member: Member) -> dict[str, Any]:
    return {
        "name": member.name,
        "ordinal": member.ordinal,
        "position": member.position,
        "count": member.count,
        "lastName": member.last_name or None,
        "state": member.state,
        "revision": member.revision or None,
        "updated": member.updated,
        "released": member.released,
        "reason": member.reason,
        "message": member.message,
        "node": member.node or None,
        "restarts": member.restarts,
        "creationTimestamp": member.created,
        "availableAt": member.available_at,
        "leavesBy": member.leaves_by,
        "claims": [{"name": use.name, "phase": use.phase, "terminating": use.terminating} for use in member.claims],
        "parts": [
            {"name": each.name, "ready": each.ready, "reason": each.reason, "node": each.node or None} for each in member.parts
        ],
    }


def _images(found: Iterable[Image]) -> list[dict[str, str]]:
    return [{"container": image.container, "image": image.image} for image in found]


def camel(value: Any) -> Any:
    """A value of ``steps`` as it is, with camelCase keys; its tag becomes ``type``."""
    if isinstance(value, msgspec.Struct):
        return camel(msgspec.to_builtins(value))
    if isinstance(value, dict):
        return {_camel_key(key): camel(item) for key, item in value.items()}
    return [camel(item) for item in value] if isinstance(value, list) else value


def _camel_key(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(word.capitalize() for word in others)
