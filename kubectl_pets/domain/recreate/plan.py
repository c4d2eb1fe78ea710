"""What does making a set again change, and what do its pods lack afterwards?

A pod keeps the volumes and the subdomain that it was made with. Without the volume of a claim template the controller can do
nothing with it, nor with any pod of a higher ordinal (kubernetes/kubernetes#141876): so such pods are replaced, the lowest
ordinal first. Without the subdomain of the new Service a pod has no name there (pkg/controller/statefulset, initIdentity).
"""

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Any

import msgspec

from kubectl_pets.domain.model import ControllerRevision, LabelSelector, Pod, SetView, ordinal_of
from kubectl_pets.domain.recreate.refusing import RecreateRefused, names_of
from kubectl_pets.domain.rollout.managers import Manager, managers
from kubectl_pets.domain.sets.away import WholeSet


@unique
class TemplateFate(StrEnum):
    """What becomes of a claim template."""

    ADDED = "added"
    DROPPED = "dropped"
    CHANGED = "changed"


class TemplateChange(msgspec.Struct, frozen=True, kw_only=True):
    """Of one claim template; its size and its class, empty where it has none. All are untrusted text."""

    name: str
    fate: TemplateFate
    size_before: str = ""
    size: str = ""
    class_before: str = ""
    storage_class: str = ""


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """Of a field that is no claim template; as text, untrusted."""

    field: str
    before: str
    after: str


class Lacking(msgspec.Struct, frozen=True, kw_only=True):
    """What pods lack, each in the order in which they are replaced."""

    #: The volumes of claim templates.
    volumes: tuple[str, ...] = ()
    #: The name at the set's Service.
    subdomain: tuple[str, ...] = ()

    @property
    def pods(self) -> tuple[str, ...]:
        """All of them, those that block the others first."""
        return (*self.volumes, *(each for each in self.subdomain if each not in self.volumes))


class RecreatePlan(msgspec.Struct, frozen=True, kw_only=True):
    uid: str
    fields: tuple[FieldChange, ...] = ()
    templates: tuple[TemplateChange, ...] = ()
    pods: int = 0
    lacking: Lacking = Lacking()
    #: Revisions that the new selector does not match: the new set does not know them, and they stay behind.
    revisions_lost: tuple[str, ...] = ()
    managers: tuple[Manager, ...] = ()
    #: The pod template that was typed is another one, which is left out.
    template_left_out: bool = False
    #: Resources that may not be listed, so that nobody knows whether one of them would take on the pods meanwhile.
    takers_unread: tuple[str, ...] = ()
    refused: tuple[RecreateRefused, ...] = ()

    @property
    def changes(self) -> bool:
        return bool(self.fields or self.templates)

    @property
    def done(self) -> bool:
        return not (self.changes or self.lacking.pods or self.refused)


def plan(
    live: WholeSet,
    view: SetView,
    wanted: Mapping[str, Any],
    refused: tuple[RecreateRefused, ...],
    *,
    template_left_out: bool = False,
    takers_unread: tuple[str, ...] = (),
) -> RecreatePlan:
    """``wanted``: the immutable fields that change."""
    own = own_pods(live.name, view)
    after = {**live.spec, **wanted}
    return RecreatePlan(
        uid=live.metadata.uid,
        fields=tuple(
            FieldChange(field=field, before=_text(live.spec.get(field)), after=_text(value))
            for field, value in sorted(wanted.items())
            if field != "volumeClaimTemplates"
        ),
        templates=_templates(live.spec, wanted) if "volumeClaimTemplates" in wanted else (),
        pods=len(own),
        lacking=_lacking(own, names_of(after), str(after.get("serviceName") or "")),
        revisions_lost=_lost(view.revisions or (), wanted.get("selector")),
        managers=managers(view.set) if view.set is not None else (),
        template_left_out=template_left_out,
        takers_unread=takers_unread,
        refused=refused,
    )


def lacking(view: SetView) -> Lacking:
    """What the pods of a set lack as it is."""
    if view.set is None:
        return Lacking()
    spec = view.set.spec
    return _lacking(own_pods(view.set.name, view), [each.name for each in spec.volume_claim_templates], spec.service_name)


def own_pods(name: str, view: SetView) -> list[Pod]:
    """In ordinal order, those that are not on their way out."""
    found = {ordinal: pod for pod in view.pods or () if (ordinal := ordinal_of(pod.name, name)) is not None}
    return [found[each] for each in sorted(found) if not found[each].terminating]


def _lacking(pods: list[Pod], templates: "list[str] | tuple[str, ...]", service: str) -> Lacking:
    def has(pod: Pod, template: str) -> bool:
        return any(volume.name == template and volume.persistent_volume_claim is not None for volume in pod.spec.volumes)

    return Lacking(
        volumes=tuple(pod.name for pod in pods if not all(has(pod, each) for each in templates)),
        subdomain=tuple(pod.name for pod in reversed(pods) if pod.spec.subdomain != service),
    )


def _templates(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[TemplateChange, ...]:
    old, new = _by_name(before), _by_name(wanted)
    changed = []
    for name in {**old, **new}:
        if old.get(name) == new.get(name):
            continue
        fate = TemplateFate.ADDED if name not in old else TemplateFate.DROPPED if name not in new else TemplateFate.CHANGED
        was, becomes = _storage(old.get(name)), _storage(new.get(name))
        changed.append(
            TemplateChange(
                name=name, fate=fate, size_before=was[0], size=becomes[0], class_before=was[1], storage_class=becomes[1]
            )
        )
    return tuple(changed)


def _by_name(spec: Mapping[str, Any]) -> dict[str, Any]:
    return dict(zip(names_of(spec), spec.get("volumeClaimTemplates") or (), strict=True))


def _storage(template: Any) -> tuple[str, str]:
    spec = template.get("spec", {}) if isinstance(template, dict) else {}
    size = spec.get("resources", {}).get("requests", {}).get("storage", "")
    return str(size), str(spec.get("storageClassName") or "")


def _lost(revisions: tuple[ControllerRevision, ...], selector: Any) -> tuple[str, ...]:
    if not isinstance(selector, dict):
        return ()
    try:
        wanted = msgspec.convert(selector, LabelSelector)
    except msgspec.ValidationError:
        return ()
    return tuple(each.name for each in revisions if not wanted.matches(each.metadata.labels))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
