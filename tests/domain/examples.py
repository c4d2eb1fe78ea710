"""How many random cases a property test looks at: ``HYPOTHESIS_TIMES=20`` looks at twenty times as many, 0.05 (``make quick``) at a
twentieth."""

import os

from hypothesis import settings

_TIMES = float(os.environ.get("HYPOTHESIS_TIMES", "1"))


def times(number: int) -> int:
    """So many, and never none."""
    return max(1, round(number * _TIMES))


def cases(number: int) -> settings:
    return settings(max_examples=times(number))
