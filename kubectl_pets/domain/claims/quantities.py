"""How many bytes is "10Gi"? Kubernetes writes sizes as quantities (apimachinery ``resource.Quantity``).

"1E" is an exabyte and "1E3" a thousand bytes, "1500m" is one and a half: so numbers are read whole before suffixes are, and
fractions of a byte round up, as ``Quantity.Value()`` does.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # where no size is read it is not loaded
    from fractions import Fraction

_QUANTITY = re.compile(r"([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:([eE][+-]?[0-9]{1,3})|(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E))?")
#: Longer than any number that a size can be; Python itself reads none of thousands of digits.
_LONGEST = 400

#: A base and its power.
_SCALES = {suffix: (1024, power) for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)} | {
    suffix: (1000, power) for power, suffix in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), -3)
}


def parse_bytes(quantity: object) -> int | None:
    """The bytes meant, rounded up; None for what is no quantity, or a negative one. The API writes strings, YAML also numbers."""
    value = parse_exact(quantity)
    return None if value is None else -(-value.numerator // value.denominator)


def parse_exact(quantity: object) -> "Fraction | None":
    """As ``parse_bytes`` of any resource ("500m" of cpu is a half), and not rounded."""
    if not isinstance(quantity, str | int) or isinstance(quantity, bool):
        return None
    return _parse(str(quantity))


@lru_cache(maxsize=1024)  # thousands of claims share few sizes
def _parse(quantity: str) -> "Fraction | None":
    found = _QUANTITY.fullmatch(quantity) if len(quantity) <= _LONGEST else None
    if found is None or found[1] == "-":
        return None
    from fractions import Fraction

    base, power = (10, int(found[3][1:])) if found[3] else _SCALES[found[4] or ""]
    return Fraction(found[2].rstrip(".") if found[2].endswith(".") else found[2]) * Fraction(base) ** power
