"""Hints that repeat the command of the run: they carry the options that it was given."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from shlex import split

import click
import pytest

from kubectl_pets.__main__ import cli
from kubectl_pets.cli.groups import LazyGroup
from kubectl_pets.cli.pflag import as_command_reads
from kubectl_pets.cli.retyping import as_typed
from kubectl_pets.pasting import ONWARD, again, connected, guarded_by, pets, typed_as
from tests.commands.plugin import Plugin

#: By the name of the type, something that it takes; of a text all that a shell would take apart.
VALUES = {
    "amount": "25%", "duration": "90s", "patience": "3m,4", "image": "app=db:2.1", "path:port": "/healthz:https:8443", "pods": "2",
    "text": "it's $HOME *", "path": "a folder", "directory": "a folder", "integer": "3", "boolean": "true",
}


def verbs(group: LazyGroup = cli, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield f"{path}{name}", command
        if isinstance(command, LazyGroup):
            yield from verbs(command, f"{path}{name} ")


ALL = dict(verbs())


def words_of(option: click.Option) -> list[str]:
    """Typed twice where that has a meaning."""
    flag = max(option.opts, key=len)
    if option.is_flag:
        return [flag]
    kind = option.type
    value = kind.choices[-1] if isinstance(kind, click.Choice) else VALUES.get(kind.name, "x")
    value = value if isinstance(value, str) else str(value)
    return [f"{flag}={value}"] * (2 if option.multiple else 1)


@pytest.mark.parametrize("verb", ALL)
def test_what_was_typed_is_typed_again_and_means_the_same(verb: str) -> None:
    """Of every verb, with every option that it has: the values that click reads from both are the same."""
    command = ALL[verb]
    options = [each for each in command.params if isinstance(each, click.Option) and each.expose_value]

    def read(words: list[str]) -> dict[str, object]:
        parser = command.make_parser(click.Context(command))
        return dict(parser.parse_args(words)[0])

    for chosen in (options, *([each] for each in options)):
        words = as_command_reads(command, [word for option in chosen for word in words_of(option)])
        with connected():
            typed_as(verb, partial(as_typed, command, words))
            repeated = split(again(verb))[2 + len(verb.split()):]
        assert read(repeated) == read(words), repeated


@pytest.mark.parametrize("flag", ["--snapshot", "--snapshot-group"])
def test_a_value_that_was_left_out_is_left_out_again(flag: str) -> None:
    command = ALL["rollout run"]
    assert as_typed(command, [flag, "--image", "a"]) == ((flag,), ("--image", "a"))
    assert as_typed(command, ["--image", "a", f"{flag}=fast"]) == (("--image", "a"), (f"{flag}=fast",))


def test_what_the_hint_says_itself_is_not_said_twice() -> None:
    with connected():
        typed_as("scale", lambda: (("--replicas", "3"), ("--remove", "1"), ("--timeout", "5m")))
        assert again("scale", "web", "--replicas", "5", without=("--remove",)) == "kubectl pets scale web --replicas 5 --timeout 5m"
        assert again("status", "web") == "kubectl pets status web", "another verb"
    assert again("scale", "web") == "kubectl pets scale web", "another run"


def test_the_verbs_that_go_on_ask_what_was_to_be_asked() -> None:
    assert ONWARD <= {verb for verb, command in ALL.items() if any("--quorum" in each.opts for each in command.params)}
    with connected():
        for words in (("--quorum",), ("--gate-exec", "a b"), ("--settle", "3s")):
            guarded_by(words)
        for verb in ONWARD:
            assert pets(verb, "web") == f"kubectl pets {verb} web --quorum --gate-exec 'a b'"
        assert pets("rollout abort", "web") == "kubectl pets rollout abort web"
        assert pets("rollout promote", "web", guarded=False) == "kubectl pets rollout promote web"


@pytest.mark.real
def test_chosen_pods_are_restarted_once_more_and_no_other(pets: Plugin) -> None:
    """The hint named no pod, so it was one for all of them."""
    pets.make("web")
    words = ("rollout", "restart", "web", "--pod", "2", "--settle", "0", "--timeout", "90s", "-y")
    pets(*words)
    hint = pets(*words).stderr.partition("once more with: ")[2].strip()
    before = pets.uids()
    assert {"--anew", "--pod", "--timeout", "--yes"} <= set(split(hint)), hint
    done = pets.typed(*split(hint)[2:])
    assert done.code == 0, done
    assert {name for name, uid in pets.uids().items() if uid != before[name]} == {"web-2"}


@pytest.mark.real
@pytest.mark.parametrize(
    ("words", "begun", "replicas", "made_anew"),
    [
        (("--batch", "1"), (2, 1, 0), 4, {"web-0", "web-1", "web-2"}),
        (("--batch", "1"), (2, 1, 0), 2, {"web-0", "web-1"}),
        (("--skip", "2"), (1, 0), 2, {"web-0", "web-1"}),
        (("--pod", "2", "--pod", "1"), (2, 1), 2, {"web-1"}),
    ],
    ids=["scaled-up", "scaled-down", "what-was-skipped-is-gone", "what-was-named-is-gone"],
)
def test_a_restart_killed_in_a_set_that_is_scaled_then_goes_on(
    pets: Plugin, words: tuple[str, ...], begun: tuple[int, ...], replicas: int, made_anew: set[str]
) -> None:
    """The same words again: they were refused as those of another restart, or for a pod that is not there any more."""
    pets.make("web")
    before = pets.uids()
    pods = ",".join(f"web-{ordinal}={before[f'web-{ordinal}'][:8]}" for ordinal in begun)
    note = f"{datetime.now(UTC).isoformat(timespec='seconds')} {pods}"
    pets.plane.kubectl("annotate", "statefulset", "web", "-n", pets.namespace, f"kubectl-pets/restart-pods={note}")
    pets("scale", "web", "--replicas", str(replicas), "-y", "--timeout", "60s")
    scaled = pets.uids()
    pets("rollout", "restart", "web", *words, "--settle", "0", "--timeout", "90s", "-y")
    after = pets.uids()
    assert {name for name, uid in after.items() if uid != scaled[name]} == made_anew
    assert "kubectl-pets/restart-pods" not in pets.set("web")["metadata"]["annotations"]


@pytest.mark.real
def test_a_slip_in_what_is_to_be_left_alone_takes_nothing_down(pets: Plugin) -> None:
    """Where a restart is gone on with, a pod that is not there may be named: it is the note that tells which are meant."""
    pets.make("web")
    before = pets.uids()
    told = pets("rollout", "restart", "web", "--skip", "11", "-y", expect=2)
    assert "web has no pod 11" in told.stderr
    later = datetime.now(UTC) + timedelta(seconds=30)  # the pods are older than that, by more than clocks may differ
    note = f"{later.isoformat(timespec='seconds')} web-2={before['web-2'][:8]}"
    pets.plane.kubectl("annotate", "statefulset", "web", "-n", pets.namespace, f"kubectl-pets/restart-pods={note}")
    told = pets("rollout", "restart", "web", "--skip", "11", "-y", expect=6)
    assert "a restart of web-2 was begun and is not finished" in told.stderr and pets.uids() == before
    pets("rollout", "restart", "web", "--skip", "first", "-y", expect=2)


@pytest.mark.real
def test_after_a_canary_the_next_step_asks_the_same_gates(pets: Plugin) -> None:
    """What was to be asked of each new pod was asked of the canary alone, for whoever pasted the hint."""
    pets.make("web")
    told = pets("rollout", "canary", "web", "--image", "app:2", "--quorum", "--gate-cmd", "true", "--timeout", "60s").stderr
    step = next(part for part in told.split("go on with: ")[1].split(", or ") if "rollout step" in part)
    assert "--quorum --gate-cmd true" in step
    done = pets.typed(*split(step)[2:], "--settle", "0", "--timeout", "60s")
    assert done.code == 0 and list(pets.images().values()).count("app:2") == 2, done


@pytest.mark.real
def test_a_scaling_that_ran_out_of_time_is_waited_for_in_the_same_way(pets: Plugin) -> None:
    pets.make("web", extra="minReadySeconds: 30", wait=False)
    told = pets("scale", "web", "--replicas", "4", "--timeout", "1s", "--patience", "7m", expect=5).stderr
    again = told.partition("wait on with: ")[2]
    assert "--replicas 4" in again and "--timeout 1s" in again and "--patience 7m" in again
