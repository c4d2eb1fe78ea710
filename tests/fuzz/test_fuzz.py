"""A short run of ``make fuzz``, of the same length on any machine."""

import random

import pytest

from tests.fuzz import runs
from tests.fuzz.__main__ import main
from tests.fuzz.decoders import DECODERS, Decoder, Wrong, expect
from tests.fuzz.mutate import cut, mutated

SEED, COUNT = "20261126", 150


def test_every_decoder_gives_what_came_or_an_error_that_it_documents() -> None:
    found = runs.so_many(SEED, COUNT)
    assert not found.failures, found.table()
    assert found.tried == {decoder.name: COUNT for decoder in DECODERS}
    # The first input of each is as it was recorded, so at least that one has a value.
    assert {name for name, count in found.values.items() if count} == set(found.tried), found.table()


def test_the_same_seed_gives_the_same_inputs() -> None:
    data = b'{"kind": "PodList", "items": [{"metadata": {"name": "web-0"}}]}'
    draw = [mutated(data, random.Random(f"7 {number}")) for number in range(300)]
    assert draw == [mutated(data, random.Random(f"7 {number}")) for number in range(300)]
    assert len(set(draw)) > 200 and all(cut(data, random.Random(number)) != data for number in range(100))


@pytest.mark.parametrize("failing", ["lies", "breaks"])
def test_what_fails_is_found_and_can_be_tried_again(failing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def check(data: bytes, rng: random.Random, folder: object) -> None:
        expect(failing != "lies" or b"\xff" not in data, "not so")
        data.decode()

    decoder = Decoder("odd", lambda: (b"hello",), check, (UnicodeDecodeError,) if failing == "lies" else ())
    monkeypatch.setattr(runs, "DECODERS", (decoder,))
    assert main(["--seconds", "0.5", "--seed", "1"]) == 1
    shown = capsys.readouterr().out
    assert ("odd: UnicodeDecodeError" if failing == "breaks" else "odd: not so") in shown
    assert "again: python -m tests.fuzz --only 'odd' --seed 1 --number" in shown
    number = shown.rpartition("--number ")[2].split()[0]
    assert main(["--only", "odd", "--seed", "1", "--number", number]) == 0
    assert "odd: " in capsys.readouterr().out


def test_a_wrong_value_is_no_documented_error() -> None:
    with pytest.raises(Wrong):
        expect(False, "not so")
