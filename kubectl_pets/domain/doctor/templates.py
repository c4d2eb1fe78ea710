"""PETS7xx and 8xx: the pod template, what it names, and what this program has left on the set. Most of it needs no cluster."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from kubectl_pets.domain.claims.quantities import parse_bytes, parse_exact
from kubectl_pets.domain.doctor.case import Case, Judgement, RuleSkipped, check
from kubectl_pets.domain.doctor.estate import Content, FullPodSpec, NamedSource
from kubectl_pets.domain.findings import Finding, Rule, Subject
from kubectl_pets.domain.model import PersistentVolumeClaim, Pod, Value
from kubectl_pets.domain.orphans.reach import LAST_APPLIED_ANNOTATION
from kubectl_pets.domain.rollout.assessing import RESUME_ANNOTATION
from kubectl_pets.domain.rollout.writers import our_names
from kubectl_pets.domain.sets.away import RECREATING_ANNOTATION
from kubectl_pets.domain.sets.kinds import APPS_SET
from kubectl_pets.domain.sets.restoring import RESTORING_ANNOTATION
from kubectl_pets.domain.stepping.restarting import PODS_ANNOTATION, RESTART_ANNOTATION

#: What tells a run of ours where it goes on. Other notes are kept for later, and are no leftovers.
_UNDER_WAY = frozenset((RESUME_ANNOTATION, RESTART_ANNOTATION, PODS_ANNOTATION, RECREATING_ANNOTATION, RESTORING_ANNOTATION))

#: A restart goes from pod to pod, each of which may take its time to come up.
_BETWEEN_PODS = timedelta(hours=1)


@check(Rule.NO_READINESS_PROBE)
def no_readiness_probe(case: Case) -> Judgement:
    """No container has a readiness probe: "available" then means "started", and a rollout goes on over pods that do not serve.
    One probe in the pod is enough, for its other containers may be helpers."""
    containers = case.owner.spec.template.spec.containers
    if containers and all(each.readiness_probe is None for each in containers) and not _gated(case):
        yield Finding(
            rule=Rule.NO_READINESS_PROBE,
            subject=case.subject,
            names=tuple(each.name for each in containers),
            field=f"spec.template.spec.containers[{containers[0].name}].readinessProbe",
        )


def _gated(case: Case) -> bool:
    """A native sidecar may carry the probe (KEP-753)."""
    inits = case.owner.spec.template.spec.init_containers
    return any(each.restart_policy == "Always" and each.readiness_probe is not None for each in inits)


@check(Rule.PROBES_EQUAL)
def probes_equal(case: Case) -> Judgement:
    """Liveness and readiness ask the same, with the same patience: a member that is only busy is killed where it should be left
    out of the Service for a while."""
    for each in case.owner.spec.template.spec.containers:
        if each.liveness_probe is not None and each.liveness_probe == each.readiness_probe:
            field = f"spec.template.spec.containers[{each.name}].livenessProbe"
            yield Finding(rule=Rule.PROBES_EQUAL, subject=case.subject, names=(each.name,), field=field)


@check(Rule.GRACE_ZERO)
def grace_zero(case: Case) -> Judgement:
    """``terminationGracePeriodSeconds: 0`` removes a pod from the API server before its node has stopped it, so two pods of one
    name may write the same data. Kubernetes calls it unsafe and strongly discourages it for StatefulSets."""
    if case.owner.spec.template.spec.termination_grace_period_seconds == 0:
        field = "spec.template.spec.terminationGracePeriodSeconds"
        yield Finding(rule=Rule.GRACE_ZERO, subject=case.subject, number=0, limit=1, field=field)


@check(Rule.IMAGE_FLOATS)
def image_floats(case: Case) -> Judgement:
    """An image without a tag, or with ``latest``: which version a pod runs depends on when it was started. One with a digest
    cannot float, whatever its tag."""
    spec = case.owner.spec.template.spec
    for where, containers in (("containers", spec.containers), ("initContainers", spec.init_containers)):
        for each in containers:
            name, _, digest = each.image.partition("@")
            tag = name.rpartition("/")[2].partition(":")[2]
            if each.image and not digest and tag in ("", "latest"):
                yield Finding(
                    rule=Rule.IMAGE_FLOATS,
                    subject=case.subject,
                    names=(each.name,),
                    detail=each.image,
                    field=f"spec.template.spec.{where}[{each.name}].image",
                )


@check(Rule.NO_REQUESTS)
def no_requests(case: Case) -> Judgement:
    """A container without a request, or a limit, for memory: the node may be filled beyond what it has, and this pod is among the
    first to go. A LimitRange may give it one, which no template shows. What the template asks for the pod as a whole is what the
    scheduler counts, and all of its containers have a share in it (KEP-2837, pod-level resources)."""
    spec = case.owner.spec.template.spec
    if "memory" in spec.resources.requests or "memory" in spec.resources.limits:
        return
    for each in spec.containers:
        if "memory" not in each.resources.requests and "memory" not in each.resources.limits:
            field = f"spec.template.spec.containers[{each.name}].resources.requests.memory"
            yield Finding(rule=Rule.NO_REQUESTS, subject=case.subject, names=(each.name,), field=field)


# --- what it names -----------------------------------------------------------------------------------------------------------


@check(Rule.ACCOUNT_MISSING, "accounts")
def account_missing(case: Case) -> Judgement:
    """The template names a ServiceAccount that does not exist: pods run on, and none can be made."""
    name, namespace = case.owner.spec.template.spec.service_account_name, case.owner.namespace
    if name and not any((each.namespace, each.name) == (namespace, name) for each in case.estate.accounts or ()):
        yield Finding(
            rule=Rule.ACCOUNT_MISSING,
            subject=case.subject,
            names=(name,),
            field="spec.template.spec.serviceAccountName",
        )


@check(Rule.REFERENCE_MISSING, "config_maps")
def reference_missing(case: Case) -> Judgement:
    """The template names a ConfigMap or Secret, or a key in one, that does not exist and is not optional: pods run on, and the
    next restart sticks. Names are read, and keys as managedFields have them, never what is in them; Secrets only with --deep."""
    config_maps: set[str] = set()
    secrets: set[str] = set()
    for kind, source, name in _references(case.owner.spec.template.spec):
        if name and not source.optional:
            (config_maps if kind == "ConfigMap" else secrets).add(name)
    there = {each.name for each in case.estate.config_maps or () if each.namespace == case.owner.namespace}
    missing = [("ConfigMap", name) for name in sorted(config_maps - there)]
    if case.estate.secrets is not None:
        there = {each.name for each in case.estate.secrets if each.namespace == case.owner.namespace}
        missing += [("Secret", name) for name in sorted(secrets - there)]
    for kind, name in missing:
        yield Finding(rule=Rule.REFERENCE_MISSING, subject=case.subject, names=(kind, name), field="spec.template.spec")
    keys = sorted(_missing_keys(case))
    for kind, name, key in keys:
        names = (kind, name)
        yield Finding(rule=Rule.REFERENCE_MISSING, subject=case.subject, names=names, detail=key, field="spec.template.spec")
    if not missing and not keys and secrets and case.estate.secrets is None:
        yield RuleSkipped("secrets")


def _missing_keys(case: Case) -> set[tuple[str, str, str]]:
    """(kind, name, key) that the template names, of those whose keys are known."""
    known = {("ConfigMap", each.name): each.keys for each in _here(case, case.estate.config_maps)}
    known.update((("Secret", each.name), each.keys) for each in _here(case, case.estate.secrets))
    found: set[tuple[str, str, str]] = set()
    for kind, source, name in _references(case.owner.spec.template.spec):
        keys = known.get((kind, name))
        if keys is not None and not source.optional:
            wanted = {source.key, *(each.key for each in source.items)} - {""}
            found.update((kind, name, key) for key in wanted - keys)
    return found


def _references(spec: FullPodSpec) -> Iterator[tuple[str, NamedSource, str]]:
    for container in (*spec.init_containers, *spec.containers):
        for variable in container.env:
            source = variable.value_from
            if source is not None:
                yield from _both(source.config_map_key_ref, source.secret_key_ref)
        for each in container.env_from:
            yield from _both(each.config_map_ref, each.secret_ref)
    for volume in spec.volumes:
        yield from _both(volume.config_map, volume.secret)
        for projected in volume.projected.sources if volume.projected is not None else ():
            yield from _both(projected.config_map, projected.secret)


def _both(config_map: NamedSource | None, secret: NamedSource | None) -> Iterator[tuple[str, NamedSource, str]]:
    if config_map is not None:
        yield "ConfigMap", config_map, config_map.name
    if secret is not None:
        yield "Secret", secret, secret.secret_name or secret.name


# --- what was written since --------------------------------------------------------------------------------------------------


@check(Rule.CONFIG_NEWER_THAN_PODS, "pods", "config_maps")
def config_newer_than_pods(case: Case) -> Judgement:
    """A ConfigMap or Secret that containers read once, when they start (env, envFrom, subPath), was written after some of them
    had started: they run with the old one, and the next restart brings the new one along, pod by pod. Volumes that are mounted
    whole follow by themselves. By managedFields and the containers' own start, of pods at the wanted revision."""
    once_only = sorted(_read_at_start(case.owner.spec.template.spec))
    written = {("ConfigMap", each.name): each.written for each in _here(case, case.estate.config_maps)}
    written.update((("Secret", each.name), each.written) for each in _here(case, case.estate.secrets))
    wanted = case.seen.update_revision
    for kind, name, container in once_only:
        time = written.get((kind, name))
        pods = [pod for pod in case.pods.values() if not pod.terminating and pod.revision == wanted]
        behind = [pod.name for pod in pods if time is not None and _started_before(pod, container, time)]
        if behind:
            yield Finding(
                rule=Rule.CONFIG_NEWER_THAN_PODS,
                subject=case.subject,
                names=(kind, name, *behind),
                number=len(behind),
                limit=0,
                since=time,
                field=f"spec.template.spec.containers[{container}]",
            )
    if case.estate.secrets is None and any(kind == "Secret" for kind, _, _ in once_only):
        yield RuleSkipped("secrets")


def _here(case: Case, found: tuple[Content, ...] | None) -> Iterator[Content]:
    return (each for each in found or () if each.namespace == case.owner.namespace)


def _started_before(pod: Pod, container: str, time: datetime) -> bool:
    """Of a container that runs; one that does not will read what is there then."""
    running = next((each.state.running for each in pod.status.container_statuses if each.name == container), None)
    return running is not None and running.started_at is not None and running.started_at < time


def _read_at_start(spec: FullPodSpec) -> set[tuple[str, str, str]]:
    """(kind, name, container) of what a container reads only when it starts."""
    volumes = {each.name: each for each in spec.volumes}
    found: set[tuple[str, str, str]] = set()
    for container in spec.containers:
        parts = {each.name for each in container.volume_mounts if each.sub_path or each.sub_path_expr}
        mounted = FullPodSpec(volumes=tuple(volumes[name] for name in sorted(parts) if name in volumes))
        read = FullPodSpec(containers=(container,))
        for kind, _, name in (*_references(read), *_references(mounted)):
            if name:
                found.add((kind, name, container.name))
    return found


class _StatedSpec(Value, frozen=True):
    volume_claim_templates: tuple[PersistentVolumeClaim, ...] | None = None


class _Stated(Value, frozen=True):
    spec: _StatedSpec = _StatedSpec()


@check(Rule.UPGRADE_FORBIDDEN)
def upgrade_forbidden(case: Case) -> Judgement:
    """The manifest that was applied last has other claim templates than the set: it was made again with others since, and the
    next apply of that manifest is refused, because they cannot be changed (argoproj/argo-cd#8501). Only what the manifest states
    counts: the API server fills in the rest. OpenKruise's and pingcap's sets take other templates."""
    text = case.owner.metadata.annotations.get(LAST_APPLIED_ANNOTATION)
    if text is None or case.kind is not APPS_SET:
        return
    try:
        stated = msgspec.json.decode(text, type=_Stated).spec.volume_claim_templates
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    if stated is not None:
        yield from forbidden(case.subject, stated, case.owner.spec.volume_claim_templates)


def forbidden(
    subject: Subject, stated: tuple[PersistentVolumeClaim, ...], live: tuple[PersistentVolumeClaim, ...]
) -> Iterator[Finding]:
    """A finding for each claim template that is stated otherwise than it is."""
    before = {each.name: each for each in live}
    after = {each.name: each for each in stated}
    for name in sorted(before.keys() | after.keys()):
        differs = _differs(after[name], before[name]) if name in before and name in after else _whole(name, after)
        if differs:
            yield Finding(
                rule=Rule.UPGRADE_FORBIDDEN,
                subject=subject,
                names=(name,),
                detail=differs,
                field=f"spec.volumeClaimTemplates[{name}]",
            )


def _whole(name: str, stated: Mapping[str, PersistentVolumeClaim]) -> str:
    return "it is not in the set" if name in stated else "it is not in the manifest"


def _differs(stated: PersistentVolumeClaim, live: PersistentVolumeClaim) -> str:
    """What is stated and is not so, as "now, not then"; empty: nothing."""
    wanted, has = stated.spec, live.spec
    sizes = [parse_bytes(each.resources.requests.get("storage")) for each in (wanted, has)]
    pairs = (
        (sizes[0], sizes[1], wanted.resources.requests.get("storage"), has.resources.requests.get("storage")),
        *(
            (now, then, now, then)
            for now, then in (
                (wanted.storage_class_name, has.storage_class_name),
                (wanted.volume_attributes_class_name, has.volume_attributes_class_name),
                (" ".join(wanted.access_modes) or None, " ".join(has.access_modes) or None),
                (wanted.volume_mode or None, has.volume_mode or None),
            )
        ),
    )
    return next((f"{shown}, not {other}" for now, then, shown, other in pairs if now is not None and now != then), "")


@check(Rule.QUOTA_TOO_TIGHT, "quotas")
def quota_too_tight(case: Case) -> Judgement:
    """More is used of a quota than it allows (it was lowered): a pod that is deleted cannot be made again. A StatefulSet never
    has a pod too many, so a quota that is just full is enough. Quotas with scopes count some pods only, and are left alone."""
    for quota in case.ward.quotas.get(case.owner.namespace, ()):
        if quota.spec.scopes or quota.spec.scope_selector or not case.owner.spec.replicas:
            continue
        for resource in sorted(quota.status.hard):
            if not _of_pods(resource):
                continue
            hard, used = parse_exact(quota.status.hard[resource]), parse_exact(quota.status.used.get(resource))
            if hard is not None and used is not None and used > hard:
                yield Finding(
                    rule=Rule.QUOTA_TOO_TIGHT,
                    subject=case.subject,
                    names=(quota.name, resource),
                    detail=f"{quota.status.used[resource]} of {quota.status.hard[resource]}",
                )


def _of_pods(resource: str) -> bool:
    return resource in ("pods", "count/pods", "cpu", "memory") or resource in (
        "requests.cpu",
        "requests.memory",
        "limits.cpu",
        "limits.memory",
    )


@check(Rule.OURS_LEFT_OVER, "pods")
def ours_left_over(case: Case) -> Judgement:
    """Annotations of a pause, an undo, a restart or a recreation of this program that was broken off: every pod is as wanted, and
    they are still there. While it is under way they are what it goes on by: a restart may be between two pods, and what this
    program has written within the hour it may be at still."""
    seen = case.seen
    notes = tuple(sorted(_UNDER_WAY & seen.notes.keys()))
    fresh = any(case.young(pod.metadata.creation_timestamp, _BETWEEN_PODS) for pod in case.pods.values())
    names, meta = our_names(case.owner.metadata.annotations), case.owner.metadata
    ours = [each.time for each in meta.managed_fields if each.manager in names and each.time is not None]
    at_it = bool(ours) and case.young(max(ours), _BETWEEN_PODS)
    if notes and seen.rolled_out and not seen.partition and not fresh and not at_it:
        yield Finding(rule=Rule.OURS_LEFT_OVER, subject=case.subject, names=notes, field="metadata.annotations")


CHECKS = (
    no_readiness_probe,
    probes_equal,
    grace_zero,
    image_floats,
    no_requests,
    account_missing,
    reference_missing,
    config_newer_than_pods,
    upgrade_forbidden,
    quota_too_tight,
    ours_left_over,
)
