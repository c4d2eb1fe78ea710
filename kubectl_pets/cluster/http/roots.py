"""Which authorities are trusted: those that the kubeconfig names, or, where it names none, those of this machine.

A bundle is read as Go reads it: what is no certificate does not matter, comments in any encoding, keys, and certificates that are
broken among them.

OpenSSL looks where the machine that it was built on keeps them. The one executable runs on others, so where nothing is found the
places that Go's crypto/x509 knows (``root_linux.go``, ``root_bsd.go``) are tried, which is where kubectl finds them.
"""

import os
import re
import ssl
from binascii import a2b_base64
from collections.abc import Iterator, Sequence

from kubectl_pets.errors import ConfigError

FILES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Gentoo, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL 6
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/pki/tls/cacert.pem",  # OpenELEC
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # RHEL 7 and newer
    "/etc/ssl/cert.pem",  # Alpine, macOS
)


def trust(context: ssl.SSLContext, files: Sequence[str] = FILES) -> None:
    """Trust what the machine trusts. ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are heeded, and then nothing else."""
    context.load_default_certs()
    known = ssl.get_default_verify_paths()
    told = os.environ.get(known.openssl_cafile_env) or os.environ.get(known.openssl_capath_env)
    if os.name == "nt" or told or known.cafile or known.capath:
        return
    found = next((path for path in files if os.path.isfile(path)), None)
    if found is not None:
        context.load_verify_locations(cafile=found)


_BLOCK = re.compile(rb"(?:^|\n)-----BEGIN CERTIFICATE-----[ \t\r]*\n(.*?)-----END CERTIFICATE-----", re.DOTALL)


def trust_only(context: ssl.SSLContext, bundle: bytes) -> None:
    """Trust the certificates of a PEM bundle (Go's ``CertPool.AppendCertsFromPEM``). Raises ConfigError where there is none."""
    known = 0
    for certificate in _certificates(bundle):
        try:
            context.load_verify_locations(cadata=certificate)
            known += 1
        except ssl.SSLError:
            pass  # broken; there may be others
    if not known:
        raise ConfigError(
            "the certificate authority of the cluster holds no PEM certificate",
            hint="one begins with -----BEGIN CERTIFICATE-----",
        )


def _certificates(bundle: bytes) -> Iterator[bytes]:
    """The DER bytes of each certificate in PEM text."""
    for body in _BLOCK.findall(bundle):
        try:
            certificate = a2b_base64(b"".join(body.split()), strict_mode=True)  # headers have a colon, so they end here as well
        except ValueError:
            continue
        if certificate:
            yield certificate
