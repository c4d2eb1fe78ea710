"""The files of an examination: what somebody has decided to ignore, what was found before, and manifests in place of a cluster.

A file that cannot be meant ends the run with its name, line and column: an ignore that is read otherwise than it was written
hides what it should not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TextIO

import msgspec

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.doctor.case import Ward
from kubectl_pets.domain.doctor.checkup import Asked, Checkup, Standing, examine
from kubectl_pets.domain.doctor.ignoring import Fingerprint, Ignore, IgnoreBy, fingerprint, known
from kubectl_pets.domain.doctor.manifests import OF_CLUSTERS, Manifest, decoded, estate_of, items_of
from kubectl_pets.errors import UsageError
from kubectl_pets.flows.engine.documents import documents_in, not_yaml, text_of

#: Looked for in the working folder.
IGNORE_FILE = ".kubectl-pets.yaml"

#: The file that GitHub Actions shows as the summary of a step.
_SUMMARY = "GITHUB_STEP_SUMMARY"

_KEYS = frozenset(("rule", "rules", "namespace", "name", "reason", "until"))
_MANIFESTS = (".yaml", ".yml", ".json")


class Baseline(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was found before, as it is kept in a file."""

    api_version: str = "kubectl-pets/v1alpha1"
    kind: str = "DoctorBaseline"
    findings: tuple[Fingerprint, ...] = ()


# --- ignores -----------------------------------------------------------------------------------------------------------------


def read_ignores(path: Path, *, required: bool) -> tuple[Ignore, ...]:
    """The ignores of a file; none where it is not ``required`` and not there. Raises UsageError with line and column."""
    if not required and not path.exists():
        return ()
    import yaml

    try:
        root = yaml.compose(text_of(path), Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise not_yaml(str(path), error) from None
    return () if root is None else _Reading(path.name).ignores(root)


class _Reading:
    """One file of ignores, node by node, because a node knows its line."""

    def __init__(self, file: str) -> None:
        self._file = file

    def ignores(self, root: Any) -> tuple[Ignore, ...]:
        found: list[Ignore] = []
        for key, value in self._pairs(root):
            if key.value != "ignore":
                raise self._bad(key, f"'{clean(key.value)}' is not known; there is: ignore")
            found += (self._ignore(item) for item in self._items(value))
        return tuple(found)

    def _ignore(self, node: Any) -> Ignore:
        told: dict[str, Any] = {}
        for key, value in self._pairs(node):
            if key.value not in _KEYS:
                raise self._bad(key, f"'{clean(key.value)}' is not known; there are: {', '.join(sorted(_KEYS))}")
            told[key.value] = value
        rule = told.get("rules", told.get("rule"))
        if rule is None:
            raise self._bad(node, "it names no rule")
        rules = tuple(self._rule(each) for each in (self._items(rule) if _kind(rule) == "sequence" else [rule]))
        if "reason" not in told or not self._text(told["reason"]).strip():
            raise self._bad(node, "it says no reason")
        return Ignore(
            by=IgnoreBy.FILE,
            rules=rules,
            namespace=self._text(told["namespace"]) if "namespace" in told else "*",
            name=self._text(told["name"]) if "name" in told else "*",
            reason=self._text(told["reason"]),
            until=self._day(told["until"]) if "until" in told else None,
            where=f"{self._file}:{node.start_mark.line + 1}",
        )

    def _rule(self, node: Any) -> str:
        glob = self._text(node)
        if not known(glob):
            raise self._bad(node, f"there is no rule {clean(glob)}; {pasting.pets('doctor', 'rules')} lists them")
        return glob

    def _day(self, node: Any) -> date:
        try:
            return date.fromisoformat(self._text(node))
        except ValueError:
            raise self._bad(node, f"'{clean(self._text(node))}' is no day like 2027-01-31") from None

    def _text(self, node: Any) -> str:
        if _kind(node) != "scalar":
            raise self._bad(node, "a text was expected")
        return str(node.value)

    def _items(self, node: Any) -> list[Any]:
        if _kind(node) != "sequence":
            raise self._bad(node, "a list was expected")
        return list(node.value)

    def _pairs(self, node: Any) -> list[tuple[Any, Any]]:
        if _kind(node) != "mapping":
            raise self._bad(node, "a mapping was expected")
        for key, _ in node.value:
            self._text(key)
        return list(node.value)

    def _bad(self, node: Any, problem: str) -> UsageError:
        mark = node.start_mark
        return UsageError(f"{self._file}, line {mark.line + 1}, column {mark.column + 1}: {problem}")


def _kind(node: Any) -> str:
    return str(node.id)


# --- baselines ---------------------------------------------------------------------------------------------------------------


def read_baseline(path: Path) -> frozenset[Fingerprint]:
    """Raises UsageError."""
    try:
        found = msgspec.json.decode(text_of(path).encode(), type=Baseline)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UsageError(f"{path} is no baseline: {clean(str(error))}", hint="doctor --write-baseline FILE writes one.") from None
    if found.kind != Baseline().kind:
        raise UsageError(f"{path} is no baseline: its kind is '{clean(found.kind)}'")
    return frozenset(found.findings)


def write_baseline(path: Path, seen: Checkup) -> int:
    """All that is found now, or known already; returns how many. Raises UsageError where it cannot be written."""
    outcomes = (*seen.standing(Standing.FOUND), *seen.standing(Standing.IGNORED))
    marks = {
        fingerprint(each.finding, each.owner)
        for each in outcomes
        if each.finding is not None and (each.ignore is None or each.ignore.by is IgnoreBy.BASELINE)
    }
    text = msgspec.json.format(msgspec.json.encode(Baseline(findings=tuple(sorted(marks)))), indent=2)
    try:
        path.write_bytes(text + b"\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    return len(marks)


def append_summary(text: str, environ: Mapping[str, str]) -> None:
    """To the summary of the step, where this is one of GitHub Actions (GITHUB_STEP_SUMMARY): what others wrote there stays.
    Raises UsageError where it cannot be written."""
    path = environ.get(_SUMMARY)
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"the summary of the step, {clean(path)} ({_SUMMARY}), cannot be written: {error.strerror}") from None


# --- manifests ---------------------------------------------------------------------------------------------------------------


def read_manifests(names: Sequence[str], stdin: TextIO, namespace: str) -> tuple[Manifest, ...]:
    """Manifests as ``helm template`` prints them, from files, folders and "-". Raises UsageError that says which document."""
    return tuple(each for name in names for each in _objects(name, stdin, namespace))


def look_at_files(found: Sequence[Manifest], asked: Asked) -> Checkup:
    """What is wrong with manifests alone."""
    kept = [each for each in found if each.field not in OF_CLUSTERS]
    return examine(Ward(estate_of(kept), datetime.now(UTC)), asked)


def _objects(name: str, stdin: TextIO, namespace: str) -> Iterator[Manifest]:
    for file, text in _texts(name, stdin):
        for number, (line, document) in enumerate(documents_in(file, text), 1):
            for item in items_of(document):
                try:
                    known_as = decoded(item, namespace)
                except (msgspec.ValidationError, RecursionError) as error:
                    meta = item.get("metadata")
                    called = clean(str(meta.get("name", ""))) if isinstance(meta, dict) else ""
                    what = f"{clean(str(item.get('kind')))} {called}".strip()
                    raise UsageError(f"{file}, document {number} (line {line}), {what}: {clean(str(error))}") from None
                if known_as is not None:
                    yield known_as


def _texts(name: str, stdin: TextIO) -> Iterable[tuple[str, str]]:
    if name == "-":
        return [("stdin", stdin.read())]
    path = Path(name)
    if not path.is_dir():
        return [(name, text_of(path))]
    files = sorted(each for each in path.rglob("*") if each.suffix in _MANIFESTS and each.is_file())
    if not files:
        raise UsageError(f"{name} holds no manifests ({', '.join(_MANIFESTS)})")
    return [(str(each), text_of(each)) for each in files]
