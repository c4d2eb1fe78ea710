"""Words on the command line: what they mean, and what cannot be meant."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click
import pytest

from kubectl_pets.cli.options import Duration, ImageValue, PartitionValue, Pods, SetName, as_kubectl_reads, connection
from kubectl_pets.domain.rollout.partition import Meaning, PartitionRequest
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.stepping.steps import Amount
from kubectl_pets.session import ConnectionFlags

GOOD: list[tuple[Callable[[], click.ParamType[Any]], str, object]] = [
    (SetName, "web", "web"),
    (SetName, "sts/web", "web"),
    (SetName, "statefulset/web-1.db", "web-1.db"),
    (SetName, "StatefulSet.apps/web", "web"),
    (Duration, "30s", timedelta(seconds=30)),
    (Duration, "90", timedelta(seconds=90)),
    (Duration, "1h30m", timedelta(minutes=90)),
    (Duration, "1.5m", timedelta(seconds=90)),
    (Duration, "250ms", timedelta(milliseconds=250)),
    (Duration, "0", timedelta(0)),
    (Pods, "1", Amount(1)),
    (Pods, "25%", Amount(25, percent=True)),
    (Pods, "100%", Amount(100, percent=True)),
    (PartitionValue, "0", PartitionRequest(meaning=Meaning.ABSOLUTE, number=0)),
    (PartitionValue, "+1", PartitionRequest(meaning=Meaning.UP, number=1)),
    (PartitionValue, "-2", PartitionRequest(meaning=Meaning.DOWN, number=2)),
    (PartitionValue, "50%", PartitionRequest(meaning=Meaning.PERCENT, number=50)),
    (ImageValue, "nginx:1.27", Image(container="", image="nginx:1.27")),
    (ImageValue, "app=reg:5000/a/b@sha256:0=", Image(container="app", image="reg:5000/a/b@sha256:0=")),
]
BAD: list[tuple[Callable[[], click.ParamType[Any]], str]] = [
    (SetName, "deployment/web"),
    (SetName, "pod/web-0"),
    (SetName, "Web"),
    (SetName, ""),
    (SetName, "../../etc"),
    (Duration, "ten minutes"),
    (Duration, "-5s"),
    (Duration, "5d"),
    (Duration, "5s5"),
    (Pods, "0"),
    (Pods, "0%"),
    (Pods, "-1"),
    (Pods, "150%"),
    (Pods, "1.5"),
    (Pods, "٣"),
    (PartitionValue, "all"),
    (PartitionValue, "101%"),
    (PartitionValue, "+50%"),
    (PartitionValue, "--1"),
    (ImageValue, "=nginx"),
    (ImageValue, "app="),
    (ImageValue, "nginx 1.27"),
]


@pytest.mark.parametrize(("kind", "text", "meaning"), GOOD)
def test_what_a_word_means(kind: Callable[[], click.ParamType[Any]], text: str, meaning: object) -> None:
    assert kind().convert(text, None, None) == meaning


@pytest.mark.parametrize(("kind", "text"), BAD)
def test_what_cannot_be_meant_is_named(kind: Callable[[], click.ParamType[Any]], text: str) -> None:
    with pytest.raises(click.BadParameter, match="'"):
        kind().convert(text, None, None)


def test_every_connection_flag_has_its_option() -> None:
    @click.command()
    @connection
    def command() -> None:
        """Only here for its options."""

    assert {option.name for option in command.params} == {*ConnectionFlags.__struct_fields__, "verbose"}


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (("list", "-n=prod"), ["list", "-n", "prod"]),
        (("list", "-o=json", "-A"), ["list", "-o", "json", "-A"]),
        (("orphans", "-l=app=web"), ["orphans", "-l", "app=web"]),
        (("rollout", "step", "--dry-run", "web"), ["rollout", "step", "--dry-run=client", "web"]),
        (("rollout", "step", "web", "--dry-run"), ["rollout", "step", "web", "--dry-run=client"]),
        (("rollout", "step", "--dry-run", "server", "web"), ["rollout", "step", "--dry-run", "server", "web"]),
        (("rollout", "step", "--dry-run=server", "web"), ["rollout", "step", "--dry-run=server", "web"]),
        (("list", "--", "-n=prod"), ["list", "--", "-n=prod"]),
        (("list", "--namespace=prod"), ["list", "--namespace=prod"]),
    ],
)
def test_flags_mean_what_they_mean_to_kubectl(words: tuple[str, ...], read: list[str]) -> None:
    assert as_kubectl_reads(words) == read
