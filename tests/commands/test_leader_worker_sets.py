"""A set that is a part of a LeaderWorkerSet is changed by no verb: found by walking the whole tree of commands, so that a new verb
has to say on which side it stands."""

from collections.abc import Iterator

import click
import pytest

from kubectl_pets.__main__ import cli
from kubectl_pets.cli.groups import VerbGroup
from kubectl_pets.cli.options import ChangedSet, SetName
from tests.commands.plugin import Plugin

Words = tuple[str, ...]

#: Every command that changes a set or its pods, as somebody types it who means ``web``. All of it, and all dry runs, is refused.
CHANGING: dict[Words, tuple[Words, ...]] = {
    ("rollout", "run"): (("web", "--image", "app:2"), ("web",)),
    ("rollout", "canary"): (("web", "--image", "app:2"),),
    ("rollout", "step"): (("web",),),
    ("rollout", "promote"): (("web",),),
    ("rollout", "pause"): (("web",),),
    ("rollout", "resume"): (("web",),),
    ("rollout", "abort"): (("web", "-y"),),
    ("rollout", "undo"): (("web", "-y"), ("web", "--to-revision", "1", "-y")),
    ("rollout", "unstick"): (("web", "-y"),),
    ("rollout", "restart"): (("web",), ("web", "--pod", "0", "-y")),
    ("partition",): (("web", "0"),),
    ("scale",): (("web", "--replicas", "5"), ("web", "--replicas", "5", "--plan")),
    ("lost",): (("web", "--force-delete", "web-0"),),
    ("rollout", "handover"): (("web",),),
    ("resize",): (("web", "20Gi", "--plan"),),
    ("recreate",): (("web", "--set", "serviceName=other", "-y"),),
}

#: These change no set: they look, or are about claims and volumes that no set has, or about this program.
OTHERS = frozenset(
    {
        ("list",), ("ls",), ("status",), ("wait",), ("quorum",), ("snapshots",), ("help",), ("options",),
        ("rollout", "status"), ("rollout", "history"), ("rollout", "diff"), ("rollout", "report"),
        ("dns",), ("dns", "explain"), ("orphans",), ("orphans", "explain"), ("orphans", "delete"), ("orphans", "restore"),
        ("orphans", "purge"), ("orphans", "adopt"), ("orphans", "keep"), ("orphans", "unkeep"),
        ("doctor",), ("doctor", "explain"), ("doctor", "rules"),
        ("completion", "bash"), ("completion", "fish"), ("completion", "zsh"), ("completion", "install"),
    }
)  # fmt: skip


def tree(group: click.Group, above: Words = ()) -> Iterator[tuple[Words, click.Command]]:
    """All commands that do something when they are typed."""
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if isinstance(command, click.Group):
                yield from tree(command, (*above, name))
            if not isinstance(command, click.Group) or isinstance(command, VerbGroup) or command.invoke_without_command:
                yield (*above, name), command


def test_every_command_says_whether_it_changes_a_set() -> None:
    commands = dict(tree(cli))
    assert set(commands) == set(CHANGING) | OTHERS
    assert not set(CHANGING) & OTHERS
    for words in OTHERS:
        flags = {flag for each in commands[words].params if isinstance(each, click.Option) for flag in each.opts}
        arguments = [each for each in commands[words].params if isinstance(each, click.Argument)]
        of_a_set = any(isinstance(each.type, SetName | ChangedSet) for each in arguments)
        assert not (of_a_set and flags & {"--dry-run", "--yes", "--force-delete"}), f"{words} may change a set"


@pytest.mark.real
def test_no_verb_changes_a_part_of_a_leader_worker_set(pets: Plugin) -> None:
    pets.make("web")
    pets.kubectl("label", "statefulset", "web", "leaderworkerset.sigs.k8s.io/name=vllm")
    patch = '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":3}}}}'
    pets.kubectl("patch", "statefulset", "web", "--type=merge", "-p", patch)
    before, uids = pets.set()["metadata"]["resourceVersion"], pets.uids()
    commands = dict(tree(cli))
    for command, typings in CHANGING.items():
        dry = any("--dry-run" in each.opts for each in commands[command].params if isinstance(each, click.Option))
        for typing in typings:
            for more in ((), ("--dry-run",), ("--dry-run=server",)) if dry and "--plan" not in typing else ((),):
                result = pets(*command, *typing, *more, expect=6)
                assert "LeaderWorkerSet vllm" in result.stdout + result.stderr, (command, typing, more)
    assert pets.set()["metadata"]["resourceVersion"] == before and pets.uids() == uids
    pets("status", "web", expect=0)
