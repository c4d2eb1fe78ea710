"""A private key as OpenSSL reads it: called in its PEM text what it is.

Go takes the first block that is called some private key and tries what it knows (crypto/tls ``X509KeyPair``); OpenSSL believes
the name. Where a key was converted by hand, PKCS#8 is called RSA PRIVATE KEY.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64

_BLOCK = re.compile(
    rb"(?:^|\n)-----BEGIN (?P<label>(?:[^\n-]* )?PRIVATE KEY)-----[ \t]*\n(?P<body>.*?)-----END (?P=label)-----", re.DOTALL
)

#: What comes in the key's sequence after the version, by its DER tag: an algorithm (RFC 5958), a modulus (RFC 8017), the key
#: itself (RFC 5915).
_LABELS = {0x30: b"PRIVATE KEY", 0x02: b"RSA PRIVATE KEY", 0x04: b"EC PRIVATE KEY"}


def relabelled(pem: bytes) -> bytes:
    """The first private key of the text, under the name of what it is; the text as it stands where that cannot be told."""
    found = _BLOCK.search(pem.replace(b"\r\n", b"\n"))
    if found is None:
        return pem
    try:
        label = _LABELS.get(_after_version(a2b_base64(b"".join(found["body"].split()), strict_mode=True)))
    except (Base64Error, IndexError):
        return pem  # damaged, or with headers, as one that is encrypted has them
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label, found["body"], label) if label else pem


def _after_version(der: bytes) -> int:
    """The tag of what follows the version; 0 where there is no version, as in a key that is encrypted. Raises IndexError where
    the sequence ends before."""
    version = _content(der, 0)
    return der[_content(der, version) + der[version + 1]] if der[version] == 0x02 else 0


def _content(der: bytes, at: int) -> int:
    """Where the content of the element at that place begins (X.690, 8.1.3)."""
    length = der[at + 1]
    return at + 2 + (length & 0x7F if length & 0x80 else 0)
