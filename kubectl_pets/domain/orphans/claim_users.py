"""Which claims do pods mount, and which would they if their workload made any?

A Deployment at 0 and a CronJob between two runs have no pods, and their templates name claims all the same. Generic ephemeral
volumes name theirs after a pod that does not exist yet (KEP-1698): there only the beginning and the end of the name are known.
A template of claims names the claim that each new volume is cloned from (``dataSource``, ``dataSourceRef``).
"""

from collections.abc import Iterable
from datetime import datetime

from kubectl_pets.domain.model import ClaimTemplate, Volume
from kubectl_pets.domain.orphans.findings import Evidence, EvidenceKind
from kubectl_pets.domain.orphans.groups import LiveGroups
from kubectl_pets.domain.orphans.inventory import WORKLOADS, PodUse, Workloads
from kubectl_pets.domain.orphans.reach import LiveSet

#: Longer bases are cut before a generated pod name gets its suffix (apiserver names.SimpleNameGenerator).
_LONGEST_BASE = 58


class MountedBy:
    """The claims of one namespace that pods mount and templates name."""

    def __init__(self, users: Workloads, sets: Iterable[LiveSet], groups: Iterable[LiveGroups], namespace: str) -> None:
        self._namespace = namespace
        self.not_read = users.not_read
        self.pods_read = not any(row.type is PodUse and row.plural in self.not_read for row in WORKLOADS)
        self.pod_made: dict[str, datetime | None] = {}
        #: By the name of a StatefulSet: a pod or ControllerRevision of its making that nobody owns.
        self.left_behind: dict[str, str] = {}
        self._mounted: dict[str, Evidence] = {}
        self._mounts: set[tuple[str, str]] = set()
        self._named: dict[str, Evidence] = {}
        self._patterns: list[tuple[str, str, str]] = []
        for live in sets:
            self._add(live.object.spec.template.spec.volumes, live.object.name, live.subject)
            self._add_sources(live.object.spec.volume_claim_templates, live.subject)
        for group in groups:
            made = group.object.spec.leader_worker_template
            self._add(made.volumes, group.name, group.subject)
            self._add_sources(made.volume_claim_templates, group.subject)
        for row in WORKLOADS:
            for item in users.of(row):
                subject = f"{row.kind}/{item.metadata.name}"
                if isinstance(item, PodUse):
                    self._mount(item, subject)
                else:
                    self._add(item.volumes, item.pods_begin_with, subject)
                    if item.data is not None and not item.metadata.owner_references:
                        self.left_behind[item.pods_begin_with] = subject

    def _mount(self, pod: PodUse, subject: str) -> None:
        name = pod.metadata.name
        self.pod_made[name] = pod.metadata.creation_timestamp
        for claim in _claims(pod.volumes, name):
            self._mounted[claim] = Evidence(EvidenceKind.MOUNTED, subject, pod.status.phase)
            self._mounts.add((name, claim))
        if pod.metadata.labels.pod_name == name and not pod.metadata.owner_references:
            self.left_behind[name.rpartition("-")[0]] = subject

    def mounts(self, pod: str, claim: str) -> bool:
        return (pod, claim) in self._mounts

    def _add(self, volumes: tuple[Volume, ...], name: str, subject: str) -> None:
        for volume in volumes:
            if volume.persistent_volume_claim is not None:
                claim = volume.persistent_volume_claim.claim_name
                self._named[claim] = Evidence(EvidenceKind.NAMED_BY_TEMPLATE, subject)
            elif volume.ephemeral is not None:
                self._patterns.append((f"{name}-"[:_LONGEST_BASE], f"-{volume.name}", subject))
                self._add_sources((volume.ephemeral.volume_claim_template,), subject)

    def _add_sources(self, templates: Iterable[ClaimTemplate], subject: str) -> None:
        for template in templates:
            for source in template.spec.cloned:
                if source.namespace in ("", self._namespace):
                    self._named[source.name] = Evidence(EvidenceKind.NAMED_BY_TEMPLATE, subject)

    def mounted(self, claim: str) -> Evidence | None:
        """The pod that mounts the claim, as evidence; None: no pod does. One that has ended counts, too: it may be read, and
        it is restarted more easily than data."""
        return self._mounted.get(claim)

    def named(self, claim: str) -> Evidence | None:
        found = self._named.get(claim)
        if found is None:
            for beginning, end, subject in self._patterns:
                if len(claim) > len(beginning) + len(end) and claim.startswith(beginning) and claim.endswith(end):
                    return Evidence(EvidenceKind.EPHEMERAL_OF, subject)
        return found


def _claims(volumes: tuple[Volume, ...], pod: str) -> Iterable[str]:
    for volume in volumes:
        if volume.persistent_volume_claim is not None:
            yield volume.persistent_volume_claim.claim_name
        elif volume.ephemeral is not None:
            yield f"{pod}-{volume.name}"
