"""What was examined, in the formats that its readers expect. Each is loaded only where it is asked for."""

from kubectl_pets.domain.doctor.checkup import Checkup

FORMATS = ("table", "wide", "json", "yaml", "jsonl")


def document(seen: Checkup, output: str) -> str:
    """For programs. ``output``: one of ``FORMATS``, and no table."""
    from kubectl_pets.views.doctor import documents

    return documents.document(seen, output)
