"""The table of apimachinery's own test (pkg/util/duration/duration_test.go), and what lies between."""

from datetime import timedelta

import pytest

from kubectl_pets.views.text.ages import age, duration, until
from tests.views.builders import NOW

S, M, H, D, Y = 1, 60, 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"),
        (1, "1s"),
        (70, "70s"),
        (90, "90s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (10 * M - 1, "9m59s"),
        (10 * M, "10m"),
        (10 * M + 30, "10m"),
        (3 * H - 1, "179m"),
        (3 * H, "3h"),
        (5 * H + 12 * M + 40, "5h12m"),
        (8 * H - 1, "7h59m"),
        (8 * H + 59 * M, "8h"),
        (47 * H + 59 * M, "47h"),
        (48 * H, "2d"),
        (3 * D + 4 * H, "3d4h"),
        (8 * D - 1, "7d23h"),
        (8 * D + 5 * H, "8d"),
        (400 * D, "400d"),
        (2 * Y - 1, "729d"),
        (2 * Y, "2y"),
        (3 * Y + 20 * D, "3y20d"),
        (8 * Y - 1, "7y364d"),
        (8 * Y + 5 * D, "8y"),
        (16 * Y, "16y"),
        (-1, "0s"),
        (-1.9, "0s"),
        (-2, "<invalid>"),
        (-3600, "<invalid>"),
        (0.9, "0s"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


def test_age_is_counted_from_now() -> None:
    assert age(NOW - timedelta(minutes=4), NOW) == "4m"


def test_an_unknown_time_has_kubectls_word() -> None:
    assert age(None, NOW) == "<unknown>"


@pytest.mark.parametrize(("seconds", "words"), [(12, "in 12s"), (11.2, "in 12s"), (0, "now"), (-5, "now"), (150, "in 2m30s")])
def test_until(seconds: float, words: str) -> None:
    assert until(NOW + timedelta(seconds=seconds), NOW) == words
