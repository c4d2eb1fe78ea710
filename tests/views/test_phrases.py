"""Turns of phrase that the sentences share."""

import pytest

from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.views.text import phrases
from tests.views import builders


@pytest.mark.parametrize(
    ("pods", "folded"),
    [
        ([], ""),
        (["web-1"], "web-1"),
        (["web-2", "web-1"], "web-2, web-1"),
        (["web-3", "web-2", "web-1"], "web-3..web-1"),
        (["web-1", "web-2", "web-3"], "web-1..web-3"),
        (["web-1", "web-2", "web-1"], "web-1, web-2, web-1"),
        (["web-9", "web-8", "web-7", "web-3", "web-1"], "web-9..web-7, web-3, web-1"),
        (["web-9", "web-7", "web-5", "web-3", "web-1"], "web-9, web-7, web-5 and 2 more"),
        (["a-1", "b-2", "c-3"], "a-1, b-2, c-3"),
        (["web-x", "web-²"], "web-x, web-²"),
    ],
)
def test_folded(pods: list[str], folded: str) -> None:
    assert phrases.folded(pods) == folded


def test_a_command_names_the_namespace_last() -> None:
    assert phrases.command(builders.paused(), "rollout abort") == "kubectl pets rollout abort web -n default"
    assert phrases.command(builders.gone(), "status", "-w") == "kubectl pets status NAME -w"


def test_a_revision_is_shortened_to_what_tells_it_from_its_siblings() -> None:
    assert phrases.hash_of("web-77f9c6d8b", builders.paused()) == "77f9c6d8b"
    assert phrases.hash_of("other-77f9c6d8b", builders.paused()) == "other-77f9c6d8b"
    assert phrases.hash_of("", builders.paused()) == "-"


def test_images_name_their_containers_where_there_are_several() -> None:
    app, proxy = Image(container="app", image="nginx:1.27"), Image(container="proxy", image="envoy:1.31")
    assert phrases.images([app]) == "nginx:1.27"
    assert phrases.images([app, proxy]) == "app=nginx:1.27, proxy=envoy:1.31"
    assert phrases.images([]) == ""


def test_counting() -> None:
    assert [phrases.count(number, "pod") for number in (0, 1, 2)] == ["0 pods", "1 pod", "2 pods"]
