"""A client key is what it is, whatever its PEM text calls it (crypto/tls ``parsePrivateKey``)."""

import re

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from kubectl_pets.cluster.http.credentials import Certificate
from kubectl_pets.cluster.http.keys import relabelled
from kubectl_pets.cluster.http.pools import usable
from kubectl_pets.errors import ConfigError

FORMATS = (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL)
LABELS = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ANY PRIVATE KEY")
PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"


def called(label: str, pem: bytes) -> bytes:
    return re.sub(rb"(?<=-BEGIN |---END )[A-Z ]+", label.encode(), pem)


@pytest.fixture(scope="module", params=[trustme.KeyType.ECDSA, trustme.KeyType.RSA], ids=lambda kind: kind.name)
def leaf(request: pytest.FixtureRequest) -> trustme.LeafCert:
    return trustme.CA().issue_cert("me@example.org", key_type=request.param)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("format", FORMATS, ids=["pkcs8", "own"])
def test_any_key_under_any_label(leaf: trustme.LeafCert, format: serialization.PrivateFormat, label: str) -> None:
    key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    pem = called(label, key.private_bytes(serialization.Encoding.PEM, format, serialization.NoEncryption()))
    chain = leaf.cert_chain_pems[0].bytes()
    for text in (pem, b"Bag Attributes\r\n" + pem.replace(b"\n", b"\r\n"), PARAMETERS + pem, pem.rstrip()):
        assert usable(Certificate(chain, text)).key == text


def test_what_is_no_key_stays_as_it_is(leaf: trustme.LeafCert) -> None:
    chain = leaf.cert_chain_pems[0].bytes()
    key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    for text in (b"", b"hello", locked, called("PUBLIC KEY", leaf.private_key_pem.bytes()), called("PRIVATE KEY", b"-----BEGIN X-----\nMA==\n-----END X-----")):
        assert relabelled(text) == text
        with pytest.raises(ConfigError):
            usable(Certificate(chain, text))
