"""``kubectl pets rollout history`` and ``diff``: revisions as a table with what changed from each to the next, a template as
YAML, and two templates as a unified diff.

In the table the value of an environment variable is not shown, only that it changed: people put secrets where they should not,
and a history ends up in chats. The template and the diff hold all of it, as kubectl's do.
"""

import difflib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.history import History, RevisionEntry, Template, normalised
from kubectl_pets.views.rollout import documents
from kubectl_pets.views.rollout.changes import change, changed
from kubectl_pets.views.text import ages as age
from kubectl_pets.views.text.fitting import Column, aligned, fit
from kubectl_pets.views.text.ink import Ink, Piece, plain, render
from kubectl_pets.views.text.phrases import folded

_NONE = {"apiVersion": documents.API_VERSION, "kind": "RolloutHistoryList", "items": []}

_COLUMNS = (
    Column("REVISION"),
    Column("NAME", weight=1),
    Column("AGE", weight=4),
    Column("MARKS"),
    Column("PODS", weight=5),
    Column("IMAGES", weight=2),
    Column("CHANGED", least=24, ease=48),
)


def table(
    entries: Iterable[RevisionEntry],
    now: datetime,
    *,
    wide: bool = False,
    headers: bool = True,
    width: int | None = None,
    colour: bool = False,
) -> str:
    """One revision a line, the oldest first, as kubectl lists them. ``wide``: all that changed, and nothing gives way to
    ``width``; else the first few fields."""
    width = None if wide else width
    rows = [tuple(plain(column.head) for column in _COLUMNS)] if headers else []
    rows += [_row(entry, now, wide) for entry in entries]
    return "\n".join(aligned(fit(_COLUMNS, rows, width), width=width, colour=colour)) if rows else ""


def document(entries: Iterable[RevisionEntry], namespace: str, name: str) -> dict[str, Any]:
    """All revisions of a set for programs, without their templates: ``--revision`` has those."""
    return {
        "apiVersion": documents.API_VERSION,
        "kind": "RolloutHistory",
        "metadata": {"namespace": namespace, "name": name},
        "revisions": [_document(entry) for entry in entries],
    }


def one(found: dict[str, Any], output: str) -> str:
    """The document of one set, written down."""
    return documents.dump(found, output)


def many(found: Sequence[dict[str, Any]], output: str) -> str:
    """Those of several, as a list."""
    return documents.listed(found, output) if found else documents.dump(_NONE, output)


def title(found: History) -> str:
    """Which set it is of, where there are several."""
    return f"{clean(found.set.namespace)}/{clean(found.set.name)}"


def template(found: Template, output: str = "yaml") -> str:
    """A template in full and as it is stored, as ``yaml`` or ``json``."""
    return _yaml(found).rstrip("\n") if output == "yaml" else documents.dump(found, output)


def comparable(found: Template) -> str:
    """A template as the YAML that is compared: what makes no difference is left out."""
    return _yaml(normalised(found))


def _yaml(found: Template) -> str:
    """Keys sorted, one field a line, scripts and other texts of several lines as blocks."""
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # libyaml, where it was built with it
        pass

    def text(dumper: Any, value: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    return str(yaml.dump(found, Dumper=Dumper, sort_keys=True, width=2**20))


def unified(before: str, after: str, titles: tuple[str, str], *, colour: bool = False) -> str:
    """The difference of two texts of YAML, as ``diff -u`` has it; empty where there is none."""
    old, new = clean(titles[0]), clean(titles[1])
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), old, new, lineterm="")
    return "\n".join(render(((line, _ink(line, number)),), width=None, colour=colour) for number, line in enumerate(lines))


def _ink(line: str, number: int) -> Ink:
    if number < 2:
        return Ink.BOLD
    return {"+": Ink.GOOD, "-": Ink.BAD, "@": Ink.FAINT}.get(line[:1], Ink.PLAIN)


# --- the table ---------------------------------------------------------------------------------------------------------------


def _row(entry: RevisionEntry, now: datetime, wide: bool) -> tuple[Piece, ...]:
    live = entry.live and not entry.update
    of_elsewhere = (("kept", entry.kept), ("adopted", entry.adopted))
    roles = (("current", entry.current), ("update", entry.update), ("live", live), *of_elsewhere)
    marks = ",".join(word for word, role in roles if role)
    return (
        plain(str(entry.number)),
        plain(clean(entry.name)),
        plain(age.age(entry.created, now)),
        (marks or "-", Ink.BOLD),
        plain("?" if entry.pods is None else folded(entry.pods) or "-"),
        plain(",".join(_images(entry.template)) or "-"),
        plain(changed(entry.changes, wide=wide)),
    )


def _images(found: Template) -> list[str]:
    groups = found.get("leaderWorkerTemplate")
    parts = [groups.get(key) for key in ("leaderTemplate", "workerTemplate")] if isinstance(groups, dict) else [found]
    specs = [part.get("spec") for part in parts if isinstance(part, dict)]
    containers = [item for spec in specs for key in ("initContainers", "containers") for item in _list(spec, key)]
    return [clean(str(item.get("image", ""))) for item in containers if isinstance(item, dict)]


def _list(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _document(entry: RevisionEntry) -> dict[str, Any]:
    return {
        "revision": entry.number,
        "name": entry.name,
        "creationTimestamp": entry.created,
        "current": entry.current,
        "update": entry.update,
        "live": entry.live,
        "kept": entry.kept,
        "images": _images(entry.template),
        "pods": entry.pods,
        "changes": None if entry.changes is None else [change(item) for item in entry.changes],
    }
