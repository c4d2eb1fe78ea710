"""Rights are asked for early, so that a verb does not stop half-way for one that is missing."""

from collections.abc import Mapping, Sequence

from kubectl_pets import pasting
from kubectl_pets.errors import ExitCode, ForbiddenError
from kubectl_pets.ports.server import RightsPort

#: Verb and resource: ("patch", "statefulsets.apps"), ("create", "pods/eviction").
Right = tuple[str, str]


def require(
    cluster: RightsPort, needed: Mapping[str, Sequence[Right]], *, code: ExitCode = ExitCode.FAILED
) -> None:
    """Ask whether the user has these rights, by namespace ("": in the whole cluster). Raises ForbiddenError with that exit code,
    which names all that are missing and how to check the first. An API server that cannot say counts as allowed."""
    lacking = {namespace: cluster.missing_rights(namespace, rights) for namespace, rights in needed.items() if rights}
    lacking = {namespace: missing for namespace, missing in lacking.items() if missing}
    if not lacking:
        return
    told = "; ".join(f"{_where(namespace)}: {', '.join(map(' '.join, missing))}" for namespace, missing in lacking.items())
    namespace, missing = next(iter(lacking.items()))
    error = ForbiddenError(f"this needs rights that are missing {told}. Nothing was changed.", hint=_check(namespace, missing[0]))
    error.exit_code = code
    raise error


def _where(namespace: str) -> str:
    return f"in namespace {namespace}" if namespace else "in the cluster"


def _check(namespace: str, right: Right) -> str:
    verb, resource = right
    kind, _, subresource = resource.partition("/")
    narrowed = (f"--subresource={subresource}",) if subresource else ()
    return pasting.kubectl("auth", "can-i", verb, kind, *narrowed, namespace=namespace)
