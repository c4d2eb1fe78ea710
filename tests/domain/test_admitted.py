"""What admission makes of the images that are asked for: another name of the same version, or not the version at all."""

import pytest

from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.stepping.deciding import comes_to_nothing
from kubectl_pets.domain.stepping.steps import Refused, RefusedReason

DIGEST = "sha256:" + "a" * 64


def app(image: str, container: str = "app") -> Image:
    return Image(container=container, image=image)


@pytest.mark.parametrize(
    ("asked", "made", "refused"),
    [
        ("app:2", "app:1", True),
        ("app:2", "mirror:5000/app:1", True),
        (f"app@{DIGEST}", "app:1", True),
        ("app:2", "app", True),
        ("app:2", "mirror:5000/app:2", False),
        ("app:2", f"app@{DIGEST}", False),
        ("app:2", f"app:2@{DIGEST}", False),
        (f"app@{DIGEST}", f"mirror/app@{DIGEST}", False),
        ("app", "mirror:5000/app:latest", False),
    ],
)
def test_what_comes_to_what_is_live_is_refused_unless_it_is_the_same_version(asked: str, made: str, refused: bool) -> None:
    found = comes_to_nothing({app(asked): app(made)}, (app(asked),), (app(made),))
    assert found == (Refused(reason=RefusedReason.ADMISSION) if refused else None)


def test_what_changes_anything_goes_on() -> None:
    """One of two is pinned, and what is made of an image is another one than runs."""
    both = (app("app:2"), app("side:2", "side"))
    assert comes_to_nothing({app("app:2"): app("app:1")}, both, (app("app:1"), app("side:1", "side"))) is None
    assert comes_to_nothing({app("app:2"): app("app:9")}, (app("app:2"),), (app("app:1"),)) is None
    assert comes_to_nothing({}, (app("app:2"),), (app("app:1"),)) is None
