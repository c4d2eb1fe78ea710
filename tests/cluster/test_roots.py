"""Where the authorities of the machine are found, also by an OpenSSL that was built on another one."""

import ssl
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme

from kubectl_pets.cluster.http import roots


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "ca-bundle.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return path


class Elsewhere(ssl.SSLContext):
    """As on a machine that keeps its authorities elsewhere than the one on which OpenSSL was built."""

    def load_default_certs(self, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
        """Finds nothing."""


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    paths = SimpleNamespace(
        cafile=None, capath=None, openssl_cafile_env="SSL_CERT_FILE", openssl_capath_env="SSL_CERT_DIR"
    )
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    return Elsewhere(ssl.PROTOCOL_TLS_CLIENT)


def test_well_known_places_are_tried_in_turn(elsewhere: ssl.SSLContext, bundle: Path) -> None:
    roots.trust(elsewhere, ["/no/such/file", str(bundle)])
    assert len(elsewhere.get_ca_certs()) == 1


def test_without_any_nothing_is_trusted(elsewhere: ssl.SSLContext) -> None:
    roots.trust(elsewhere, ["/no/such/file"])
    assert elsewhere.get_ca_certs() == []


def test_who_names_a_file_trusts_nothing_else(
    elsewhere: ssl.SSLContext, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    roots.trust(elsewhere, [str(bundle)])
    assert elsewhere.get_ca_certs() == []


def test_what_openssl_finds_is_enough(bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    context, expected = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    roots.trust(context, [str(other)])
    expected.load_verify_locations(cafile=str(bundle))
    assert context.get_ca_certs() == expected.get_ca_certs()
