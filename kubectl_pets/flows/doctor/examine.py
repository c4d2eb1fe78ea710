"""Examines sets: reads everything once, asks why where one is not well, and has it judged."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Protocol

import msgspec

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.dns.names import expected, questions
from kubectl_pets.domain.dns.zones import cluster_zone
from kubectl_pets.domain.doctor.case import Case, Ward
from kubectl_pets.domain.doctor.checkup import Asked, Checkup, asked_about, examine, worse
from kubectl_pets.domain.doctor.estate import Estate, NamesHeard, Unread, UnreadWhy
from kubectl_pets.domain.doctor.manifests import Manifest, applied, refused, unsettled
from kubectl_pets.domain.doctor.names import network_of
from kubectl_pets.domain.findings import Rule
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.errors import NotFoundError
from kubectl_pets.flows.engine.names import read_settings
from kubectl_pets.ports.dns import DnsPort, DnsWhere
from kubectl_pets.ports.doctor import EstatePort
from kubectl_pets.ports.server import ClockPort


class DoctorPort(EstatePort, DnsPort, ClockPort, Protocol):
    """What it takes to examine sets."""


class Patients(msgspec.Struct, frozen=True, kw_only=True):
    """Which sets. ``namespace`` None: of all namespaces; ``names`` empty: all of them; ``labels`` empty: any labels."""

    namespace: str | None
    names: tuple[SetRef, ...] = ()
    labels: str = ""
    #: Read the names of Secrets, and ask DNS servers and kubelets, too.
    deep: bool = False


def look(port: DoctorPort, patients: Patients, asked: Asked, progress: Callable[[str], None]) -> Checkup:
    """Raises NotFoundError where a name is nobody's, ForbiddenError where sets may not be read, any other PetsError."""
    estate = port.estate(patients.namespace, selector=patients.labels, deep=patients.deep, progress=progress)
    progress("")
    _check_names(estate, patients)
    if patients.names:
        places = frozenset((patients.namespace or "", each.name) for each in patients.names)
        asked = msgspec.structs.replace(asked, sets=places)
    ward = Ward(estate, port.now())
    if ward.questions():
        ward.learn("events", port.events(estate.namespace), Unread("events", UnreadWhy.FORBIDDEN))
    revisions = [(namespace, name) for (namespace, _), pair in ward.alike.items() for name in pair]
    if revisions and asked.wants(Rule.EMPTY_REVISION):
        ward.learn("templates", port.templates(revisions), Unread("controllerrevisions.apps", UnreadWhy.FORBIDDEN))
    if patients.deep:
        _ask_around(port, ward, asked, progress)
    return examine(ward, asked)


def look_beside(
    port: DoctorPort, found: Sequence[Manifest], asked: Asked, progress: Callable[[str], None]
) -> Checkup:
    """What manifests would make worse in the cluster, if they were applied; nothing is. Raises PetsError as ``look`` does."""
    spaces = {each.item.namespace for each in found if each.item.namespace and each.field != "classes"}
    estate = port.estate(spaces.pop() if len(spaces) == 1 else None, progress=progress)
    progress("")
    now = port.now()
    ward = Ward(estate, now)
    if ward.questions():
        ward.learn("events", port.events(estate.namespace), Unread("events", UnreadWhy.FORBIDDEN))
    stated = frozenset((each.item.namespace, each.item.name) for each in found if each.field == "sets")
    after = Ward(applied(ward.estate, found), now)
    wanted = msgspec.structs.replace(asked, unsettled=unsettled(estate, after.estate))
    told = refused(estate, found) if asked.wants(Rule.UPGRADE_FORBIDDEN) else ()
    return worse(examine(ward, asked), examine(after, wanted), stated, told)


def _ask_around(port: DoctorPort, ward: Ward, asked: Asked, progress: Callable[[str], None]) -> None:
    """What the API server does not know itself: of DNS servers and kubelets, about the sets that are asked for."""
    cases = [case for case in ward.cases() if asked_about(ward.estate, asked, case.ref)]
    if asked.wants(Rule.VOLUME_FULL):
        progress("kubelets: how full volumes are")
        nodes = {pod.spec.node_name for case in cases for pod in case.pods.values()} - {""}
        usage = port.volume_usage(nodes)
        ward.learn("usage", usage, Unread("nodes/proxy", UnreadWhy.FORBIDDEN if usage is None else UnreadWhy.NOT_TOLD))
    if asked.wants(Rule.NAMES_UNRESOLVED):
        progress("DNS servers: the names of pods")
        heard = _heard(port, cases)
        refused = any(each.missing_right for found in heard.values() for each in found.hearings)
        ward.learn("heard", heard, Unread("pods/portforward", UnreadWhy.FORBIDDEN if refused else UnreadWhy.FAILED))
    progress("")


def _heard(port: DoctorPort, cases: Sequence[Case]) -> dict[tuple[str, str], NamesHeard]:
    """What each DNS server of the cluster answers for the names of each set."""
    where = DnsWhere()
    settings = read_settings(port, where)
    zone = cluster_zone("", settings, None)
    found: dict[tuple[str, str], NamesHeard] = {}
    with port.resolver(where) as resolver:
        for case in cases:
            wanted = expected(network_of(case), zone, settings)
            hearings = resolver.ask(questions(wanted.names)) if wanted.names else ()
            found[case.ref.namespace, case.ref.name] = NamesHeard(hearings=hearings, settings=settings)
    return found


def _check_names(estate: Estate, patients: Patients) -> None:
    known: Sequence[str] = sorted({each.name for each in estate.sets})
    for ref in patients.names:
        if ref.name not in known:
            near = get_close_matches(ref.name, known, n=3, cutoff=0.5) or known[:5]
            elsewhere = f"is it in another namespace? {pasting.pets('list', '-A')}"
            hint = f"there are: {', '.join(map(clean, near))}" if near else elsewhere
            raise NotFoundError(f"no {ref.kind.title} {clean(ref.name)} in namespace {patients.namespace}", hint=hint)
