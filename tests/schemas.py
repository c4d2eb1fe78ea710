"""The JSON Schemas of what -o json|yaml|jsonl prints, one a kind: ``python -m tests.schemas`` writes them to docs/schemas.

They are kept apart from the views on purpose: what is written down here is what others were promised, and ``check`` holds every
document against it. Words come from the domain's own enumerations. The published schemas leave room for new fields; ``check``
does not, so that a field without a word here fails a test.
"""

import json
import re
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import best_match  # type: ignore[import-untyped]

from kubectl_pets.domain.findings import Rule, Severity
from kubectl_pets.domain.orphans.findings import Class, EvidenceKind, Fate
from kubectl_pets.domain.recreate.plan import TemplateFate
from kubectl_pets.domain.recreate.refusing import RecreateRefusedReason
from kubectl_pets.domain.rollout.members import PodState
from kubectl_pets.domain.rollout.report import PodProgress, PodStage, Unseen
from kubectl_pets.domain.rollout.verdict import Awaited, Cause, Phase
from kubectl_pets.domain.safety.lost import Held
from kubectl_pets.domain.snapshots.listing import Taker
from kubectl_pets.domain.snapshots.restoring import NoReturn, Stand
from kubectl_pets.errors import ExitCode
from kubectl_pets.views.orphans.outcomes import Came
from kubectl_pets.views.rollout.documents import API_VERSION

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
DATE: Schema = {"type": "string", "format": "date"}
TIME: Schema = {"type": "string", "format": "date-time"}
ANY: Schema = {}
#: What a step, a warning or the like has beside its type depends on that.
OPEN: Schema = {"type": "object"}


def obj(**fields: Schema) -> Schema:
    """An object that has all of these fields."""
    return {"type": "object", "required": list(fields), "properties": fields}


def without(found: Schema, *optional: str) -> Schema:
    """The same object, which may lack the ``optional`` fields."""
    return {**found, "required": [name for name in found["required"] if name not in optional]}


def many(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


def null(found: Schema) -> Schema:
    """What may be unknown or absent."""
    if set(found) == {"type"} or set(found) == {"type", "format"}:
        return {**found, "type": [found["type"], "null"]}
    return {"anyOf": [found, {"type": "null"}]}


def words(*kinds: type[StrEnum]) -> Schema:
    """One of the words of these enumerations."""
    return {"enum": sorted({each.value for kind in kinds for each in kind})}


def tagged() -> Schema:
    """An object whose ``type`` says what else it has."""
    return {"type": "object", "required": ["type"], "properties": {"type": STRING}, "additionalProperties": True}


def document(kind: str, **fields: Schema) -> Schema:
    """A document of this kind."""
    return obj(apiVersion={"const": API_VERSION}, kind={"const": kind}, **fields)


def listed(kind: str, item: Schema, **fields: Schema) -> Schema:
    """A list of documents."""
    return document(kind, **fields, items=many(item))


NAMED = obj(namespace=STRING, name=STRING)
NAMED_UID = obj(namespace=STRING, name=STRING, uid=STRING)
METADATA = obj(namespace=STRING, name=STRING, uid=STRING, creationTimestamp=null(TIME))
OF_KIND = obj(apiVersion=STRING, kind=STRING)
IMAGES = many(obj(container=STRING, image=STRING))

RULES = words(Rule)
FINDING_FIELDS: dict[str, Schema] = {
    "rule": STRING,
    "name": RULES,
    "severity": words(Severity),
    "subject": obj(kind=STRING, namespace=STRING, name=STRING),
    "names": many(STRING),
    "number": null(INTEGER),
    "limit": null(INTEGER),
    "detail": null(STRING),
    "since": null(TIME),
    "until": null(TIME),
    "source": STRING,
}
FINDING = obj(**FINDING_FIELDS)

# --- rollouts ----------------------------------------------------------------------------------------------------------------

CAUSES = words(Cause)
BLOCKER_FIELDS: dict[str, Schema] = {
    "id": STRING,
    "cause": CAUSES,
    "pod": null(STRING),
    "reason": STRING,
    "message": STRING,
    "updated": BOOLEAN,
    "container": null(STRING),
    "exitCode": null(INTEGER),
    "signal": null(INTEGER),
    "end": null(STRING),
    "restarts": INTEGER,
    "since": null(TIME),
}
POD = obj(
    name=STRING,
    ordinal=INTEGER,
    position=INTEGER,
    count=INTEGER,
    lastName=null(STRING),
    state=words(PodState),
    revision=null(STRING),
    updated=BOOLEAN,
    released=BOOLEAN,
    reason=STRING,
    message=STRING,
    node=null(STRING),
    restarts=INTEGER,
    creationTimestamp=null(TIME),
    availableAt=null(TIME),
    leavesBy=null(TIME),
    claims=many(obj(name=STRING, phase=null(STRING), terminating=BOOLEAN)),
    parts=many(obj(name=STRING, ready=BOOLEAN, reason=STRING, node=null(STRING))),
)
REVISION = obj(
    name=STRING, number=null(INTEGER), current=BOOLEAN, update=BOOLEAN, images=IMAGES, pods=null(many(STRING))
)
CHANGE = without(obj(path=many(STRING), reordered=BOOLEAN, before=ANY, after=ANY), "reordered", "before", "after")
EVIDENCE = obj(
    log=null(obj(pod=STRING, container=STRING, previous=BOOLEAN, lines=many(STRING))),
    events=many(obj(about=STRING, reason=STRING, message=STRING, count=INTEGER, lastTimestamp=null(TIME))),
    changed=null(obj(revision=INTEGER, against=INTEGER, changes=many(obj(path=many(STRING), told=STRING)))),
    quotas=many(obj(name=STRING, resource=STRING, used=STRING, hard=STRING)),
    notRead=many(STRING),
)
SPEC = obj(
    replicas=INTEGER,
    ordinalsStart=INTEGER,
    strategy=STRING,
    podManagementPolicy=STRING,
    partition=INTEGER,
    maxUnavailable={"type": ["integer", "string", "null"]},
    minReadySeconds=INTEGER,
    paused=BOOLEAN,
    reservedOrdinals=many(many(INTEGER)),
    images=IMAGES,
)
GROWTH: dict[str, Schema] = {
    "stage": STRING,
    "asks": null(INTEGER),
    "has": null(INTEGER),
    "message": null(STRING),
    "since": null(TIME),
    "offlineOnly": BOOLEAN,
}
STANDING = obj(
    phase=words(Phase),
    staged=BOOLEAN,
    partitionLeftOver=BOOLEAN,
    resumePartition=null(INTEGER),
    ready=null(INTEGER),
    available=null(INTEGER),
    updated=null(INTEGER),
    claims=null(INTEGER),
    resizing=many(obj(name=STRING, pod=STRING, **GROWTH)),
    currentRevision=STRING,
    updateRevision=STRING,
    revisions=many(REVISION),
    pods=null(many(POD)),
    surplusPods=null(many(POD)),
    waitsFor=many(obj(awaited=words(Awaited), pod=null(STRING), count=INTEGER, lastPod=null(STRING))),
    blockers=many(obj(**BLOCKER_FIELDS)),
    failing=many(obj(**BLOCKER_FIELDS, stuckAt=null(TIME))),
    silentNodes=many(obj(name=STRING, ready=null(STRING), since=null(TIME))),
    notRead=many(STRING),
    youngestUpSeconds=null(NUMBER),
    findings=many(FINDING),
    recheckAt=null(TIME),
)
STATUS = without(
    document("RolloutStatus", metadata=METADATA, set=OF_KIND, spec=SPEC, status=STANDING, evidence=EVIDENCE), "evidence"
)
PLANNED_SNAPSHOT = obj(**{"name": STRING, "claim": STRING, "class": STRING})
PLAN = without(
    document(
        "RolloutPlan",
        metadata=METADATA,
        goal=tagged(),
        entries=many(tagged()),
        ending=tagged(),
        snapshots=many(PLANNED_SNAPSHOT),
        groupSnapshot=obj(**{"name": STRING, "claims": many(STRING), "class": STRING}),
    ),
    "snapshots",
    "groupSnapshot",
)
SET_SNAPSHOT = obj(
    name=STRING,
    uid=STRING,
    claim=STRING,
    pod=STRING,
    ordinal=INTEGER,
    taker=words(Taker),
    revision=null(STRING),
    run=null(STRING),
    askedAt=null(TIME),
    cutAt=null(TIME),
    ready=BOOLEAN,
    leaving=BOOLEAN,
    size=STRING,
    group=null(STRING),
    content=STRING,
    error=STRING,
    claimIsSame=null(BOOLEAN),
    **{"class": STRING},
)
SPREAD = obj(run=STRING, group=null(STRING), snapshots=INTEGER, secondsApart=NUMBER, notCut=INTEGER)
DATA_RETURN = document(
    "DataReturn",
    namespace=STRING,
    name=STRING,
    revision=obj(name=STRING, number=INTEGER),
    run=null(STRING),
    done=BOOLEAN,
    secondsApart=null(NUMBER),
    claims=many(
        obj(
            claim=STRING,
            ordinal=INTEGER,
            stand=words(Stand),
            snapshot=STRING,
            cutAt=null(TIME),
            askedAt=TIME,
            size=null(INTEGER),
            storageClass=STRING,
            waitsForPod=BOOLEAN,
            ofEarlierClaim=BOOLEAN,
            volume=null(STRING),
        )
    ),
    refused=many(obj(reason=words(NoReturn), claim=null(STRING), detail=null(STRING), message=STRING)),
    leftAlone=many(STRING),
)
EVENT = document(
    "RolloutEvent",
    type={"enum": ["begin", "change", "step", "trouble", "end"]},
    time=TIME,
    namespace=STRING,
    name=STRING,
    phase=words(Phase),
    replicas=null(INTEGER),
    ready=null(INTEGER),
    available=null(INTEGER),
    updated=null(INTEGER),
    partition=null(INTEGER),
    currentRevision=null(STRING),
    updateRevision=null(STRING),
    causes=many(obj(id=STRING, pods=many(STRING))),
    pods=many(
        obj(
            name=STRING,
            lastName=null(STRING),
            state=STRING,
            revision=null(STRING),
            node=null(STRING),
            restarts=INTEGER,
            reason=null(STRING),
        )
    ),
    message=null(STRING),
    exitCode=null(INTEGER),
    status=null(STATUS),
)
HISTORY = document(
    "RolloutHistory",
    metadata=NAMED,
    revisions=many(
        obj(
            revision=INTEGER,
            name=STRING,
            creationTimestamp=null(TIME),
            current=BOOLEAN,
            update=BOOLEAN,
            live=BOOLEAN,
            kept=BOOLEAN,
            images=many(STRING),
            pods=null(many(STRING)),
            changes=null(many(CHANGE)),
        )
    ),
)
WARNED = obj(about=STRING, reason=STRING, message=STRING, count=INTEGER, lastTimestamp=null(TIME))
REPORT = document(
    "RolloutReport",
    metadata=NAMED_UID,
    at=TIME,
    revision=obj(
        number=INTEGER,
        name=STRING,
        creationTimestamp=null(TIME),
        wanted=BOOLEAN,
        changes=null(many(obj(path=many(STRING), told=STRING))),
    ),
    phase=words(Phase),
    began=null(TIME),
    ended=null(TIME),
    tookSeconds=null(NUMBER),
    expectedAt=null(TIME),
    done=INTEGER,
    slowestPod=null(STRING),
    pods=many(
        obj(
            name=STRING,
            progress=words(PodProgress),
            state=words(PodState),
            node=null(STRING),
            restarts=INTEGER,
            deleted=null(TIME),
            created=null(TIME),
            scheduled=null(TIME),
            pulled=null(TIME),
            ready=null(TIME),
            available=null(TIME),
            tookSeconds=null(NUMBER),
            stages=many(obj(stage=words(PodStage), seconds=NUMBER)),
            madeAgain=BOOLEAN,
            warnings=many(WARNED),
        )
    ),
    warnings=many(WARNED),
    writers=many(obj(manager=STRING, operation=STRING, time=null(TIME), fields=many(STRING))),
    unseen=many(obj(why=words(Unseen), pods=many(STRING))),
)
HANDOVER = document(
    "Handover", metadata=NAMED_UID, fields=many(without(obj(path=STRING, value=ANY), "value")), kept=null(STRING)
)

# --- sizes -------------------------------------------------------------------------------------------------------------------

VOTES = obj(members=INTEGER, majority=INTEGER, available=INTEGER, tolerates=INTEGER)
SCALE = document(
    "ScalePlan",
    metadata=NAMED_UID,
    replicas=obj(before=INTEGER, after=INTEGER, ordinalsStart=INTEGER),
    podManagementPolicy=STRING,
    moves=many(
        obj(action={"enum": ["create", "remove"]}, pod=STRING, lastPod=null(STRING), count=INTEGER, revision=null(STRING))
    ),
    returningClaims=null(many(OPEN)),
    leavingClaims=null(many(OPEN)),
    quorum=obj(now=VOTES, then=VOTES),
    autoscalers=many(OPEN),
    warnings=many(OPEN),
    stakes=many(ANY),
    refused=null(OPEN),
    reached=BOOLEAN,
)
RESIZE = document(
    "ResizePlan",
    metadata=NAMED_UID,
    size=STRING,
    bytes=INTEGER,
    attributesClass=null(STRING),
    template=obj(
        name=null(STRING), bytes=null(INTEGER), differs=null(BOOLEAN), follows=BOOLEAN, refused=null(many(OPEN))
    ),
    claims=many(
        obj(
            name=STRING,
            pod=STRING,
            **GROWTH,
            then=INTEGER,
            changes=BOOLEAN,
            inUse=BOOLEAN,
            storageClass=null(STRING),
            provisioner=null(STRING),
            expandable=null(BOOLEAN),
            volume=null(STRING),
            reclaimPolicy=null(STRING),
            attributesClass=null(STRING),
            modification=null(STRING),
        )
    ),
    leftOut=INTEGER,
    unmade=many(STRING),
    leftOver=many(OPEN),
    quotas=many(OPEN),
    managers=many(OPEN),
    skipped=many(OPEN),
    refused=many(OPEN),
    objections=null(many(OPEN)),
    done=BOOLEAN,
)

RECREATE = document(
    "RecreatePlan",
    metadata=NAMED_UID,
    fields=many(obj(field=STRING, before=STRING, after=STRING)),
    claimTemplates=many(
        obj(name=STRING, fate=words(TemplateFate), sizeBefore=STRING, size=STRING, classBefore=STRING, storageClass=STRING)
    ),
    pods=INTEGER,
    lacking=obj(volumes=many(STRING), subdomain=many(STRING)),
    revisionsLost=many(STRING),
    managers=many(OPEN),
    templateLeftOut=BOOLEAN,
    takersUnread=many(STRING),
    refused=many(obj(reason=words(RecreateRefusedReason), subjects=many(STRING))),
    done=BOOLEAN,
)

# --- safety and names --------------------------------------------------------------------------------------------------------

PLACES = null(many(obj(name=STRING, pods=many(STRING), leftWithoutIt=INTEGER)))
BUDGET = obj(
    name=STRING,
    minAvailable={"type": ["integer", "string", "null"]},
    maxUnavailable={"type": ["integer", "string", "null"]},
    covers=INTEGER,
    allowedNow=null(INTEGER),
    allowedAtBest=INTEGER,
)
QUORUM = document(
    "Quorum",
    set=OF_KIND,
    metadata=NAMED,
    members=INTEGER,
    ordinalsStart=INTEGER,
    available=null(INTEGER),
    majority=INTEGER,
    tolerates=null(INTEGER),
    survivesNodeLoss=null(BOOLEAN),
    survivesZoneLoss=null(BOOLEAN),
    nodes=PLACES,
    zones=PLACES,
    podsWithoutZone=many(STRING),
    evictableAtOnce=null(INTEGER),
    budgets=null(many(BUDGET)),
    findings=many(FINDING),
    notRead=many(STRING),
)
LOST = document(
    "LostPod",
    metadata=NAMED_UID,
    set=STRING,
    setKind=OF_KIND,
    held=words(Held),
    phase=STRING,
    deadline=null(TIME),
    node=obj(
        name=STRING,
        state=STRING,
        since=null(TIME),
        conditions=many(obj(type=STRING, status=STRING, reason=STRING, message=STRING)),
        taints=many(obj(key=STRING, value=STRING, effect=STRING)),
    ),
    volumes=many(obj(claim=STRING, volume=null(STRING), attachedTo=null(many(STRING)), terminating=BOOLEAN)),
    findings=many(FINDING),
    choices=many(obj(choice=STRING, commands=many(STRING))),
)
RIGHT = null(obj(verb=STRING, resource=STRING))
NAME_FINDING = obj(reason=STRING, subject=null(STRING), detail=null(STRING), server=null(STRING), until=null(TIME))
DNS = document(
    "DnsDiagnosis",
    set=OF_KIND,
    metadata=NAMED,
    service=null(STRING),
    clusterDomain=obj(name=STRING, source=STRING),
    resolved=BOOLEAN,
    right=BOOLEAN,
    servers=many(
        obj(
            namespace=null(STRING),
            name=STRING,
            node=null(STRING),
            askedAt=null(TIME),
            trouble=null(STRING),
            missingRight=RIGHT,
        )
    ),
    names=many(
        obj(
            kind=STRING,
            name=null(STRING),
            pod=null(STRING),
            ordinal=null(INTEGER),
            port=null(STRING),
            expected=null(many(STRING)),
            endpoints=null(many(obj(slice=STRING, address=STRING, ready=BOOLEAN, hostname=null(STRING), pod=null(STRING)))),
            answers=many(
                obj(
                    server=STRING,
                    standing=STRING,
                    questions=many(
                        obj(
                            type=STRING,
                            standing=STRING,
                            outcome=null(STRING),
                            records=null(many(STRING)),
                            ttl=null(INTEGER),
                            truncated=null(BOOLEAN),
                        )
                    ),
                )
            ),
            verdict=STRING,
            reason=null(NAME_FINDING),
            links=many(
                obj(
                    check=STRING,
                    state=STRING,
                    findings=many(NAME_FINDING),
                    skipped=null(STRING),
                    missingRight=RIGHT,
                    remarks=many(NAME_FINDING),
                )
            ),
        )
    ),
    remarks=many(NAME_FINDING),
    findings=many(FINDING),
    missingRights=many(RIGHT),
)
OWNER = null(obj(apiVersion=STRING, kind=STRING, namespace=STRING, name=STRING))
IGNORED = obj(by=STRING, reason=null(STRING), until=null(DATE), where=null(STRING))
CHECKED = without(
    obj(
        **FINDING_FIELDS,
        set=OWNER,
        field=null(STRING),
        message=STRING,
        next=STRING,
        command=null(STRING),
        ignore=IGNORED,
    ),
    "ignore",
)
CHECKUP = document(
    "Checkup",
    at=TIME,
    sets=INTEGER,
    passed=INTEGER,
    findings=many(CHECKED),
    ignored=many(CHECKED),
    skipped=many(obj(rule=STRING, name=RULES, set=OWNER, resource=null(STRING), why=null(STRING))),
    kindsNotRead=many(STRING),
    baselineNotFound=INTEGER,
)
RULE = obj(
    rule=STRING,
    name=RULES,
    severity=words(Severity),
    optIn=BOOLEAN,
    what=STRING,
    why=STRING,
    mend=STRING,
    source=STRING,
)

# --- orphans -----------------------------------------------------------------------------------------------------------------

CLAIM = obj(
    metadata=METADATA,
    **{"class": words(Class)},
    wouldBe=null(words(Class)),
    fresh=BOOLEAN,
    set=null(STRING),
    template=null(STRING),
    ordinal=null(INTEGER),
    sizeBytes=null(INTEGER),
    volume=null(STRING),
    reclaimPolicy=null(STRING),
    fate=words(Fate),
    unusedSince=null(TIME),
    evidence=many(
        obj(
            kind=words(EvidenceKind),
            subject=null(STRING),
            detail=null(STRING),
            start=null(INTEGER),
            replicas=null(INTEGER),
            count=null(INTEGER),
            ordinals=null(many(INTEGER)),
            **{"for": BOOLEAN},
        )
    ),
    findings=many(FINDING),
)
REFUSED: dict[str, Schema] = {"reason": STRING, "detail": null(STRING)}
VOLUME = obj(name=STRING, uid=STRING, claim=null(NAMED))
CLAIM_NAME = obj(namespace=STRING, name=STRING, uid=null(STRING))
TOTALS = obj(claims=INTEGER, bytes=INTEGER, destroyed=INTEGER, destroyedBytes=INTEGER, unsized=INTEGER)
DELETION_PLAN = document(
    "OrphanDeletionPlan",
    deletions=many(obj(claim=CLAIM, steps=many(tagged()), fate=words(Fate))),
    refused=many(obj(claim=CLAIM, **REFUSED)),
    totals=TOTALS,
)
RESTORATION_PLAN = document(
    "OrphanRestorationPlan",
    restorations=many(obj(claim=CLAIM_NAME, volume=null(STRING), steps=many(tagged()))),
    refused=many(obj(claim=CLAIM_NAME, volume=null(STRING), **REFUSED)),
)
PURGE_PLAN = document(
    "VolumePurgePlan",
    purges=many(obj(volume=VOLUME, sizeBytes=null(INTEGER), leftAt=TIME, steps=many(tagged()))),
    refused=many(obj(volume=VOLUME, **REFUSED)),
)
ADOPTION_PLAN = document(
    "VolumeAdoptionPlan",
    adoptions=many(obj(volume=VOLUME, claim=NAMED, steps=many(tagged()))),
    refused=many(obj(volume=STRING, **REFUSED)),
)
CAME: dict[str, Schema] = {"outcome": words(Came), "reason": null(STRING), "detail": null(STRING)}
REASONS = sorted(code.name.lower().replace("_", "-") for code in ExitCode)
ENDING = obj(exitCode=INTEGER, reason={"enum": REASONS}, message=null(STRING), hint=null(STRING))


def account(kind: str, plan: Schema, subject: dict[str, Schema], **more: Schema) -> Schema:
    """What a run did, with what there is to say of each ``subject``."""
    return document(kind, plan=null(plan), outcomes=many(obj(**subject, **CAME)), **more, ending=ENDING)


_OF_CLAIM: dict[str, Schema] = {"claim": CLAIM_NAME, "volume": null(STRING)}

SCHEMAS: dict[str, Schema] = {
    each["properties"]["kind"]["const"]: each
    for each in (
        STATUS,
        listed("RolloutStatusList", STATUS, kindsNotRead=many(STRING)),
        PLAN,
        listed("RolloutPlanList", PLAN),
        listed("RolloutList", {"anyOf": [STATUS, PLAN]}),
        listed("SetSnapshotList", SET_SNAPSHOT, spreads=many(SPREAD)),
        DATA_RETURN,
        EVENT,
        HISTORY,
        REPORT,
        HANDOVER,
        SCALE,
        RESIZE,
        RECREATE,
        QUORUM,
        listed("QuorumList", QUORUM),
        listed("RolloutHistoryList", HISTORY),
        listed("DnsDiagnosisList", DNS),
        LOST,
        listed("LostPodList", LOST),
        DNS,
        CHECKUP,
        listed("RuleList", RULE),
        listed("OrphanList", CLAIM),
        DELETION_PLAN,
        RESTORATION_PLAN,
        PURGE_PLAN,
        ADOPTION_PLAN,
        account(
            "OrphanDeletion",
            DELETION_PLAN,
            {**_OF_CLAIM, "fate": null(words(Fate)), "leftRetained": null(STRING)},
            record=null(STRING),
        ),
        account("OrphanRestoration", RESTORATION_PLAN, {**_OF_CLAIM, "policyLeft": null(STRING), "rescued": BOOLEAN}),
        account("VolumePurge", PURGE_PLAN, {"volume": VOLUME}),
        account("VolumeAdoption", ADOPTION_PLAN, {"volume": VOLUME, "claim": NAMED}),
        document(
            "Version", version=STRING, commit=null(STRING), python=STRING, openssl=STRING, kubernetesClient=null(STRING)
        ),
    )
}


_SHARED = {
    "cause": CAUSES,
    "claim": CLAIM,
    "finding": FINDING,
    "pod": POD,
    "plan": PLAN,
    "rule": RULES,
    "status": STATUS,
}


def published(kind: str) -> str:
    """The text of the file of this kind. What stands in many places of it is written once, under ``$defs``."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": kind}
    used: dict[str, Schema] = {}
    body = {key: _hoisted(each, used) for key, each in SCHEMAS[kind].items()}
    text = json.dumps({**head, **body, **({"$defs": dict(sorted(used.items()))} if used else {})}, indent=2)
    return re.sub(r"[{\[]\s[^{}\[\]]*[}\]]", _on_one_line, text) + "\n"


def _on_one_line(found: "re.Match[str]") -> str:
    """An object or a list that holds no other, where it fits."""
    line = re.sub(r"\s*\n\s*", " ", found[0])
    line = f"{line[0]}{line[1:-1].strip()}{line[-1]}"
    return line if len(line) <= 100 else found[0]


def _hoisted(schema: Any, used: dict[str, Schema]) -> Any:
    """The same, with a reference for each of the shared parts, which are added to ``used``."""
    if isinstance(schema, list):
        return [_hoisted(each, used) for each in schema]
    if not isinstance(schema, dict):
        return schema
    name = next((name for name, each in _SHARED.items() if each is schema), "")
    if name and name in used:
        return {"$ref": f"#/$defs/{name}"}
    if name:
        used[name] = {}
    found = {key: _hoisted(each, used) for key, each in schema.items()}
    if not name:
        return found
    used[name] = found
    return {"$ref": f"#/$defs/{name}"}


def check(found: Any) -> None:
    """Raises AssertionError where this is not a document as promised, or has a field that was not."""
    wrong = best_match(_validator(found["kind"]).iter_errors(found))
    where = wrong.json_path if wrong is not None else ""
    assert wrong is None, f"{found['kind']} {where}: {wrong.message[:300]}; declare it in tests/schemas.py and run python -m tests.schemas"


@cache
def _validator(kind: str) -> Any:
    return Draft202012Validator(_closed(SCHEMAS[kind]))


def _closed(schema: Any) -> Any:
    """The same without room for other fields."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _closed(each) for key, each in schema.items()}
    closed = schema.get("type") == "object" and isinstance(schema.get("properties"), dict)
    return {"additionalProperties": False, **found} if closed else found


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in SCHEMAS:
        (FOLDER / f"{name}.json").write_text(published(name), encoding="utf-8")
