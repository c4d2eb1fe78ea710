"""The two documents that go with the executable: the licences of others' work in it, and a machine-readable list of its parts.

The list is CycloneDX JSON. What it says of Python packages comes from cyclonedx-bom, which is asked for the whole environment;
only what is really in the executable is kept, and what does not come from PyPI is added.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from krew.parts import Part

_RULE = "=" * 80


def licences(parts: Iterable[Part]) -> str:
    """One text with a heading for each part; the same parts give the same text."""
    told = [
        f"{_RULE}\n{part.name} {part.version}\n{part.licence.splitlines()[0]}\n{_RULE}\n\n{part.text.strip()}\n" for part in parts
    ]
    head = "kubectl-pets is licensed under the Apache License 2.0, see LICENSE. Its executable holds works of others:\n"
    return "\n".join([head, *told])


def bill_of_materials(version: str, parts: Sequence[Part]) -> str:
    """CycloneDX 1.6 as JSON text, the same for the same parts: no serial number, and no time but that of SOURCE_DATE_EPOCH."""
    whole = _environment()
    known = {component["name"].lower(): component for component in whole["components"]}
    components = [
        {"licenses": _licences(part), **known[part.package.lower()], "type": "library"} if part.package else _generic(part)
        for part in parts
    ]
    subject = {
        "bom-ref": "kubectl-pets",
        "type": "application",
        "name": "kubectl-pets",
        "version": version,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    inside = [component["bom-ref"] for component in components]
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in whole["dependencies"]}
    whole["metadata"]["component"] = subject
    whole["components"] = components
    whole["dependencies"] = [
        {"ref": "kubectl-pets", "dependsOn": sorted(inside)},
        *({"ref": ref, "dependsOn": sorted(set(needs.get(ref, ())) & set(inside))} for ref in sorted(inside)),
    ]
    return json.dumps(whole, indent=2, sort_keys=True) + "\n"


def _environment() -> dict[str, Any]:
    options = ["--output-reproducible", "--no-validate", "--spec-version", "1.6", "--output-file", "-"]
    command = [sys.executable, "-m", "cyclonedx_py", "environment", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    described: dict[str, Any] = json.loads(done.stdout)
    return described


def _generic(part: Part) -> dict[str, Any]:
    """A part that is on no registry."""
    name = part.name.lower().replace(" ", "-")
    return {
        "bom-ref": f"{name}@{part.version}",
        "type": "library",
        "name": part.name,
        "version": part.version,
        "purl": f"pkg:generic/{name}@{part.version}",
        "licenses": _licences(part),
    }


def _licences(part: Part) -> list[dict[str, Any]]:
    return [{"license": {"name" if part.licence.startswith("LicenseRef-") else "id": part.licence}}]
