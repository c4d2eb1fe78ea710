"""What GitHub Actions reads in the log of a step: workflow commands, and how any other text is kept from being one.

Its runner obeys a line that begins with ``::``, blanks before it or not, and ``##[`` wherever it stands (actions/runner,
src/Runner.Common/ActionCommand.cs: TryParseV2, TryParse). So whoever may write a pod's message could write one.
"""

import re

_BEGINS = re.compile(r"^(\s*):(?=:)", re.MULTILINE)


def harmless(text: str) -> str:
    """The text with every command in it spelt so that it is none; as it is where it holds none."""
    if "##[" in text:
        text = text.replace("##[", "## [")
    return _BEGINS.sub(r"\1: ", text) if "::" in text else text


def annotation(kind: str, title: str, message: str) -> str:
    """A command: ``error``, ``warning`` or ``notice``, escaped as @actions/core does (escapeData, escapeProperty)."""
    return f"::{kind} title={_data(title).replace(':', '%3A').replace(',', '%2C')}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
