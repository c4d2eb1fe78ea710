"""`python -m tests.parity`: the differences to kubectl that are meant, with their reasons."""

from tests.parity.differences import DIFFERENCES

for reason, names in DIFFERENCES.items():
    print(f"{reason}\n    {', '.join(names)}")
