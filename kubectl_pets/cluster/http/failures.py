"""The one table that turns what the network and the API server say into our errors.

Whatever goes wrong below is told as what was tried, what came back, and what to try next. Of an answer's body only the message of
a ``Status`` is shown, cut short and freed of control characters; headers, tokens and passwords never get here.
"""

import re
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
from urllib3 import exceptions as wire

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean as cleaned
from kubectl_pets.cluster.http.clock import moment
from kubectl_pets.errors import (
    ConfigError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PetsError,
    ServerError,
    ThrottledError,
    UnauthorizedError,
    UnreachableError,
)

#: A Status message may hold a whole object; this much says what is wrong.
_LONGEST = 600


class Attempt(msgspec.Struct, frozen=True):
    """What was tried, in kubectl's words. ``resource`` as in ``kubectl auth can-i``: "pods", "statefulsets.apps"."""

    verb: str
    resource: str
    name: str = ""
    namespace: str | None = ""

    def __str__(self) -> str:
        words = f"{self.verb} {self.resource}"
        if self.name:
            words += f" {self.name}"
        if self.namespace is None:
            return words + " in all namespaces"
        return words + (f" in namespace {self.namespace}" if self.namespace else "")

    def can_i(self) -> str:
        what = f"{self.resource}/{self.name}" if self.name else self.resource
        everywhere = ("--all-namespaces",) if self.namespace is None else ()
        return pasting.kubectl("auth", "can-i", self.verb, what, *everywhere, namespace=self.namespace or "")


class StatusDetails(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    kind: str = ""
    retry_after_seconds: int = 0


class Status(msgspec.Struct, frozen=True):
    """metav1.Status, as far as it is told."""

    kind: str = ""
    status: str = ""
    code: int = 0
    reason: str = ""
    message: str = ""
    details: StatusDetails | None = None


#: Made once, here: see kinds.
STATUS = msgspec.json.Decoder(Status)


def clean(text: str, longest: int = _LONGEST) -> str:
    """Text from outside, on one line, fit for a terminal, not longer than ``longest``: an error may say more than a cell."""
    return cleaned(text, longest)


def both_ends(text: str, longest: int = _LONGEST) -> str:
    """As ``clean``, but cut in the middle: Go wraps errors, so the cause is the end of a long message, as in that of an exec
    (``... exec: "sh": executable file not found in $PATH``)."""
    text = clean(text, len(text) + 1)
    head = longest // 3
    return text if len(text) <= longest else f"{text[:head].rstrip()} … {text[head + 3 - longest:].lstrip()}"


def shown_url(url: str) -> str:
    """A server's or proxy's URL without user, password, query."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "a URL that cannot be read"
    host = f"[{host}]" if ":" in host else host
    return clean(f"{parts.scheme}://{host}{port}{parts.path}".rstrip("/"))


def status_of(body: bytes) -> Status:
    """The Status in an answer's body; an empty one where there is none (a proxy's page, say)."""
    try:
        status = STATUS.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Status()
    return status if status.kind == "Status" else Status()


def retry_after(headers: Mapping[str, str], status: Status | None = None) -> float | None:
    """Seconds that the server asks us to stay away, from the header (seconds or a date) or the Status."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    if value:
        until, date = moment(value), moment(headers.get("Date", ""))
        return None if until is None or date is None else max(0.0, (until - date).total_seconds())
    if status is not None and status.details is not None and status.details.retry_after_seconds > 0:
        return float(status.details.retry_after_seconds)
    return None


def refused(code: int, body: bytes, headers: Mapping[str, str], attempt: Attempt) -> PetsError:
    """The error for an HTTP answer that is not 2xx."""
    status = status_of(body)
    return from_status(code, status, attempt, wait=retry_after(headers, status))


def from_status(code: int, status: Status, attempt: Attempt, *, wait: float | None = None) -> PetsError:
    """The error for a status code and the Status that came with it, in a body or in a watch."""
    said = both_ends(status.message)
    told = f": {said}" if said else f" (HTTP {code})"
    match code:
        case 401:
            who = pasting.kubectl("auth", "whoami")
            return UnauthorizedError(
                f"the API server did not accept the credentials ({attempt})",
                hint=f"the token or certificate may have expired: log in again; {who} shows who you are",
            )
        case 403:
            return ForbiddenError(f"not allowed to {attempt}{told}", hint=f"ask for this right; to check: {attempt.can_i()}")
        case 404 | 405:
            return NotFoundError(f"could not {attempt}: not found{told}")
        case 409:
            return ConflictError(f"could not {attempt}, it changed since it was read{told}")
        case 410:
            return ExpiredError(f"could not {attempt}, the server has forgotten that version{told}")
        case 429:
            return ThrottledError(
                f"the API server asks to come back later ({attempt}){told}",
                hint="it is busy, or a PodDisruptionBudget or quota holds; try again in a moment",
                retry_after=1.0 if wait is None else wait,
            )
        case 400 if not status.kind:
            return InvalidError(
                f"the server did not understand the attempt to {attempt}{told}",
                hint="it may speak https, not http: check its URL in the kubeconfig",
            )
        case 400 | 413 | 415 | 422:
            return InvalidError(f"the API server would not {attempt}{told}")
        case _ if 300 <= code < 400:
            return ServerError(
                f"the server redirects instead of answering ({attempt}, HTTP {code})",
                hint="the server in the kubeconfig may be a login page, not an API server",
            )
        case _:
            return ServerError(f"the API server failed to {attempt}{told}", hint="it may be starting up or overloaded; try again")


def unintelligible(attempt: Attempt, problem: str) -> ServerError:
    """An answer with a good status whose body is not what Kubernetes sends."""
    return ServerError(
        f"the answer to {attempt} cannot be understood: {clean(problem)}",
        hint="something between here and the API server may have answered in its place",
    )


def unreachable(error: Exception, attempt: Attempt, server: str, proxy: str | None) -> PetsError:
    """The error for an exchange that brought no answer. ``server`` and ``proxy`` are URLs as configured."""
    where = f"the API server {shown_url(server)}"
    via = f" through the proxy {shown_url(proxy)}" if proxy else ""
    if isinstance(error, wire.ProxyError) and isinstance(error.original_error, Exception):
        return UnreachableError(
            f"cannot reach {where}: its proxy {shown_url(proxy or '')} did not take us there ({_words(error.original_error)})",
            hint="the proxy comes from proxy-url in the kubeconfig or from HTTPS_PROXY; NO_PROXY lists what goes without",
        )
    if isinstance(error, wire.SSLError):
        return _untrusted(_root(error), where, via)
    if isinstance(error, wire.LocationParseError | wire.LocationValueError):
        return ConfigError(f"the server {shown_url(server)} is not a URL that can be reached")
    if isinstance(error, wire.ReadTimeoutError | wire.ProtocolError | wire.DecodeError | wire.IncompleteRead):
        return UnreachableError(f"lost {where}{via} ({attempt}): {_words(error)}", hint="try again")
    contexts = pasting.kubectl("config", "get-contexts")
    return UnreachableError(
        f"cannot reach {where}{via} ({attempt}): {_words(error)}",
        hint=f"is the cluster running, is this the right context, is a VPN or proxy needed? {contexts}",
    )


def _untrusted(cause: BaseException, where: str, via: str) -> PetsError:
    if isinstance(cause, ssl.SSLCertVerificationError):
        problem, code = cause.verify_message, cause.verify_code
        hint = "check certificate-authority in the kubeconfig, or --certificate-authority"
        if code in (62, 64):  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
            hint = "the certificate is for another name: check the server's address, or give --tls-server-name"
        elif code in (9, 10):  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
            hint = "check the clock of this machine; else the cluster's certificate must be renewed"
        return UnreachableError(f"the certificate of {where}{via} is not trusted: {clean(problem)}", hint=hint)
    if isinstance(cause, ssl.SSLEOFError | ConnectionError):
        return UnreachableError(
            f"lost {where}{via}: the connection was cut in the middle of TLS",
            hint="try again; a server that wants a client certificate may end it so: check client-certificate and client-key",
        )
    reason = getattr(cause, "reason", "") or ""
    words = clean(reason.replace("_", " ").lower() or "the TLS handshake failed", 200)
    hint = "check tls-server-name, the proxy and the server's address"
    if "alert" in words:
        hint = "the server turned our certificate down: check client-certificate and client-key of the user in the kubeconfig"
    elif "wrong version" in words or "record layer" in words or "http request" in words:
        hint = "the server may speak http, not https: check its URL in the kubeconfig"
    return UnreachableError(f"no trusted connection to {where}{via}: {words}", hint=hint)


def _root(error: BaseException) -> BaseException:
    """What lies at the bottom of urllib3's wrappings."""
    seen = [error]
    while True:
        inner = next((arg for arg in seen[-1].args if isinstance(arg, BaseException)), None) or seen[-1].__cause__
        if inner is None or inner in seen:
            return seen[-1]
        seen.append(inner)


def _words(error: Exception) -> str:
    """A network failure in words of our own: urllib3's name objects, addresses in memory and whole URLs."""
    root = _root(error)
    if isinstance(error, wire.NameResolutionError):
        return "no such host name"
    if isinstance(error, wire.ConnectTimeoutError) and not isinstance(error, wire.NewConnectionError):
        return "no answer to the attempt to connect"
    if isinstance(error, wire.ReadTimeoutError) or isinstance(root, TimeoutError):
        return "no answer in time"
    if isinstance(root, ssl.SSLError):
        return clean(root.reason or "TLS failed", 200)
    if isinstance(root, OSError):
        return clean((root.strerror or str(root)), 200).lower() or "the connection failed"
    if isinstance(error, wire.DecodeError):
        return "the answer came damaged"
    return "the connection was cut"
