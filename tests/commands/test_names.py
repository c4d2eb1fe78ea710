"""Names as they are typed: whatever is in front of a slash counts, or is an error."""

import pytest

from kubectl_pets.cli import names
from kubectl_pets.cli.names import CLAIM, POD, SET, VOLUME, TypedName, parse
from kubectl_pets.errors import UsageError


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("data-web-1", TypedName("data-web-1")),
        ("pvc/data-web-1", TypedName("data-web-1", kind=CLAIM)),
        ("PVC/data-web-1", TypedName("data-web-1", kind=CLAIM)),
        ("persistentvolumeclaims/data-web-1", TypedName("data-web-1", kind=CLAIM)),
        ("prod/data-web-1", TypedName("data-web-1", "prod")),
        ("data.web-1", TypedName("data.web-1")),
    ],
)
def test_a_claim(text: str, found: TypedName) -> None:
    assert parse(text, CLAIM) == found


@pytest.mark.parametrize(
    "text",
    [
        "deployment/data-web-1", "sts/data-web-1", "pod/data-web-1", "svc/data-web-1", "pv/data-web-1",
        "../data-web-1", "./data-web-1", "prod/pvc/data-web-1", "pvc/prod/data-web-1", "prod/", "/data-web-1", "", "pvc/",
        "Prod/data-web-1", "prod/Data", "a" * 64 + "/data", "prod/..", "prod/a..b", "a" * 254, "deployments.apps/web",
    ],
)
def test_what_is_no_claim(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text, CLAIM)


def test_of_several_kinds_and_of_none() -> None:
    assert parse("pv/x", VOLUME, CLAIM).kind is VOLUME and parse("pvc/x", VOLUME, CLAIM).kind is CLAIM
    with pytest.raises(UsageError, match="is not a Pod"):
        parse("deployment/web-1", POD)
    with pytest.raises(UsageError):
        parse("prod/x", VOLUME, namespaced=False)
    assert parse("prod/web", SET) == TypedName("web", "prod")


@pytest.mark.parametrize(("text", "fits"), [("prod", True), ("a-1", True), (".", False), ("..", False), ("a.b", False), ("A", False), ("-a", False), ("", False), ("a" * 63, True), ("a" * 64, False)])
def test_namespaces(text: str, fits: bool) -> None:
    assert names.is_namespace(text) is fits
