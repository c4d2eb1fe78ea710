"""Shows two texts to the program that the user compares with, as ``kubectl diff`` does: KUBECTL_EXTERNAL_DIFF names it.

It is given two directories with a file of the same name in each, and ends with 0 (the same), 1 (different) or more (trouble). Of
its arguments only those of letters, digits, dashes and equals signs count: kubectl's rule (getCommand in pkg/cmd/diff/diff.go).
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from kubectl_pets.errors import ConfigError
from kubectl_pets.session import Terminal

_VARIABLE = "KUBECTL_EXTERNAL_DIFF"


def external(environ: Mapping[str, str] | None = None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The user's program with its arguments, and the arguments that are left out; empty where none is named."""
    words = (os.environ if environ is None else environ).get(_VARIABLE, "").split(" ")
    arguments = [word for word in words[1:] if word]
    kept = tuple(word for word in arguments if re.fullmatch(r"[a-zA-Z0-9=-]+", word))
    return ((words[0], *kept) if words[0] else ()), tuple(word for word in arguments if word not in kept)


def compare(terminal: Terminal, command: tuple[str, ...], name: str, before: str, after: str) -> int:
    """Run the program over ``before`` and ``after`` in files called ``name``; its exit status, 0 or 1. Raises ConfigError."""
    with TemporaryDirectory(prefix="kubectl-pets-BEFORE-") as old, TemporaryDirectory(prefix="kubectl-pets-AFTER-") as new:
        for directory, text in ((old, before), (new, after)):
            Path(directory, name).write_text(text, encoding="utf-8")
        try:
            status = _run(terminal, [*command, old, new])
        except OSError as error:
            raise ConfigError(f"could not run {command[0]}: {error.strerror}", hint=f"{_VARIABLE} names it") from None
    if status not in (0, 1):
        raise ConfigError(f"{command[0]} ended with {status}", hint=f"{_VARIABLE} names it; 0 and 1 are its answers")
    return status


def _run(terminal: Terminal, command: list[str]) -> int:
    """The program's exit code. It gets our own streams where they are real ones: it may be a program for a terminal."""
    from kubectl_pets.cluster.access.plugins import child_environment  # help does without the client

    env = child_environment(os.environ, bool(getattr(sys, "frozen", False)))
    try:
        streams = (terminal.stdout.fileno(), terminal.stderr.fileno())
    except OSError:  # io.UnsupportedOperation: text that only this process sees
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
        terminal.stdout.write(done.stdout)
        terminal.stderr.write(done.stderr)
        return done.returncode
    terminal.stdout.flush()
    return subprocess.run(command, stdout=streams[0], stderr=streams[1], env=env, check=False).returncode
