"""Sizes as Kubernetes writes them."""

_UNITS = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def size(count: int | None) -> str:
    """Bytes as Kubernetes writes sizes, in the largest binary unit and with at most one decimal; ``?`` where nothing tells."""
    if count is None:
        return "?"
    power = 0
    while power + 1 < len(_UNITS) and _tenths(count, power) >= 10240:
        power += 1
    whole, tenth = divmod(_tenths(count, power), 10)
    return f"{whole}.{tenth}{_UNITS[power]}" if tenth else f"{whole}{_UNITS[power]}"


def _tenths(count: int, power: int) -> int:
    """Rounded in whole numbers: sums of sizes need not fit a float."""
    unit = 1 << (10 * power)
    return (count * 10 + unit // 2) // unit
