"""What the API server warns of in its answer to a change that it takes: ``Warning`` headers (KEP-1693, RFC 7234 5.5).

It knows more than a client of what will become of a change: pods of the new template that PodSecurity will turn away, fields that
it does not know, APIs that are about to go. kubectl tells them, each once (client-go rest/warnings.go).
"""

import re
from collections.abc import Callable, Iterable

from kubectl_pets.cluster.http.failures import clean

#: Only 299 is the API server's; other codes are those of caches on the way (apimachinery util/net ParseWarningHeader).
_WARNING = re.compile(r'\b299 \S+ "((?:[^"\\]|\\.)*)"')
_LONGEST = 1000


class ServerWarnings:
    """Tells each warning once."""

    def __init__(self, tell: Callable[[str], None] | None) -> None:
        self._tell = tell
        self._told: set[str] = set()

    def hear(self, headers: Iterable[str]) -> None:
        for header in headers:
            for found in _WARNING.finditer(header):
                text = re.sub(r"\\(.)", r"\1", found[1]).encode("latin-1", "replace").decode("utf-8", "replace")
                if self._tell is not None and text not in self._told:
                    self._told.add(text)
                    self._tell(f"warning: the API server says: {clean(text, _LONGEST)}")
