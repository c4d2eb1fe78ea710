"""Sizes as apimachinery's resource.Quantity reads them."""

import pytest

from kubectl_pets.domain.claims.quantities import parse_bytes


@pytest.mark.parametrize(
    ("quantity", "found"),
    [
        ("0", 0),
        ("1", 1),
        ("10Gi", 10 * 2**30),
        ("1.5Gi", 3 * 2**29),
        (".5Ki", 512),
        ("5.Ki", 5120),
        ("1Ei", 2**60),
        ("1E", 10**18),
        ("1E3", 1000),
        ("1e3", 1000),
        ("12e-1", 2),
        ("+1k", 1000),
        ("1M", 10**6),
        ("1500m", 2),  # Value() rounds up
        ("1u", 1),
        ("1n", 1),
        ("0.3Ki", 308),
        (1073741824, 2**30),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_what_is_a_size(quantity: object, found: int) -> None:
    assert parse_bytes(quantity) == found


@pytest.mark.parametrize("quantity", ["", "Gi", "1 Gi", "1gi", "1K", "1kB", "-1", "1e", "1e1e1", "1.2.3", "1e99999", "٣", None, True, 1.5, "."])
def test_what_is_none(quantity: object) -> None:
    assert parse_bytes(quantity) is None
