"""The authorities that this machine trusts, for clusters whose kubeconfig names none.

OpenSSL looks where the machine that it was built on keeps them. The one executable runs on others, so where nothing is found the
places that Go's crypto/x509 knows (``root_linux.go``, ``root_bsd.go``) are tried, which is where kubectl finds them.
"""

import os
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

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
    if sys.platform == "win32" or told or known.cafile or known.capath:
        return
    found = next((path for path in files if Path(path).is_file()), None)
    if found is not None:
        context.load_verify_locations(cafile=found)
