"""docs/breaking.md says what a recording of a real node shows. Nothing here needs a node."""

from tests.domain.recording import load
from tests.node.table import PAGE, RECORDING, markdown
from tests.node.ways import WAYS


def test_the_page_says_what_is_said() -> None:
    """A verdict that changes changes the page: `python -m tests.node table` prints the table."""
    assert markdown(load(RECORDING)) in PAGE.read_text(encoding="utf-8")


def test_the_recording_is_of_these_ways() -> None:
    """Where one is added they are recorded anew: `python -m tests.node record`."""
    assert load(RECORDING).sets() == sorted(way.name for way in WAYS)
    assert len(WAYS) >= 29
