"""Exec credential plugins (client.authentication.k8s.io): the programs that clouds hand out tokens with.

The client library runs them too, but when one fails it only logs so and goes on anonymously, and people see a baffling 403. Here
the plugin's own words are the error. Its environment is the one we were started in, not that of a frozen program.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from threading import Event, RLock
from time import monotonic
from typing import IO, Any

import msgspec

from kubectl_pets.cluster.access.goyaml import GoYamlError, first_document
from kubectl_pets.cluster.access.kubeconfig import ExecPlugin
from kubectl_pets.cluster.access.kuberc import Policy, found
from kubectl_pets.cluster.http.credentials import Certificate, Credential, bearer
from kubectl_pets.cluster.http.failures import clean
from kubectl_pets.cluster.http.pools import usable
from kubectl_pets.errors import ConfigError, CredentialPluginError
from kubectl_pets.lending import lent

_GROUP = "client.authentication.k8s.io/"

#: A plugin that nobody can answer gets this many seconds; one at a terminal as long as the user takes.
_PATIENCE = 120.0

#: After this many seconds a plugin at a terminal is taken to be asking its user something, so its words are passed on.
_SILENCE = 1.0


#: RFC 3339 as Go's ``time.Parse`` takes it: narrower than ISO 8601, but for the comma and an hour of one digit.
_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,]\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)

#: What JSON escapes; in the group: half of a surrogate pair without the other one.
_ESCAPED = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


class _Spec(msgspec.Struct, frozen=True):
    """What it was told; all that counts is that it is what it should be."""

    interactive: bool | None = None
    cluster: dict[str, Any] | None = None


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: str | None = None


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str | None = None
    kind: str | None = None
    spec: _Spec | None = None
    status: _Status | None = None


def child_environment(environ: Mapping[str, str], frozen: bool) -> dict[str, str]:
    """The environment for other programs: a PyInstaller program's own library path would break them."""
    env = dict(environ)
    if frozen:
        for variable in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
            original = env.pop(variable + "_ORIG", None)
            if original is not None:
                env[variable] = original
            else:
                env.pop(variable, None)
    return env


def _as_go_reads(output: bytes) -> bytes:
    """JSON in which all is Unicode: what is none is a replacement character to Go (encoding/json)."""
    text = output.decode(errors="replace").encode()
    return _ESCAPED.sub(lambda found: rb"\ufffd" if found[1] else found[0], text)


class Plugin:
    """Credentials from a plugin, kept until they expire. ``cluster``: what it is told where it asks for that; ``policy``: whether
    it may run at all. Raises ConfigError for a version of the protocol that is not spoken."""

    def __init__(
        self, spec: ExecPlugin, cluster: Mapping[str, Any], environ: Mapping[str, str], policy: Policy | None = None
    ) -> None:
        self._command = os.path.normpath(spec.command or "")
        if spec.api_version not in (_GROUP + "v1", _GROUP + "v1beta1"):
            raise ConfigError(
                f"the exec plugin {clean(self._command)} has apiVersion {clean(spec.api_version or 'unset')!r}, "
                f"supported are {_GROUP}v1 and {_GROUP}v1beta1",
                hint="update the kubeconfig with the tool that wrote it",
            )
        self._spec, self._cluster, self._environ, self._policy = spec, cluster, environ, policy or Policy()
        self._lock = RLock()
        self._closing = Event()
        self._credential: Credential | None = None
        self._expires: datetime | None = None

    def current(self) -> Credential:
        with self._lock:
            expired = self._expires is not None and datetime.now(UTC) >= self._expires
            if self._credential is None or expired:
                self._run()
            assert self._credential is not None
            return self._credential

    def renewed(self, turned_down: Credential) -> bool:
        with self._lock:
            if self._credential == turned_down:
                self._run()
            return self._credential != turned_down

    def close(self) -> None:
        self._closing.set()

    def _run(self) -> None:
        self._credential = None
        answer = self._parsed(self._output())
        certificate = None
        expires = self._moment(answer.expiration_timestamp)
        try:
            if answer.client_certificate_data and answer.client_key_data:
                certificate = usable(Certificate(answer.client_certificate_data.encode(), answer.client_key_data.encode()))
            header = bearer(answer.token, "its token") if answer.token else None
        except ConfigError as error:
            raise self._failure(error.message) from None
        self._expires = expires
        self._credential = Credential(header, certificate)

    def _output(self) -> bytes:
        """Run it and return its stdout, which holds the secret and is never shown."""
        mode = self._spec.interactive_mode or "IfAvailable"
        at_terminal = sys.stdin is not None and sys.stdin.isatty()
        if mode == "Always" and not at_terminal:
            raise self._failure("it wants to ask its user, but there is no terminal")
        interactive = at_terminal and mode != "Never"
        program = self._program()
        with tempfile.TemporaryFile("a+b") as words, lent() if interactive else nullcontext():
            # On Windows a file's position is shared, so what is said at a terminal can only go there directly.
            direct = interactive and os.name == "nt"
            try:
                process = subprocess.Popen(
                    [program, *(argument or "" for argument in self._spec.args or ())],
                    stdin=None if interactive else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=None if direct else words,
                    env=self._environment(interactive),
                )
            except OSError as error:
                raise self._failure(f"it cannot be started: {error.strerror}") from None
            except ValueError as error:  # a NUL in an argument or a variable
                raise self._failure(f"it cannot be started: {error}") from None
            output = self._wait(process, words, interactive)
            if process.returncode != 0:
                raise self._failure(f"it ended with status {process.returncode}", self._said(words))
            return output

    def _program(self) -> str:
        """The path of the credential plugin's executable."""
        path = self._environ.get("PATH", "")
        program = found(self._command, path)
        self._policy.check(self._command, program or "", path)
        if program is None:
            install = clean(self._spec.install_hint or "", 2000) or None
            raise CredentialPluginError(
                f"the credential plugin {clean(self._command)} is not installed", hint=install or "check PATH"
            )
        return program

    def _wait(self, process: "subprocess.Popen[bytes]", words: IO[bytes], interactive: bool) -> bytes:
        began, passed_on = monotonic(), 0
        try:
            while True:
                try:
                    return process.communicate(timeout=0.1)[0]
                except subprocess.TimeoutExpired:
                    pass
                if self._closing.is_set():
                    raise self._failure("it was stopped")
                if not interactive and monotonic() - began > _PATIENCE:
                    raise self._failure(f"it did not come to an end within {_PATIENCE:.0f} s", self._said(words))
                if interactive and monotonic() - began > _SILENCE:
                    words.seek(passed_on)
                    said = words.read()
                    passed_on += len(said)
                    sys.stderr.write(said.decode(errors="replace"))
                    sys.stderr.flush()
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def _environment(self, interactive: bool) -> dict[str, str]:
        env = child_environment(self._environ, bool(getattr(sys, "frozen", False)))
        for variable in self._spec.env or ():
            if variable is not None:
                # Go joins both to one text, so that a name goes up to the first "=" in it
                name, _, value = f"{variable.name or ''}={variable.value or ''}".partition("=")
                env |= {name: value} if name else {}
        spec: dict[str, Any] = {"interactive": interactive}
        if self._spec.provide_cluster_info:
            spec["cluster"] = self._cluster
        info = {"kind": "ExecCredential", "apiVersion": self._spec.api_version, "spec": spec}
        env["KUBERNETES_EXEC_INFO"] = msgspec.json.encode(info).decode()
        return env

    def _parsed(self, output: bytes) -> _Status:
        """JSON or YAML, as kubectl decodes it: a kind that is left out is taken for granted, a version is not."""
        try:
            if output.lstrip().startswith(b"{"):
                answer = msgspec.json.decode(_as_go_reads(output), type=_Answer)
            else:
                answer = msgspec.convert(first_document(output), _Answer)
        except (GoYamlError, UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
            raise self._failure("what it printed is not an ExecCredential") from None
        status = answer.status
        if (answer.kind or "ExecCredential") != "ExecCredential" or status is None:
            raise self._failure("what it printed is not an ExecCredential with a status")
        if answer.api_version != self._spec.api_version:
            spoken = clean(answer.api_version or "no version")
            raise self._failure(f"it speaks {spoken}, the kubeconfig {clean(self._spec.api_version or '')}")
        if not status.token and not status.client_certificate_data and not status.client_key_data:
            raise self._failure("it gave neither a token nor a certificate")
        if bool(status.client_certificate_data) != bool(status.client_key_data):
            raise self._failure("it gave a certificate without its key, or a key without its certificate")
        return status

    def _moment(self, text: str | None) -> datetime | None:
        if text is None:
            return None
        try:
            found = _MOMENT.fullmatch(text)
            if found is None:
                raise ValueError
            year, month, day, hour, minute, second = map(int, found.groups()[:6])
            zone = datetime.fromisoformat(f"2000-01-01T00:00{found[7]}").tzinfo
            return datetime(max(year, 1), month, day, hour, minute, second, tzinfo=zone)  # year 0 is long ago as well
        except ValueError:
            raise self._failure("what it printed is not an ExecCredential") from None

    def _said(self, words: IO[bytes]) -> str:
        """The last that it said: where a program fails it says why at the end."""
        words.seek(0)
        text = words.read().decode(errors="replace")
        for variable in self._spec.env or ():
            name, value = (variable.name or "", variable.value or "") if variable else ("", "")
            if len(value) >= 6 and any(word in name.upper() for word in ("SECRET", "TOKEN", "PASS", "KEY")):
                text = text.replace(value, "…")
        said = clean(text, len(text) + 1)
        return said if len(said) <= 600 else "…" + said[-600:]

    def _failure(self, problem: str, said: str = "") -> CredentialPluginError:
        return CredentialPluginError(
            f"the credential plugin {clean(self._command)} failed: {problem}" + (f": {said}" if said else ""),
            hint="run it by itself, or log in again with the tool it belongs to",
        )
