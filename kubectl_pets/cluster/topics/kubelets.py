"""What kubelets tell that the API server does not have: how full volumes are (stats/v1alpha1 Summary).

It takes the right to reach kubelets (get nodes/proxy), which most lack and which allows far more than reading: so it is asked for
only where somebody says --deep.
"""

from collections.abc import Collection
from functools import partial

import msgspec

from kubectl_pets.cluster.http.failures import Attempt
from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.lists import Reader
from kubectl_pets.domain.doctor.estate import VolumeUse
from kubectl_pets.domain.model import Value
from kubectl_pets.errors import ForbiddenError, PetsError

#: So many kubelets at the same time.
_AT_ONCE = 8

_Usage = dict[tuple[str, str], VolumeUse]


class ClaimOfStats(Value, frozen=True):
    name: str = ""
    namespace: str = ""


class VolumeStats(Value, frozen=True):
    pvc_ref: ClaimOfStats | None = None
    used_bytes: int | None = None
    capacity_bytes: int | None = None


class PodStats(Value, frozen=True):
    volumes: tuple[VolumeStats, ...] = msgspec.field(name="volume", default=())


class Summary(Value, frozen=True):
    """Of one node."""

    pods: tuple[PodStats, ...] = ()


_SUMMARY = msgspec.json.Decoder(Summary)


def volume_usage(reader: Reader, nodes: Collection[str]) -> _Usage | None:
    """By namespace and name of the claim. A node that does not answer, or answers with something else, tells nothing. None:
    kubelets may not be asked."""
    found: _Usage = {}
    names = sorted(nodes)
    while names:
        asked = together([partial(_of_node, reader, name) for name in names[:_AT_ONCE]])
        del names[:_AT_ONCE]
        if any(each is None for each in asked):
            return None
        for each in asked:
            found.update(each)
    return found


def _of_node(reader: Reader, name: str) -> _Usage | None:
    path = f"/api/v1/nodes/{name}/proxy/stats/summary"
    attempt = Attempt("get", "nodes/proxy", name, "")
    try:
        pods = reader.answer(path, attempt, _SUMMARY).pods
    except ForbiddenError:
        return None
    except PetsError:
        return {}
    return {
        (each.pvc_ref.namespace, each.pvc_ref.name): VolumeUse(used=each.used_bytes, capacity=each.capacity_bytes)
        for pod in pods
        for each in pod.volumes
        if each.pvc_ref is not None and each.used_bytes is not None and each.capacity_bytes
    }
