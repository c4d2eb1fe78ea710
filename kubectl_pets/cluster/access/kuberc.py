"""kuberc: what the user allows credential plugins to do (KEP-3104), obeyed here as by kubectl.

The file is the one of ``--kuberc``, else of ``KUBERC``, else ``~/.kube/kuberc``. What else it holds (aliases, defaults of
kubectl's verbs) means nothing here.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from kubectl_pets.cluster.access.goyaml import GoYamlError, first_document
from kubectl_pets.cluster.access.kubeconfig import home
from kubectl_pets.cluster.http.failures import clean
from kubectl_pets.errors import ConfigError, CredentialPluginError

_GROUP = "kubectl.config.k8s.io/"


class _Entry(msgspec.Struct):
    command: str | None = None
    name: str | None = None  #: what ``command`` was called before


class _Preference(msgspec.Struct, rename="camel"):
    api_version: str
    kind: Literal["Preference"]
    credential_plugin_policy: str | None = None
    credential_plugin_allowlist: list[_Entry | None] | None = None


class Policy(msgspec.Struct, frozen=True):
    """Which plugins may run: all of them, or those that ``allowed`` names. ``source``: the file that says so."""

    allowed: tuple[str, ...] | None = None
    source: str = ""

    def check(self, command: str, program: str, path: str) -> None:
        """``command``: the plugin as the kubeconfig names it; ``program``: the file it is, absolute; ``path``: PATH. Raises
        CredentialPluginError if it may not run."""
        if self.allowed is None or os.path.normpath(command) in self.allowed or program in self.allowed:
            return
        for entry in self.allowed:
            if os.path.basename(entry) == os.path.basename(program) and found(entry, path) == program:
                return
        raise CredentialPluginError(
            f"the credential plugin {clean(command)} may not run: {clean(self.source)} does not allow it",
            hint="credentialPluginPolicy and credentialPluginAllowlist there say which may",
        )


def found(command: str, path: str) -> str | None:
    """The file that a command is, absolute. What only a relative folder of PATH has is not started (Go's ``exec.LookPath``)."""
    program = shutil.which(command, path=path)
    return program if program and os.path.isabs(program) else None


def load(explicit: str | None, environ: Mapping[str, str], tell: Callable[[str], None]) -> Policy:
    """What the user's kuberc says about plugins; everything is allowed where there is none. Raises ConfigError for one that was
    named and cannot be used, and for a policy that makes no sense, since it is there to protect. ``tell`` is told of a file in
    the usual place that cannot be used."""
    if environ.get("KUBECTL_KUBERC", "").lower() in ("false", "f", "0"):
        return Policy()
    if environ.get("KUBERC") == "off":
        if explicit:
            raise ConfigError("--kuberc is given, but KUBERC=off switches it off")
        return Policy()
    usual = os.path.join(home(environ), ".kube", "kuberc")
    path = explicit or environ.get("KUBERC") or usual
    try:
        preference = _read(path)
    except ConfigError as error:
        if path is not usual:
            raise
        if os.path.exists(path):
            tell(f"warning: {error.message}; credential plugins run whatever it says")
        return Policy()
    return _policy(preference, path)


def _read(path: str) -> _Preference | None:
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError as error:
        raise ConfigError(f"the kuberc {clean(path)} cannot be read: {error.strerror}", hint="KUBERC=off does without") from None
    some = False
    for part in _documents(text):
        some = True
        try:
            preference = msgspec.convert(first_document(part), _Preference)
        except (GoYamlError, msgspec.ValidationError):
            continue
        if preference.api_version == _GROUP + "v1alpha1":  # which knew nothing of plugins
            return _Preference(api_version=preference.api_version, kind="Preference")
        if preference.api_version == _GROUP + "v1beta1" and not any(map(_torn, preference.credential_plugin_allowlist or ())):
            return preference
    if some:
        raise ConfigError(f"the kuberc {clean(path)} has no Preference of {_GROUP}v1beta1", hint="KUBERC=off does without")
    return None


def _documents(text: bytes) -> list[bytes]:
    """Documents end where a line is ``---`` (apimachinery ``YAMLReader``)."""
    parts: list[bytes] = [b""]
    for line in text.splitlines(keepends=True):
        if line.rstrip() == b"---":
            parts.append(b"")
        else:
            parts[-1] += line
    return [part for part in parts if part.strip()]


def _policy(preference: _Preference | None, path: str) -> Policy:
    policy = preference.credential_plugin_policy or "" if preference is not None else ""
    listed = preference.credential_plugin_allowlist if preference is not None else None
    wrong = ""
    if policy not in ("", "AllowAll", "DenyAll", "Allowlist"):
        wrong = f"credentialPluginPolicy {clean(policy, 40)!r} is none of AllowAll, DenyAll and Allowlist"
    elif policy == "Allowlist" and not listed:
        wrong = "credentialPluginPolicy is Allowlist, but credentialPluginAllowlist names no plugin"
    elif policy != "Allowlist" and listed is not None:
        wrong = f"credentialPluginAllowlist is given, but credentialPluginPolicy is {policy or 'not set'}"
    commands = [_command(entry) for entry in listed or ()]
    if not wrong and not all(command and os.path.normpath(command) == command for command in commands):
        wrong = "an entry of credentialPluginAllowlist has no command, or not its shortest path"
    if wrong:
        raise ConfigError(f"the kuberc {clean(path)} cannot be obeyed: {wrong}", hint="mend it; KUBERC=off does without")
    if policy == "DenyAll":
        return Policy((), path)
    return Policy(tuple(commands), path) if policy == "Allowlist" else Policy()


def _torn(entry: _Entry | None) -> bool:
    """Whether a kuberc entry has both ``command`` and ``name``, and they differ."""
    return bool(entry and entry.command and entry.name and entry.command != entry.name)


def _command(entry: _Entry | None) -> str:
    return (entry.command or entry.name or "") if entry is not None else ""
