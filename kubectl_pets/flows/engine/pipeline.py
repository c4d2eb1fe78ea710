"""How a run ended, for whoever runs it in a pipeline: annotations and the step's summary of GitHub Actions, a file of JUnit."""

import os
from collections.abc import Mapping, Sequence

from kubectl_pets.errors import ExitCode, UsageError
from kubectl_pets.session import Session
from kubectl_pets.views.text import endings, workflow

#: The file that GitHub Actions shows as the summary of a step.
_SUMMARY = "GITHUB_STEP_SUMMARY"


def conclude(session: Session, words: Sequence[str], code: int, environ: Mapping[str, str] = os.environ) -> None:
    """Tell what came of each set, in the ways that were asked for (``--ci``, ``--junit``). Raises UsageError for a file that
    cannot be written."""
    terminal = session.terminal
    found = _each_once(terminal.endings) or [endings.of_run(ExitCode(code))]
    title = " ".join(word for word in words[:2] if not word.startswith("-"))
    if terminal.ci and environ.get("GITHUB_ACTIONS") == "true":
        for each in found:
            kind = "notice" if each.code is ExitCode.OK else "error"
            terminal.order(workflow.annotation(kind, f"kubectl-pets {title}", endings.sentence(each)))
        _write(environ.get(_SUMMARY, ""), endings.summary(title, found), append=True)
    _write(session.junit, endings.junit(title, found), append=False)


def _each_once(found: Sequence[endings.Ending]) -> list[endings.Ending]:
    """One of each set: what went wrong with it first, whatever was done about it afterwards; else what came last."""
    kept: dict[str, endings.Ending] = {}
    for each in found:
        if each.about not in kept or kept[each.about].code is ExitCode.OK:
            kept[each.about] = each
    return list(kept.values())


def _write(path: str, text: str, *, append: bool) -> None:
    if not path:
        return
    try:
        with open(path, "a" if append else "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
