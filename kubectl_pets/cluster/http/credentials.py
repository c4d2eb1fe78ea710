"""Who we say we are: the Authorization header and the client certificate, kept fresh.

A token in a file is read again when it was rotated, a plugin runs again when its token ran out or was turned down. Requests ask
for the current credential each time, so a rollout of hours outlives a token of minutes. Plugins are in ``plugin.py``.
"""

import os
from base64 import b64encode
from threading import Lock
from typing import Protocol

import msgspec

from kubectl_pets.cluster.http.failures import clean
from kubectl_pets.errors import ConfigError


class Certificate(msgspec.Struct, frozen=True):
    """A client certificate with its key, PEM."""

    chain: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Certificate(…)"


class Credential(msgspec.Struct, frozen=True):
    """What goes with one request. Never shown, not even by repr."""

    authorization: str | None = None
    certificate: Certificate | None = None

    def __repr__(self) -> str:
        return "Credential(…)"


class Credentials(Protocol):
    """A source of credentials; safe to ask from several threads."""

    def current(self) -> Credential:
        """The one to use now. Raises PetsError where there is none to be had."""

    def renewed(self, turned_down: Credential) -> bool:
        """After a 401: whether there is another one to try than the one that was turned down."""

    def close(self) -> None:
        """Stop whatever is running to get one."""


class Fixed:
    """What the kubeconfig or the command line says, word for word."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    def current(self) -> Credential:
        return self._credential

    def renewed(self, turned_down: Credential) -> bool:
        return False

    def close(self) -> None:
        pass


class TokenFile:
    """A file with a token that someone else rotates, a service account's for one. ``token``: as long as there is no file."""

    def __init__(self, path: str, certificate: Certificate | None = None, token: str | None = None) -> None:
        self._path, self._certificate = path, certificate
        self._lock = Lock()
        self._stamp: tuple[int, int, int] | None = None
        header = bearer(token, "the token of the user") if token else None
        self._credential = Credential(header, certificate) if header else None

    def current(self) -> Credential:
        with self._lock:
            return self._fresh()

    def renewed(self, turned_down: Credential) -> bool:
        with self._lock:
            self._stamp = None
            return self._fresh() != turned_down

    def close(self) -> None:
        pass

    def _fresh(self) -> Credential:
        try:
            found = os.stat(self._path)
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp == self._stamp and self._credential is not None:
                return self._credential
            with open(self._path, encoding="utf-8") as file:
                header = bearer(file.read(), f"the token file {clean(self._path)}")
        except (OSError, UnicodeDecodeError) as error:
            if self._credential is not None:
                return self._credential  # in the middle of a rotation the old one is still good
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise ConfigError(f"the token file {clean(self._path)} cannot be read: {reason}") from None
        self._stamp, self._credential = stamp, Credential(header, self._certificate)
        return self._credential


def bearer(token: str, origin: str) -> str:
    """The header for a token; ``origin`` says where it came from, should it be of no use."""
    token = token.strip()
    if not token:
        raise ConfigError(f"{origin} is empty")
    return f"Bearer {_sendable(token, origin)}"


def basic(username: str, password: str) -> str:
    """The header for a user name and a password."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def header_text(value: str, origin: str) -> str:
    """A header's value as the bytes that Go would send: UTF-8. http.client sends Latin-1, and quotes what it refuses."""
    return _sendable(value, origin).encode().decode("latin-1")


def _sendable(value: str, origin: str) -> str:
    if any(character < " " or character == "\x7f" for character in value):
        raise ConfigError(f"{origin} holds a line break or a control character")
    return value
