"""Makes text from outside fit for a terminal. Whoever may write a pod's status or a label may write escape sequences into it:
they could recolour, overwrite or retitle the terminal of whoever looks. Every string that comes from the cluster goes through
``clean`` on its way into a line.
"""

import re

#: Enough for the kubelet's longest usual message; a line is cut to the terminal later on anyway.
LONGEST = 240

#: ECMA-48 sequences, with ESC or with their C1 byte: control strings (OSC, DCS, SOS, PM, APC) up to their terminator, then CSI,
#: then any other escape. An unterminated control string loses its introducer below, so the rest of it is plain text.
_SEQUENCES = re.compile(
    r"""
    (?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)
    | (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]
    | \x1b[ -/]*[0-~]
    """,
    re.VERBOSE,
)


def clean_lines(text: str) -> str:
    """Several lines, each fit for a terminal; one that is so already stays as it is."""
    return "\n".join(line if line.isprintable() else clean(line, len(line)) for line in text.split("\n"))


def clean(text: str, limit: int = LONGEST) -> str:
    """One line of printable text, cut with an ellipsis at ``limit`` characters.

    Dropped are escape sequences and everything that Unicode calls control or format: C0, C1, zero width, bidi overrides (with
    which a name could be made to read backwards), and lone surrogates, which no stream could encode.
    """
    if not (text.isascii() and text.isprintable()):
        text = _SEQUENCES.sub("", text)
        text = "".join(character for character in text if character.isprintable() or character.isspace())
        text = " ".join(text.split())
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + "…"
