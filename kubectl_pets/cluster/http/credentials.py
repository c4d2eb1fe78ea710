"""Who we say we are: the Authorization header and the client certificate, kept fresh.

A token or certificate in files is read again when it was rotated, a plugin runs again when its token ran out or was turned down.
Requests ask for the current credential each time, so a rollout of hours outlives a token of minutes. Plugins are in
``access/plugins.py``.
"""

import os
from base64 import b64encode
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Protocol

import msgspec

from kubectl_pets.cluster.http.failures import clean
from kubectl_pets.errors import ConfigError

#: What Go's ``strings.TrimSpace`` takes away (``unicode.IsSpace``); Python's ``strip`` knows four control characters more.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


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
    """A file with a token that someone else rotates, a service account's for one. ``token``: as long as the file has none."""

    def __init__(self, path: str, token: str | None = None) -> None:
        self._path = path
        self._lock = Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._credential = Credential(bearer(token, "the token of the user")) if token else None

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
                header = bearer(file.read().strip(_SPACE), f"the token file {clean(self._path)}")
        except (OSError, UnicodeDecodeError, ConfigError) as error:
            if self._credential is not None:
                return self._credential  # in the middle of a rotation the old one is still good
            if isinstance(error, ConfigError):
                raise
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise ConfigError(f"the token file {clean(self._path)} cannot be read: {reason}") from None
        self._stamp, self._credential = stamp, Credential(header)
        return self._credential


class WithCertificate:
    """Other credentials, and beside them a client certificate in files that someone else rotates. They are looked at at most once
    a second (client-go ``cachingCertificateLoader``). ``read`` is given the one that is known and returns the one that is there;
    it raises ConfigError while that is of no use."""

    _OFTEN = 1.0

    def __init__(self, other: Credentials, read: Callable[[Certificate | None], Certificate]) -> None:
        self._other, self._read = other, read
        self._lock = Lock()
        self._looked = monotonic()
        self._certificate = read(None)

    def current(self) -> Credential:
        return Credential(self._other.current().authorization, self._fresh())

    def renewed(self, turned_down: Credential) -> bool:
        self._other.renewed(Credential(turned_down.authorization))
        self._looked = 0.0
        return self.current() != turned_down

    def close(self) -> None:
        self._other.close()

    def _fresh(self) -> Certificate:
        with self._lock:
            if monotonic() - self._looked > self._OFTEN:
                self._looked = monotonic()
                try:
                    self._certificate = self._read(self._certificate)
                except ConfigError:
                    pass  # in the middle of a rotation the old one is still good
            return self._certificate


def bearer(token: str, origin: str) -> str:
    """The header for a token; ``origin`` says where it came from, should it be of no use."""
    if not token:
        raise ConfigError(f"{origin} is empty")
    return f"Bearer {_bytes(_sendable(token, origin))}"


def basic(username: str, password: str) -> str:
    """The header for a user name and a password."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def header_text(value: str, origin: str) -> str:
    """A header's value, exactly this one. Raises ConfigError for blanks at its ends: HTTP/1.1 takes them away, and who would be
    played with nothing left is nobody else (kubectl sends them over HTTP/2, which leaves them)."""
    if value != value.strip(" \t"):
        raise ConfigError(f"{origin} begins or ends with a blank, which would get lost on the way", hint="take it out")
    return _bytes(_sendable(value, origin))


def _bytes(value: str) -> str:
    """As the bytes that Go would send: UTF-8. http.client sends Latin-1."""
    return value.encode("utf-8", "surrogateescape").decode("latin-1")


def _sendable(value: str, origin: str) -> str:
    if any((character < " " and character != "\t") or character == "\x7f" for character in value):
        raise ConfigError(f"{origin} holds a line break or a control character")
    return value
