"""A page of HTML that needs nothing else: no script, no file of its own, light or dark as its reader has it."""

from collections.abc import Iterable
from html import escape

from kubectl_pets.cleaning import clean

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --faint: #777; --bad: #c62828; --good: #2e7d32; --busy: #b26a00 }
@media (prefers-color-scheme: dark) { :root { --faint: #999; --bad: #ff7b72; --good: #7ee787; --busy: #e3b341 } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 1.8rem; border-bottom: 1px solid var(--line) }
p, ul { margin: .2rem 0 } .faint { color: var(--faint) } .bad { color: var(--bad) } .good { color: var(--good) }
.busy { color: var(--busy) } .bold { font-weight: bold } .loud { color: var(--busy); font-weight: bold }
table { border-collapse: collapse; font-size: .9rem }
th, td { text-align: left; padding: .1rem .8rem .1rem 0; vertical-align: top }
th { color: var(--faint); font-weight: normal; font-size: .8rem }
pre { font: 13px/1.45 ui-monospace, monospace; overflow-x: auto }
svg text { font: 12px system-ui, sans-serif; fill: currentColor }
.termination { fill: #9e9e9e } .scheduling { fill: #90a4ae } .pulling { fill: #5c9bd5 }
.starting { fill: #e0a030 } .settling { fill: #6bb36b }
"""

#: XML has no place for these, however they are written (https://www.w3.org/TR/xml/#charsets).
_NOT_XML = {number: "\N{REPLACEMENT CHARACTER}" for number in (*range(0xD800, 0xE000), 0xFFFE, 0xFFFF)}


def page(title: str, body: Iterable[str]) -> str:
    """A whole document. ``title``: text; ``body``: lines of markup."""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head>{head}<title>{text(title)}</title><style>{_STYLE}</style></head><body>',
            *body,
            "</body></html>",
        ]
    )


def text(found: str, limit: int = 2000) -> str:
    """Untrusted text, for between tags and inside of quoted attributes, in HTML and in XML."""
    return escape(clean(found, limit).translate(_NOT_XML))
