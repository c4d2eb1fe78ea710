"""How a run ended, for pipelines: a row a set in Markdown, a testcase a set in JUnit's XML."""

from collections.abc import Sequence

import msgspec

from kubectl_pets.cleaning import clean
from kubectl_pets.errors import ExitCode

#: Longer than any sentence of ours.
_LONGEST = 2000

#: Written as numbers: in Markdown a number never begins a cell, a link, HTML or a mark (CommonMark 0.31, 2.5).
_MARKS = {ord(each): f"&#{ord(each)};" for each in "\\`*_{}[]<>()#+!|~&\"'@:"}

#: What a run says that has no words of its own.
_WORDS = {
    ExitCode.OK: "done",
    ExitCode.FAILED: "failed",
    ExitCode.USAGE: "wrong usage",
    ExitCode.NOT_YET: "not done yet",
    ExitCode.STUCK: "stuck",
    ExitCode.TIMED_OUT: "timed out",
    ExitCode.REFUSED: "refused",
    ExitCode.FINDINGS: "found something",
    ExitCode.INTERRUPTED: "interrupted",
}


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one set, or of the run. ``about``: the set, empty: the run; ``told``: the last word, which holds untrusted
    text; ``hint``: what to type next, empty: nothing."""

    about: str
    code: ExitCode
    told: str
    hint: str = ""


def of_run(code: ExitCode) -> Ending:
    """Of a run that has said nothing of a set."""
    return Ending(about="", code=code, told=_WORDS[code])


def sentence(found: Ending) -> str:
    """All of it on one line."""
    hint = f" Next: {found.hint}" if found.hint else ""
    return clean(found.told + hint, _LONGEST)


def summary(title: str, found: Sequence[Ending]) -> str:
    """A table in GitHub's Markdown, in which everything that was told is text."""
    lines = [f"## kubectl-pets {_marked(title)}", "", "| set | ended | told | next |", "|---|---|---|---|"]
    for each in found:
        hint = f"<code>{_marked(each.hint)}</code>" if each.hint else ""
        ended = f"{_WORDS[each.code]} ({each.code.value})"
        lines.append(f"| {_marked(each.about) or '-'} | {ended} | {_marked(each.told)} | {hint} |")
    return "\n".join((*lines, ""))


def junit(title: str, found: Sequence[Ending]) -> str:
    """A testsuite: what did not end with 0 has failed, and what could not be carried out is an error."""
    from kubectl_pets.views.text import page  # every verb knows endings, and few are asked for this

    failed = sum(each.code not in (ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE) for each in found)
    errors = sum(each.code in (ExitCode.FAILED, ExitCode.USAGE) for each in found)
    name = page.text(f"kubectl-pets {title}")
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="{name}" tests="{len(found)}" failures="{failed}" errors="{errors}" skipped="0">',
    ]
    for each in found:
        case = f'<testcase classname="{name}" name="{page.text(each.about) or "all"}"'
        if each.code is ExitCode.OK:
            lines.append(f"  {case}/>")
            continue
        kind = "error" if each.code in (ExitCode.FAILED, ExitCode.USAGE) else "failure"
        message, told = page.text(each.told), page.text(sentence(each))
        lines.append(f'  {case}><{kind} type="{_WORDS[each.code]}" message="{message}">{told}</{kind}></testcase>')
    return "\n".join((*lines, "</testsuite>", ""))


def _marked(text: str) -> str:
    return clean(text, _LONGEST).translate(_MARKS)
