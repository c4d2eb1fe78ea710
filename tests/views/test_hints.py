"""Every hint of every scene: what it has one type is a whole command, which the parser takes as it stands."""

import shlex
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets import pasting
from kubectl_pets.__main__ import run
from kubectl_pets.domain.dns.reasons import NameFinding, Reason
from kubectl_pets.domain.rollout.managers import LeaderWorkerSetMember
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker, Cause
from kubectl_pets.domain.scale.types import ScaleRefused, ScaleRefusedReason
from kubectl_pets.domain.stepping.steps import (
    Done,
    DoneReason,
    GateFailed,
    Overtaken,
    OvertakenReason,
    Refused,
    RefusedReason,
    Stuck,
)
from kubectl_pets.errors import UnreachableError
from kubectl_pets.session import Cluster, ConnectionFlags, Session
from kubectl_pets.views.dns import words as dns_words
from kubectl_pets.views.rollout import advice, decisions, words
from kubectl_pets.views.scale import words as scale_words
from tests.domain.dns.test_diagnosis import HEALTHY, look
from tests.terminal import FakeTerminal
from tests.views import builders

FLAGS = ConnectionFlags(
    kubeconfig="/tmp/my config", context="prod; rm -rf ~", as_user="system:admin", as_groups=("a", "b"), as_uid="7", token="secret"
)
SCENES = {
    "complete": builders.complete(),
    "left over": builders.left_over(),
    "rolling": builders.rolling(),
    "paused": builders.paused(),
    "staged": builders.staged(),
    "stuck": builders.stuck(),
    "on delete": builders.on_delete(),
    "unreadable": builders.unreadable(),
    "part of a group": replace(builders.paused(), leader_worker_set=LeaderWorkerSetMember(name="llm", owner="Pod/x-1")),
}


def hints(seen: Assessment) -> Iterator[str]:
    for done in DoneReason:
        yield advice.hint(Done(reason=done), seen) or ""
    for refused in RefusedReason:
        yield advice.hint(Refused(reason=refused, blockers=seen.blockers, pods=("web-1", "web-0")), seen) or ""
    for overtaken in OvertakenReason:
        yield advice.hint(Overtaken(reason=overtaken), seen) or ""
    yield advice.hint(Stuck(blockers=seen.blockers), seen) or ""
    yield advice.hint(GateFailed(pod="web-2", gate="--gate-exec 'x'", detail="no"), seen) or ""
    yield advice.after_a_look(seen) or ""
    yield advice.after_time(seen)
    yield advice.left_behind(seen)
    yield words.clear(seen)
    yield from (decisions.next_after_interrupt(seen, each) for each in (True, False))
    for reason in ScaleRefusedReason:
        if reason is not ScaleRefusedReason.AUTOSCALER:
            yield scale_words.instead(ScaleRefused(reason=reason), seen) or ""


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The words of every command that is spelt meanwhile, as a shell would read them."""
    found: list[tuple[str, ...]] = []
    really = pasting._spelt

    def noted(*parts: object) -> str:
        text = really(*parts)  # type: ignore[arg-type]
        found.append(tuple(shlex.split(text)))
        return text

    monkeypatch.setattr(pasting, "_spelt", noted)
    return found


def nobody_there(flags: ConnectionFlags) -> Cluster:
    raise UnreachableError("there is no cluster here")


@pytest.mark.parametrize("scene", SCENES)
def test_the_parser_takes_every_hint(scene: str, typed: list[tuple[str, ...]]) -> None:
    with pasting.connected():
        pasting.connected_by(FLAGS.as_typed())
        told = list(hints(SCENES[scene]))
    assert len(typed) > 20 and not [text for text in told if "NAME" in text or "IMAGE" in text]
    for words_typed in set(typed):
        assert words_typed[0] == "kubectl" and words_typed[-2:] == ("--as-uid", "7") and "secret" not in words_typed
        assert words_typed[words_typed.index("--context") + 1] == "prod; rm -rf ~"
        if words_typed[1] != "pets":
            continue
        terminal = FakeTerminal()
        run(words_typed[2:], Session(terminal=terminal, connect=nobody_there))
        assert "there is no cluster here" in terminal.stderr_text, (words_typed, terminal.stderr_text)  # it came to that


def test_what_is_called_a_group_stays_one_word(typed: list[tuple[str, ...]]) -> None:
    """No API server takes such a label; the parser says so should somebody paste it."""
    with pasting.connected():
        pasting.connected_by(FLAGS.as_typed())
        list(hints(replace(builders.paused(), leader_worker_set=LeaderWorkerSetMember(name="$(reboot)", owner="Pod/x-1"))))
    assert "lws/$(reboot)" in {word for words_typed in typed for word in words_typed}


@pytest.mark.parametrize("reason", Reason)
def test_the_parser_takes_every_hint_of_names(reason: Reason, typed: list[tuple[str, ...]]) -> None:
    """Names out of a cluster may hold anything: each stays one word."""
    seen = replace(look(HEALTHY), namespace="prod", service="a; bb", config_map="kube-system/x yy", set="web")
    with pasting.connected():
        pasting.connected_by(FLAGS.as_typed())
        finding = NameFinding(reason=reason, subject="`id`", detail="zone.", server="kube-system/dns 11")
        told = list(dns_words.fixes(finding, "web-1", seen))
    assert len(told) <= len(typed)
    for words_typed, line in zip(typed, told, strict=True):
        assert line.endswith(shlex.join(words_typed))
        assert words_typed[0] == "kubectl" and words_typed[words_typed.index("--context") + 1] == "prod; rm -rf ~"
        assert words_typed[words_typed.index("-n") + 1] in ("prod", "kube-system")
        assert not {"bb", "yy", "11"} & set(words_typed)
        if words_typed[1] == "pets":
            terminal = FakeTerminal()
            run(words_typed[2:], Session(terminal=terminal, connect=nobody_there))
            assert "there is no cluster here" in terminal.stderr_text, (words_typed, terminal.stderr_text)


def test_a_hint_goes_where_the_run_went(typed: list[tuple[str, ...]]) -> None:
    """Flags may stand before the verb or after it; the next run of the process begins without any."""
    terminal = FakeTerminal()

    def refused(flags: ConnectionFlags) -> Cluster:
        pasting.pets("status", "web", namespace="prod")
        raise UnreachableError("no")

    run(["--context", "here", "status", "web", "--as", "me", "-n", "prod"], Session(terminal=terminal, connect=refused))
    run(["status", "web", "-n", "prod"], Session(terminal=terminal, connect=refused))
    assert typed == [
        ("kubectl", "pets", "status", "web", "-n", "prod", "--context", "here", "--as", "me"),
        ("kubectl", "pets", "status", "web", "-n", "prod"),
    ]


@settings(deadline=None)
@given(st.text(min_size=1), st.text())
def test_no_name_does_anything_in_a_shell(name: str, namespace: str) -> None:
    spelt = pasting.kubectl("describe", "pod", name, namespace=namespace)
    assert spelt.isprintable()
    read = shlex.split(spelt)
    assert read[:3] == ["kubectl", "describe", "pod"] and len(read) == (6 if namespace else 4)


@pytest.mark.parametrize(
    ("cause", "reason", "mends"),
    [
        (Cause.CONTAINER, "ErrImagePull", True),
        (Cause.CONTAINER, "CrashLoopBackOff", True),
        (Cause.POD_ENDS, "Preempted", False),
        (Cause.POD_ENDS, "Evicted", False),
        (Cause.UNSCHEDULABLE, "Unschedulable", False),
        (Cause.CREATION_REFUSED, "FailedCreate", False),
        (Cause.NOT_STARTED, "FailedMount", False),
    ],
)
def test_a_fixed_image_is_advised_where_it_mends_something(cause: Cause, reason: str, mends: bool) -> None:
    """A pod that has to make room for others goes on having to, whatever it runs."""
    seen = replace(builders.stuck(), before=replace(builders.stuck().before, held=builders.NEW, revision="", older=""))
    blocker = Blocker(cause=cause, pod="web-2", reason=reason, updated=True)
    told = advice.hint(Stuck(blockers=(blocker,)), seen) or ""
    assert "kubectl describe pod web-2" in told and ("fixed image" in told) == mends


@pytest.mark.parametrize(
    ("reason", "message", "looks"),
    [
        ("ErrImagePull", "manifest unknown", False),
        ("InvalidImageName", "", False),
        ("ErrImagePull", "denied", True),
        ("CrashLoopBackOff", "", True),
    ],
)
def test_the_image_of_now_is_in_the_command_that_brings_another(reason: str, message: str, looks: bool) -> None:
    """It is written over; typed as it is it changes nothing. Where the image is wrong no second look says which is right."""
    first = replace(builders.stuck(), before=replace(builders.stuck().before, held=builders.NEW, revision="", older=""))
    (image, *_) = first.template
    blocker = Blocker(cause=Cause.CONTAINER, pod="web-2", reason=reason, message=message, updated=True, container=image.container)
    told = advice.hint(Stuck(blockers=(blocker,)), first) or ""
    assert told.endswith(f"kubectl pets rollout run web --image {image.container}={image.image} -n default")
    assert ("kubectl describe pod" in told) == looks


@pytest.mark.parametrize("updated", [True, False])
@pytest.mark.parametrize(
    ("reason", "message", "end", "says"),
    [
        ("CreateContainerConfigError", 'configmap "db" not found', "", "make what is missing, or name what is there with: "),
        ("CrashLoopBackOff", "", "OOMKilled", "raise its memory limit with: "),
    ],
)
def test_what_an_edit_mends_is_no_reason_for_a_second_look(reason: str, message: str, end: str, says: str, updated: bool) -> None:
    """Its name or its end is told, and another image mends neither."""
    first = replace(builders.stuck(), before=replace(builders.stuck().before, held=builders.NEW, revision="", older=""))
    blocker = Blocker(cause=Cause.CONTAINER, pod="web-1", reason=reason, message=message, end=end, updated=updated)
    assert advice.hint(Stuck(blockers=(blocker,)), first) == f"{says}kubectl edit statefulset.apps/web -n default"


def test_what_may_be_done_is_what_is_named() -> None:
    """No abort for what cannot be aborted, no resume after stuck, no circles."""
    for seen in SCENES.values():
        for refused in (RefusedReason.NO_WAY_BACK, RefusedReason.COMPLETE, RefusedReason.ON_DELETE):
            alone = replace(seen, before=replace(seen.before, held=seen.update_revision, revision="", older=""))
            told = advice.hint(Refused(reason=refused), alone) or ""
            assert "rollout abort" not in told and "rollout undo" not in told
    stuck = replace(builders.stuck(), before=replace(builders.stuck().before, held=builders.NEW, revision="", older=""))
    for way_out in (Done(reason=DoneReason.PAUSED), Stuck(blockers=stuck.blockers)):
        told = advice.hint(way_out, stuck) or ""
        assert "resume" not in told and "abort" not in told and "undo" not in told and "kubectl describe pod" in told
