"""Which partition was asked for."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_pets.domain.rollout.partition import PATTERN, Meaning, PartitionRequest
from kubectl_pets.domain.stepping.steps import Amount
from tests.domain.examples import cases


@pytest.mark.parametrize(
    ("meaning", "number", "partition", "replicas", "wanted"),
    [
        (Meaning.ABSOLUTE, 2, 0, 3, 2),
        (Meaning.ABSOLUTE, 3, 0, 3, 3),
        (Meaning.ABSOLUTE, 4, 0, 3, None),
        (Meaning.UP, 1, 1, 3, 2),
        (Meaning.UP, 1, 3, 3, None),
        (Meaning.DOWN, 1, 3, 3, 2),
        (Meaning.DOWN, 1, 9, 3, 2),  # counts from the replicas where the partition exceeds them
        (Meaning.DOWN, 1, 0, 3, None),
        (Meaning.PERCENT, 50, 0, 5, 3),  # more pods keep what they have
        (Meaning.PERCENT, 1, 0, 3, 1),
        (Meaning.PERCENT, 0, 2, 3, 0),
        (Meaning.PERCENT, 100, 0, 3, 3),
        (Meaning.PERCENT, 101, 0, 100, None),
        (Meaning.PERCENT, 50, 0, 0, 0),
    ],
)
def test_wanted(meaning: Meaning, number: int, partition: int, replicas: int, wanted: int | None) -> None:
    assert PartitionRequest(meaning=meaning, number=number).of(partition, replicas) == wanted


@cases(100)
@given(st.sampled_from(Meaning), st.integers(0, 10**9), st.integers(0, 50), st.integers(0, 50))
def test_in_range_or_nothing(meaning: Meaning, number: int, partition: int, replicas: int) -> None:
    value = PartitionRequest(meaning=meaning, number=number).of(partition, replicas)
    assert value is None or 0 <= value <= replicas


@pytest.mark.parametrize("text", ["0", "12", "+1", "-1", "50%"])
def test_pattern_takes(text: str) -> None:
    assert re.fullmatch(PATTERN, text)


@pytest.mark.parametrize("text", ["", "%", "+", "1.5", "+5%", "--1", "1 ", "0x1", "1" * 10])
def test_pattern_refuses(text: str) -> None:
    assert not re.fullmatch(PATTERN, text)


@cases(100)
@given(st.integers(1, 100), st.integers(1, 1000))
def test_a_share_of_the_pods_is_never_none_and_never_more_than_all(percent: int, replicas: int) -> None:
    pods = Amount(percent, percent=True).of(replicas)
    assert 1 <= pods <= replicas
    assert (pods - 1) * 100 < replicas * percent <= pods * 100
