"""The one table: which answer becomes which error, in which words, and what never gets into them."""

import json
import re
import ssl

import pytest
from urllib3 import exceptions as wire

from kubectl_pets import errors
from kubectl_pets.cluster.http.failures import Attempt, clean, refused, retry_after, shown_url, status_of, unreachable
from tests.cluster.loopback import status

_WEB = Attempt("get", "statefulsets.apps", "web", "x")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (302, errors.ServerError),
        (400, errors.InvalidError),
        (401, errors.UnauthorizedError),
        (403, errors.ForbiddenError),
        (404, errors.NotFoundError),
        (405, errors.NotFoundError),
        (409, errors.ConflictError),
        (410, errors.ExpiredError),
        (413, errors.InvalidError),
        (422, errors.InvalidError),
        (429, errors.ThrottledError),
        (500, errors.ServerError),
        (503, errors.ServerError),
        (504, errors.ServerError),
    ],
)
def test_each_status_has_its_error(code: int, kind: type[errors.PetsError]) -> None:
    error = refused(code, status(code, "because"), {}, _WEB)
    assert type(error) is kind
    assert "get statefulsets.apps web in namespace x" in error.message
    if code not in (302, 401):
        assert "because" in error.message


def test_forbidden_names_the_right_and_how_to_check_it() -> None:
    error = refused(403, status(403, 'pods is forbidden: User "jane"'), {}, Attempt("list", "pods", namespace="x"))
    assert error.message == 'not allowed to list pods in namespace x: pods is forbidden: User "jane"'
    assert error.hint == "ask for this right; to check: kubectl auth can-i list pods -n x"


def test_all_namespaces_are_words_too() -> None:
    attempt = Attempt("list", "pods", namespace=None)
    assert str(attempt) == "list pods in all namespaces"
    assert attempt.can_i() == "kubectl auth can-i list pods --all-namespaces"


def test_unauthorized_says_log_in_again() -> None:
    hint = refused(401, b"", {}, _WEB).hint
    assert hint is not None and "log in again" in hint


@pytest.mark.parametrize("body", [b"<html>s3cret</html>", b'{"kind": "Secret", "message": "s3cret"}', b"\xff\xfe", b"", b"[1]"])
def test_only_a_status_is_shown(body: bytes) -> None:
    assert "s3cret" not in str(refused(500, body, {"X-Token": "s3cret"}, _WEB))
    assert "HTTP 500" in refused(500, body, {}, _WEB).message


def test_a_bad_request_without_a_status_may_be_http_at_an_https_port() -> None:
    hint = refused(400, b"Client sent an HTTP request to an HTTPS server.\n", {}, _WEB).hint
    assert hint is not None and "https" in hint


def test_text_from_outside_cannot_paint_the_terminal() -> None:
    message = "a\x1b[31mred\x1b[0m \x1b]0;title\x07b\r\n\tc\x00\x9b31m\u202e"
    assert clean(message) == "ared b c"
    assert clean("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\") == "link"
    error = refused(409, status(409, message), {}, _WEB)
    assert not any(character < " " or character == "\x1b" for character in error.message)


def test_long_text_is_cut() -> None:
    error = refused(422, status(422, "x" * 100_000), {}, _WEB)
    assert len(error.message) < 800 and error.message.endswith("x") and " … " in error.message


def test_a_long_message_keeps_its_end_which_is_the_cause() -> None:
    """As a kubelet says that a container has no shell, with ids of 64 digits in it."""
    wrapped = "Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: "
    cause = 'OCI runtime exec failed: exec failed: unable to start container process: exec: "sh": executable file not found in $PATH: unknown'
    error = refused(500, status(500, f"{wrapped}failed to start exec {'ab' * 400}: {cause}"), {}, _WEB)
    assert cause in error.message and "Internal error occurred" in error.message and len(error.message) < 800


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, b"", 7.0),
        ({"Retry-After": "1.5"}, b"", 1.5),
        ({"Retry-After": "Mon, 01 Jan 2024 00:00:10 GMT", "Date": "Mon, 01 Jan 2024 00:00:00 GMT"}, b"", 10.0),
        ({"Retry-After": "Mon, 01 Jan 2024 00:00:00 GMT", "Date": "Mon, 01 Jan 2024 00:00:10 GMT"}, b"", 0.0),
        ({"Retry-After": "Mon, 01 Jan 2024 00:00:10 -0000", "Date": "Mon, 01 Jan 2024 00:00:00 GMT"}, b"", 10.0),
        ({"Retry-After": "Mon, 01 Jan 2024 00:99999999999999999999:10 GMT", "Date": "Mon, 01 Jan 2024 00:00:00 GMT"}, b"", None),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 -2359", "Date": "Mon, 01 Jan 2024 00:00:00 GMT"}, b"", None),
        ({"Retry-After": "soon"}, b"", None),
        ({}, status(429, "later", retryAfterSeconds=3), 3.0),
        ({}, status(429, "later"), None),
    ],
)
def test_how_long_to_stay_away(headers: dict[str, str], body: bytes, seconds: float | None) -> None:
    assert retry_after(headers, status_of(body)) == seconds
    error = refused(429, body, headers, _WEB)
    assert isinstance(error, errors.ThrottledError)
    assert error.retry_after == (1.0 if seconds is None else seconds)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:s3cret@api.example.org:6443/k8s/c-1?token=s3cret", "https://api.example.org:6443/k8s/c-1"),
        ("https://[fd00::1]:6443", "https://[fd00::1]:6443"),
        ("https://h:port", "a URL that cannot be read"),
    ],
)
def test_urls_are_shown_without_their_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def _verify_failure(code: int, message: str) -> wire.SSLError:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_code, cause.verify_message = code, message
    return wire.SSLError(cause)


@pytest.mark.parametrize(
    ("error", "said", "hint"),
    [
        (_verify_failure(62, "Hostname mismatch"), "Hostname mismatch", "--tls-server-name"),
        (_verify_failure(10, "certificate has expired"), "certificate has expired", "clock"),
        (_verify_failure(19, "self-signed certificate"), "not trusted: self-signed certificate", "certificate-authority"),
        (wire.SSLError(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] x")), "", "tls-server-name"),
        (wire.ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer")), "connection reset", "again"),
        (wire.ReadTimeoutError(None, "", "Read timed out."), "no answer in time", "again"),  # type: ignore[arg-type]
        (wire.ProxyError("x", OSError("Tunnel connection failed: 407 Proxy Auth")), "proxy http://p:1 .*407 proxy auth", "NO_PROXY"),
    ],
)
def test_what_the_network_says(error: Exception, said: str, hint: str) -> None:
    found = unreachable(error, _WEB, "https://me:s3cret@api:6443", "http://me:s3cret@p:1")
    assert isinstance(found, errors.UnreachableError)
    assert "s3cret" not in str(found)
    assert "https://api:6443" in found.message
    assert re.search(said, found.message), found.message
    assert found.hint is not None and hint in found.hint


def test_a_status_is_read_from_json_only_where_it_is_one() -> None:
    assert status_of(json.dumps({"kind": "Status", "code": 409, "message": "m", "details": None}).encode()).code == 409
    assert status_of(b'{"kind": "Pod", "code": 409}').code == 0
