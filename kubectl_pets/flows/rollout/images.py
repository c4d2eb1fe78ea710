"""The images that are typed, and the containers that they are for."""

import click

from kubectl_pets.cli.options import ImageValue
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.deciding import images_for
from kubectl_pets.errors import UsageError

image_option = click.option(
    "--image", "images", type=ImageValue(), multiple=True, help="The change to roll out; may be repeated, one a container."
)


def resolved(images: tuple[Image, ...], seen: Assessment) -> tuple[Image, ...]:
    """Each with its container, for this set. Raises UsageError."""
    found, unknown = images_for(images, seen)
    if unknown:
        known = ", ".join(image.container for image in seen.template)
        asked = ", ".join(repr(name) if name else "an image without its container" for name in unknown)
        raise UsageError(
            f"{seen.name} has no container for {asked}. Nothing was changed.",
            hint=f"its containers: {known}; say CONTAINER=IMAGE.",
        )
    by_name = {image.container: image for image in reversed(found)}
    other = next((image for image in found if by_name[image.container] != image), None)
    if other is not None:
        two = f"{by_name[other.container].image} and {other.image}"
        raise UsageError(f"container {other.container} is given two images, {two}. Nothing was changed.", hint="say each once.")
    return tuple(dict.fromkeys(found))
