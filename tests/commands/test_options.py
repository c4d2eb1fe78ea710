"""Words on the command line: what they mean, and what cannot be meant."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import click
import pytest
from msgspec.structs import replace

from kubectl_pets.__main__ import cli
from kubectl_pets.cli.options import (
    Duration,
    ImageValue,
    PartitionValue,
    Pods,
    RequestTimeout,
    SetName,
    changed,
    connection,
    field_manager,
)
from kubectl_pets.cli.pflag import as_command_reads, as_kubectl_reads
from kubectl_pets.domain.rollout.partition import Meaning, PartitionRequest
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.sets.kinds import INSTANCE_SET, PINGCAP_SET, SetRef
from kubectl_pets.domain.stepping.steps import Amount
from kubectl_pets.errors import ExitCode, RefusedError, UsageError
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.flows.rollout.terms import settle_option, terms_options
from kubectl_pets.pasting import WRITING, connected, guards, kubectl, pets
from kubectl_pets.session import ConnectionFlags, Session, Terminal
from tests.commands.test_leader_worker_sets import CHANGING, tree

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
    (RequestTimeout, "+5", timedelta(seconds=5)),
    (RequestTimeout, "007", timedelta(seconds=7)),
    (RequestTimeout, "-0", timedelta(0)),
    (RequestTimeout, "+1m", timedelta(minutes=1)),
    (RequestTimeout, "-1h30m", timedelta(0)),
    (RequestTimeout, "", timedelta(0)),
    (RequestTimeout, "9223372037", timedelta(0)),
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
    (SetName, "podcliqueset/mysql"),
    (SetName, "uniteddeployments/web"),
    (SetName, "Web"),
    (SetName, ""),
    (SetName, "../../etc"),
    (Duration, "ten minutes"),
    (Duration, "-5s"),
    (Duration, "5d"),
    (RequestTimeout, "-5"),
    (RequestTimeout, "--5s"),
    (RequestTimeout, "+"),
    (RequestTimeout, "99999999999999999999"),
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


def test_a_kind_that_no_verb_was_tried_with_is_changed_by_none() -> None:
    """How a further kind begins: it is read, and nothing else."""
    ref = SetRef(kind=replace(PINGCAP_SET, can=frozenset()), name="db")
    with pytest.raises(RefusedError, match="'scale' is not there for statefulsets.apps.pingcap.com") as refused:
        changed("scale", ref)
    assert "kubectl pets status pingcap/db" in (refused.value.hint or "")
    changed("scale", SetRef(kind=PINGCAP_SET, name="db"))


def test_a_set_of_named_pods_is_told_what_changes_it() -> None:
    with pytest.raises(RefusedError, match="its/db is one: its own controller writes all of it") as refused:
        changed("scale", SetRef(kind=INSTANCE_SET, name="db"))
    assert "Change its Cluster, or make an OpsRequest." in (refused.value.hint or "")
    with pytest.raises(RefusedError, match="it is for StatefulSets of apps/v1"):
        SetName().convert("sps/kafka", None, None)


@pytest.mark.parametrize("name", ["", "x" * 129, "ü" * 65, "two\nlines", "bell\x07"])
def test_a_field_manager_that_no_server_takes(name: str) -> None:
    """apimachinery, ValidateFieldManager: at most 128 bytes, printable; an empty one would be the client's own choice."""
    session = Session(terminal=Terminal(StringIO(), StringIO(), StringIO()))
    with pytest.raises(UsageError, match="1 to 128 bytes"):
        _writer.main(["--field-manager", name], obj=session, standalone_mode=False)
    assert session.written_as == "" and session.field_manager == "kubectl-pets"


def test_a_field_manager_goes_with_the_verbs_that_write() -> None:
    session = Session(terminal=Terminal(StringIO(), StringIO(), StringIO()))
    with connected():
        _writer.main(["--field-manager", "ü" * 64], obj=session, standalone_mode=False)
        assert session.field_manager == "ü" * 64
        assert pets("scale", "web", namespace="shop") == f"kubectl pets scale web --field-manager '{'ü' * 64}' -n shop"
        assert pets("status", "web") == "kubectl pets status web" and kubectl("get", "sts") == "kubectl get sts"
    assert pets("scale", "web") == "kubectl pets scale web"


def test_every_verb_that_writes_into_a_set_takes_a_field_manager() -> None:
    """But for those that make it again, after which nothing of it is ours, and the one that only deletes pods."""
    taking = {" ".join(words) for words, verb in tree(cli) if any("--field-manager" in each.opts for each in verb.params)}
    assert taking == WRITING == {" ".join(words) for words in CHANGING} - {"resize", "recreate", "lost"}


@click.command()
@field_manager
def _writer() -> None:
    """Only here for its option."""


def test_every_connection_flag_has_its_option() -> None:
    @click.command()
    @connection
    def command() -> None:
        """Only here for its options."""

    taken = {option.name for option in command.params if not option.hidden}  # type: ignore[attr-defined]
    assert taken == set(ConnectionFlags.__struct_fields__) | {"ci", "no_color"}


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (("list", "-v", "6"), ["list", "--v=6"]),
        (("list", "-v=6"), ["list", "--v=6"]),
        (("list", "-v6"), ["list", "--v=6"]),
        (("list", "--v", "6"), ["list", "--v=6"]),
        (("-v", "list"), ["--v=1", "list"]),
        (("list", "--verbose"), ["list", "--v=1"]),
        (("list", "--as_uid=a_b"), ["list", "--as-uid=a_b"]),
        (("--insecure-skip-tls-verify", "list"), ["--insecure-skip-tls-verify=true", "list"]),
        (("list", "--insecure-skip-tls-verify=false"), ["list", "--insecure-skip-tls-verify=false"]),
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


@pytest.mark.parametrize("flag", ["--insecure-skip-tls-verify", "--disable-compression"])
@pytest.mark.parametrize("value", ["", "yes", "tRue", "on"])
def test_a_switch_is_true_or_false_as_go_has_it(flag: str, value: str) -> None:
    """``--insecure-skip-tls-verify=$UNSET`` decides nothing."""

    @click.command()
    @connection
    def command() -> None:
        pass

    with pytest.raises(click.BadParameter, match="neither true nor false"):
        command.make_context("x", [f"{flag}={value}"])


@click.command()
@click.option("-n", "--namespace")
@click.option("-A", "--all-namespaces", is_flag=True)
@click.option("-y", "--yes", is_flag=True)
def verb(**typed: Any) -> None:
    """Only here for its options."""


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (("-n=prod",), ["-n", "prod"]),
        (("--namespace=prod",), ["--namespace=prod"]),
        (("-x=prod",), ["-x=prod"]),
        (("-A=true", "web"), ["-A", "web"]),
        (("--yes=T",), ["--yes"]),
        (("--yes=false", "web"), ["web"]),
        (("-y", "web", "--yes=0"), ["web"]),
        (("--yes=false", "-y"), ["-y"]),
        (("-yA", "--yes=false"), ["-yA", "--yes=false"]),
        (("--yes=perhaps",), ["--yes=perhaps"]),
        (("--", "-n=prod", "--yes=false"), ["--", "-n=prod", "--yes=false"]),
    ],
)
def test_switches_take_a_value_and_short_flags_an_equals_sign(words: tuple[str, ...], read: list[str]) -> None:
    assert as_command_reads(verb, words) == read


def test_a_switch_that_was_taken_back_in_a_way_that_is_not_understood_is_an_error() -> None:
    for words in (["-yA", "--yes=false"], ["--yes=perhaps"]):
        with pytest.raises(click.UsageError, match="does not take a value"):
            verb.make_context("verb", as_command_reads(verb, words))


def test_what_hints_repeat_of_the_connection_holds_no_secret() -> None:
    values = {name: "x" for name in ConnectionFlags.__struct_fields__ if name not in ("token", "password", "server", "proxy_url")}
    groups = {"as_groups": ("x",), "as_user_extra": ("x=1",)}
    urls = {"server": "https://me:s3cret@api:6443/a", "proxy_url": "http://me:s3cret@proxy:3128"}
    flags = ConnectionFlags(token="s3cret", password="s3cret", **urls, **(values | groups))  # type: ignore[arg-type]
    words = flags.as_typed()
    assert "s3cret" not in " ".join(words)
    assert words[words.index("--server") + 1] == "https://api:6443/a"
    assert words[words.index("--proxy-url") + 1] == "http://proxy:3128"
    assert {"--client-certificate", "--client-key", "--username", "--as-user-extra", "--kuberc"} <= set(words)


@click.command()
@settle_option
@terms_options
def guarded(terms: Terms, settle: timedelta) -> ExitCode:
    """What any verb takes that takes pods down."""
    return ExitCode.OK


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--quorum", "--min-available", "25%", "--ignore-budgets"),
        ("--gate-exec", "a 'b'", "--gate-exec", "c", "--gate-cmd", "d", "--gate-dns"),
        ("--gate-http", "/healthz:8080", "--gate-http", "/ready:https:8443", "--gate-timeout", "90s", "--gate-retries", "0"),
        ("--settle", "0s"),
        ("--settle", "1.5s"),
    ],
    ids=" ".join,
)
def test_what_guards_the_pods_is_typed_again_as_it_was(words: tuple[str, ...]) -> None:
    """Also what those words mean, read once more, is the same; and the next run begins with none."""
    def read(given: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, ...]]:
        with connected(), guarded.make_context("guarded", list(given)) as context:
            return context.params, guards()

    meant, again = read(words)
    assert sorted(again) == sorted(words) and read(again) == (meant, again) and guards() == ()
