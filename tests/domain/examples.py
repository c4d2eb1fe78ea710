"""How many random cases a property test looks at: ``HYPOTHESIS_TIMES=20`` looks at twenty times as many."""

import os

from hypothesis import settings

_TIMES = int(os.environ.get("HYPOTHESIS_TIMES", "1"))


def cases(number: int) -> settings:
    return settings(max_examples=number * _TIMES)
