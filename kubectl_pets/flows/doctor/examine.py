"""Examines sets: reads everything once, asks why where one is not well, and has it judged."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Protocol

import msgspec

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.doctor.case import Ward
from kubectl_pets.domain.doctor.checkup import Asked, Checkup, examine
from kubectl_pets.domain.doctor.estate import Estate, Unread, UnreadWhy
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.errors import NotFoundError
from kubectl_pets.ports.doctor import EstatePort
from kubectl_pets.ports.server import ClockPort


class DoctorPort(EstatePort, ClockPort, Protocol):
    """What it takes to examine sets."""


class Patients(msgspec.Struct, frozen=True, kw_only=True):
    """Which sets. ``namespace`` None: of all namespaces; ``names`` empty: all of them; ``labels`` empty: any labels."""

    namespace: str | None
    names: tuple[SetRef, ...] = ()
    labels: str = ""
    #: Read the names of Secrets, too.
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
        ward.hear(port.events(estate.namespace), Unread("events", UnreadWhy.FORBIDDEN))
    return examine(ward, asked)


def _check_names(estate: Estate, patients: Patients) -> None:
    known: Sequence[str] = sorted({each.name for each in estate.sets})
    for ref in patients.names:
        if ref.name not in known:
            near = get_close_matches(ref.name, known, n=3, cutoff=0.5) or known[:5]
            elsewhere = f"is it in another namespace? {pasting.pets('list', '-A')}"
            hint = f"there are: {', '.join(map(clean, near))}" if near else elsewhere
            raise NotFoundError(f"no {ref.kind.title} {clean(ref.name)} in namespace {patients.namespace}", hint=hint)
