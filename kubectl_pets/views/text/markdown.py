"""Tables in Markdown, for tickets and the summaries of pipelines."""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Its lines, in columns that are read as they stand, too. Cells are Markdown already: whoever hands them over has made text
    of what is text."""
    from tabulate import tabulate  # it takes longer to import than most verbs to run

    return tabulate([*rows], headers=[*heads], tablefmt="github", disable_numparse=True).split("\n")
