"""Tables in Markdown that are read as they stand, too, as in a ticket.

Summaries of pipelines write rows of their own: a summary may be no larger than a forge takes, and to align the cells of many sets
would make each row as long as the longest.
"""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Its lines, aligned. Cells are Markdown already: whoever hands them over has made text of what is text."""
    from tabulate import tabulate  # it takes longer to import than most verbs to run

    return tabulate([*rows], headers=[*heads], tablefmt="github", disable_numparse=True).split("\n")
