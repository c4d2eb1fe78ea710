"""Puts the executable in place that kubectl asks for completion, ``kubectl_complete-pets``: krew links the plugin alone.

It is a script that calls the program by its name, not a link to it or a copy: it stays right when krew replaces the plugin, it
says itself what it does, and it can be told from somebody else's file of that name, which is never overwritten unasked.
"""

import os
import shutil
from collections.abc import Mapping
from enum import StrEnum, unique
from pathlib import Path

import msgspec

from kubectl_pets.errors import PetsError

PROGRAM = "kubectl-pets"
NAME = "kubectl_complete-pets"

_SCRIPT = '#!/bin/sh\nexec kubectl-pets __complete "$@"\n'
_BATCH = "@kubectl-pets __complete %*\r\n"

#: What every version of ours had in it.
_OURS = "kubectl-pets __complete"


@unique
class Found(StrEnum):
    """What stands already at the path that the completion executable is to be written to."""

    NOTHING = "nothing"
    SAME = "same"
    OLDER = "older"  #: ours, but not as it would be written now
    FOREIGN = "foreign"


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """What would be written where, and over what. ``shadow``: the file that kubectl finds before this one."""

    path: Path
    text: str
    found: Found
    on_path: bool  #: kubectl looks into that folder
    shadow: Path | None = None


def plan(folder: Path | None, environ: Mapping[str, str], *, windows: bool = os.name == "nt") -> Placement:
    """Where the completion executable is to be written, and what stands there already: into ``folder``, or into a writable
    folder on PATH, the plugin's own before all others. Raises PetsError where there is none."""
    listed = [Path(each) for each in environ.get("PATH", "").split(os.pathsep) if each]
    chosen = _checked(folder) if folder is not None else _best(listed, environ)
    name, text = (f"{NAME}.cmd", _BATCH) if windows else (NAME, _SCRIPT)
    path = chosen / name
    first = next((each / name for each in listed if os.access(each / name, os.X_OK)), None)
    return Placement(
        path=path,
        text=text,
        found=_found(path, text),
        on_path=any(_same(each, chosen) for each in listed),
        shadow=first if first is not None and _comes_before(first.parent, chosen, listed) else None,
    )


def put(placement: Placement) -> None:
    """Write it over whatever was found there. Raises PetsError, also where a file came up meanwhile."""
    path, draft = placement.path, placement.path.with_name(f".{placement.path.name}.partial")
    target = path if placement.found is Found.NOTHING else draft
    try:
        draft.unlink(missing_ok=True)
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755), "w", encoding="utf-8", newline="") as file:
            file.write(placement.text)
        if target is draft:
            draft.replace(path)  # a link is replaced, not what it leads to
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise PetsError(f"{path} cannot be written: {error.strerror}", hint="give another folder with --dir DIR.") from error


def _checked(folder: Path) -> Path:
    if not folder.is_dir():
        raise PetsError(f"{folder} is not a folder.", hint="make it first, or give another one with --dir DIR.")
    return folder.absolute()


def _best(listed: list[Path], environ: Mapping[str, str]) -> Path:
    """The first that will do: the plugin's folder (with krew, the one of its links), krew's, the user's own."""
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or "/")
    plugin = shutil.which(PROGRAM, path=environ.get("PATH", ""))
    wanted = [Path(plugin).parent] if plugin else []
    wanted += [Path(environ.get("KREW_ROOT") or home / ".krew") / "bin", home / ".local" / "bin", home / "bin"]
    for folder in wanted:
        if any(_same(folder, each) for each in listed) and os.access(folder, os.W_OK | os.X_OK):
            return folder.absolute()
    looked = ", ".join(str(folder) for folder in dict.fromkeys(wanted))
    raise PetsError(
        f"no folder on PATH can be written to; looked at {looked}.", hint="give a folder on PATH with --dir DIR."
    )


def _found(path: Path, text: str) -> Found:
    if not os.path.lexists(path):
        return Found.NOTHING
    try:
        there = path.read_bytes().decode() if not path.is_symlink() else ""
    except (OSError, UnicodeDecodeError):
        return Found.FOREIGN
    if there == text and os.access(path, os.X_OK):
        return Found.SAME
    return Found.OLDER if _OURS in there else Found.FOREIGN


def _comes_before(folder: Path, chosen: Path, listed: list[Path]) -> bool:
    for each in listed:
        if _same(each, chosen):
            return False
        if _same(each, folder):
            return True
    return False


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
