"""Whatever a cluster holds, in whatever field: without colour no view lets a control character out, or one line become two."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from kubectl_pets.domain.rollout.managers import Manager, ManagerKind
from kubectl_pets.domain.rollout.ownership import DeployedField, NextDeploy, Stake
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker, Cause
from kubectl_pets.domain.sets.kinds import SetKind
from kubectl_pets.domain.stepping.steps import (
    Delete,
    Done,
    DoneReason,
    Ending,
    Overtaken,
    OvertakenReason,
    Plan,
    Refused,
    RefusedReason,
    SetPartition,
    Stage,
    Step,
    Stuck,
    Wait,
    WaitReason,
)
from kubectl_pets.views.live import Painter
from kubectl_pets.views.rollout import advice, decisions, deploying, documents, lines
from kubectl_pets.views.rollout import partition as picture
from kubectl_pets.views.rollout import plan
from kubectl_pets.views.rollout import table as sets
from kubectl_pets.views.rollout import tree, words
from kubectl_pets.views.text.ink import cells
from tests.terminal import FakeTerminal
from tests.views import builders
from tests.views.builders import NOW

_PIECES = st.sampled_from(
    ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x1b", "\n", "\r", "\t", "\x07", "\x00", "\x7f", "\x85", "\u202e", "\u2028", "\ud800", "a", " "]
)
SCENES = st.sampled_from(sorted(builders.SCENES))

#: Ends in a letter that can end no escape sequence, so that something is left of it and the same lines are drawn as for plain text.
HOSTILE = st.lists(_PIECES | st.characters(), max_size=6).map(lambda parts: "".join(parts) + "é")


def _poisoned(value: Any, text: str) -> Any:
    """The value with the text in every string that is not one of our own enums or kinds of sets."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return value + text
    if isinstance(value, tuple):
        return tuple(_poisoned(item, text) for item in value)
    if isinstance(value, Struct) and not isinstance(value, SetKind):
        fields = {field: _poisoned(getattr(value, field), text) for field in value.__struct_fields__}
        return replace(value, **fields)
    return value


def _seen(scene: str, text: str, known_strategy: bool) -> Assessment:
    seen = builders.large(25, 20) if scene == "large" else builders.SCENES[scene]()
    poisoned: Assessment = _poisoned(seen, text)
    return replace(poisoned, strategy=seen.strategy) if known_strategy else poisoned


def _pasts(seen: Assessment) -> Iterator[Assessment | None]:
    """What may have been before, so that each kind of change is told."""
    yield None
    yield replace(seen, members=(), surplus=(), update_revision=f"before-{seen.update_revision}", partition=9, replicas=9)
    yield replace(seen, surplus=(*seen.surplus, *(replace(member, ordinal=member.ordinal + 99) for member in seen.members)))
    yield replace(seen, members=tuple(replace(member, restarts=-1) for member in seen.members))


def _screens(seen: Assessment, text: str) -> Iterator[str]:
    """Everything that can be drawn of the set, and of decisions about it."""
    yield words.headline(seen)
    yield tree.draw(seen, NOW)
    yield tree.draw(seen, NOW, height=14)
    yield tree.draw(seen, NOW, wide=True)
    yield picture.draw(seen)
    yield sets.table([seen], NOW, wide=True, all_namespaces=True)
    for before in _pasts(seen):
        yield "\n".join(lines.changes(before, seen, NOW))
    yield documents.one(seen, "name")
    images = (Image(container=text, image=text),)
    steps: tuple[Step, ...] = (
        Stage(images=images, partition=3),
        SetPartition(partition=0, before=1, releases=(text, text, text)),
        Delete(pod=text, revision=text, comes_back_at=text),
    )
    yield from (decisions.step_phrase(step) for step in steps)
    blockers = tuple(
        Blocker(cause=cause, pod=text, reason=text, message=text, updated=updated) for cause in Cause for updated in (True, False)
    )
    endings: tuple[Ending, ...] = (
        *(Stuck(blockers=(blocker,)) for blocker in blockers),
        *(Refused(reason=refused, asked=1, limit=2, blockers=blockers, pods=(text, text)) for refused in RefusedReason),
        *(Overtaken(reason=overtaken) for overtaken in OvertakenReason),
        *(Done(reason=done) for done in DoneReason),
    )
    waits = tuple(Wait(reason=wait, pods=(text,)) for wait in WaitReason)
    yield from (plan.draw(Plan(entries=waits, ending=ending), seen, NOW) for ending in endings)
    for decision in (*endings, *waits):
        yield decisions.sentence(decision, seen)
        yield advice.hint(decision, seen) or ""
    yield decisions.deletion_question(seen, (text, text), text)
    yield decisions.next_after_interrupt(seen, False)
    for kind in ManagerKind:
        yield words.warning(Manager(kind=kind, name=text, evidence=text))
    for field in DeployedField:
        for end in NextDeploy:
            yield deploying.deployer(Stake(field=field, deployer=text, next_deploy=end, value=text), seen)
    for live in (False, True):
        terminal = FakeTerminal(live=live)
        terminal.colour = False
        with Painter(terminal, size=lambda: (9999, 50)) as painter:  # in less, sentences are folded
            painter.show(seen, NOW, footer=text, status=(text, text))
        yield re.sub(r"\x1b\[(\?(25|1049|2004)[lh]|H|K|J)", "", terminal.stdout_text) if live else terminal.stdout_text


@settings(deadline=None)
@given(SCENES, HOSTILE, st.booleans())
def test_no_control_character_comes_out_and_no_line_is_broken(scene: str, text: str, known_strategy: bool) -> None:
    screens = _screens(_seen(scene, text, known_strategy), text)
    harmless = _screens(_seen(scene, "é", known_strategy), "é")
    for screen, usual in zip(screens, harmless, strict=True):
        assert not [character for character in screen if not (character.isprintable() or character == "\n")], screen
        assert screen.count("\n") == usual.count("\n"), screen
    narrow = tree.draw(_seen(scene, text, known_strategy), NOW, width=60).split("\n")
    assert all(line.isprintable() and cells(line) <= 60 for line in narrow), "sentences are folded here"


#: msgspec takes no lone surrogates out of JSON, so a document never has to hold one.
ENCODABLE = HOSTILE.map(lambda text: re.sub("[\ud800-\udfff]", "", text))


@settings(deadline=None)
@given(SCENES, ENCODABLE)
def test_no_control_character_comes_out_of_a_document(scene: str, text: str) -> None:
    """Nothing is taken away there, so it has to be escaped."""
    seen = _seen(scene, text, True)
    for output in ("json", "yaml"):
        for document in (documents.one(seen, output), documents.many([seen], output)):
            assert document.replace("\n", "").isprintable()
