"""Somebody at a shell who presses Tab: real kubectl, the completion executable as shipped, the plugin of this checkout."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

KREW = Path(__file__).resolve().parents[2] / "krew"
EXECUTABLE = KREW / "kubectl_complete-pets"


class Completed(NamedTuple):
    """What kubectl hands to the shell. ``about``: descriptions by candidate."""

    candidates: list[str]
    directive: int
    about: dict[str, str]


class Shell:
    """A home of its own, and a PATH with kubectl, the plugin and (unless ``bare``) its completion executable."""

    def __init__(self, folder: Path, kubeconfig: Path | None = None, *, bare: bool = False) -> None:
        self.home, self.bin = folder / "home", folder / "bin"
        self.home.mkdir()
        self.bin.mkdir()
        plugin = self.bin / "kubectl-pets"
        plugin.write_text(f'#!/bin/sh\nexec {sys.executable} -m kubectl_pets "$@"\n', encoding="utf-8")
        plugin.chmod(0o755)
        if not bare:
            shutil.copy(EXECUTABLE, self.bin)
        found = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
        assert found is not None, "there is no kubectl, neither in this environment nor on PATH"
        (self.bin / "kubectl").symlink_to(found)
        self.environ = {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(self.home)}
        self.environ["KUBECONFIG"] = str(kubeconfig or self.home / "none")

    @property
    def cached(self) -> list[Path]:
        return sorted((self.home / ".cache" / "kubectl-pets" / "completion").glob("*"))

    def run(self, *command: str, environ: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, env={**self.environ, **(environ or {})}, capture_output=True, text=True, check=False, timeout=120,
            stdin=subprocess.DEVNULL,
        )

    def complete(self, *words: str) -> Completed:
        """``kubectl pets WORDS...`` with the last word unfinished, as kubectl's own completion answers."""
        done = self.run("kubectl", "__complete", "pets", *words)
        assert done.returncode == 0, done.stderr
        talk = [line for line in done.stderr.splitlines() if not line.startswith(("[Debug] ", "Completion ended with directive"))]
        assert not talk, talk
        *lines, directive = done.stdout.splitlines()
        pairs = [line.partition("\t") for line in lines]
        return Completed([name for name, _, _ in pairs], int(directive.removeprefix(":")), {name: about for name, _, about in pairs})

    def bash(self, script: str) -> "subprocess.CompletedProcess[str]":
        bash = shutil.which("bash")
        assert bash is not None
        return self.run(bash, "--norc", "--noprofile", "-c", script)
