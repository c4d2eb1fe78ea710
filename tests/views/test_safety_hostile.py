"""Whatever a cluster holds in names, conditions, taints, templates: these views let no control character out, nor break a line."""

from enum import Enum
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from kubectl_pets.domain.rollout.history import Difference
from kubectl_pets.domain.safety.lost import ForceRefused, ForceRefusedReason
from kubectl_pets.domain.safety.nodes import NodeState
from kubectl_pets.domain.safety.quorum import RULES_OF_QUORUM
from kubectl_pets.domain.sets.kinds import SetKind
from kubectl_pets.views.rollout import changes, history
from kubectl_pets.views.safety import lost, quorum
from kubectl_pets.views.safety import words as safety_words
from tests.views import test_history, test_lost, test_quorum
from tests.views.builders import NOW
from tests.views.test_hostile import ENCODABLE, HOSTILE


def _poisoned(value: Any, text: str) -> Any:
    """The value with the text in every string that is not one of our own enums or kinds of sets; keys of templates too."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return value + text
    if isinstance(value, tuple | list):
        return type(value)(_poisoned(item, text) for item in value)
    if isinstance(value, dict):
        return {key + text if key == "odd" else key: _poisoned(item, text) for key, item in value.items()}
    if isinstance(value, Struct) and not isinstance(value, SetKind):
        return replace(value, **{field: _poisoned(getattr(value, field), text) for field in value.__struct_fields__})
    return value


def _clean(text: str, lines: int) -> None:
    assert len(text.splitlines()) == len(text.split("\n")) == lines, repr(text)
    assert all(character.isprintable() for character in text.replace("\n", "")), repr(text)


@settings(deadline=None)
@given(HOSTILE, st.sampled_from(NodeState))
def test_lost_pods(text: str, state: NodeState) -> None:
    found = replace(test_lost.pod(), node_state=state)
    poisoned = _poisoned(found, text)
    _clean(lost.draw([poisoned], NOW), len(lost.draw([_poisoned(found, "é")], NOW).split("\n")))
    _clean(lost.many([poisoned], "name"), 1)
    for why in ForceRefusedReason:
        _clean(safety_words.force_refused(ForceRefused(reason=why, pod=text, node=text, claims=(text,))), 1)
        _clean(safety_words.after_refusal(ForceRefused(reason=why, pod=text, node=text, claims=(text,))), 1)
    _clean(safety_words.force_question(text, text, text), 3)


@settings(deadline=None)
@given(HOSTILE)
def test_quorums(text: str) -> None:
    found = replace(test_quorum.crowded(), findings=tuple(test_quorum.finding(rule, "a", number=1) for rule in RULES_OF_QUORUM))
    poisoned = _poisoned(found, text)
    _clean(quorum.draw(poisoned), len(quorum.draw(found).split("\n")))
    _clean(quorum.table([poisoned], wide=True, all_namespaces=True), 2)
    _clean(quorum.table([poisoned]), 2)


@settings(deadline=None)
@given(ENCODABLE)
def test_histories(text: str) -> None:
    entries = tuple(_poisoned(entry, text) for entry in test_history.past())
    _clean(history.table(entries, NOW, wide=True), 3)
    for path in ((text,), ("spec", text), ("spec", "containers", text), ("spec", "containers", text, "env", text, "value"), (text, text, text)):
        _clean(changes.phrase(Difference(path=path, before=text, after={text: [text]})), 1)
    before, after = ({"odd" + text: [text, f"{text}\n{text}"], text: text, "x": number} for number in (1, 2))
    yaml = history.comparable(before)
    _clean(yaml.rstrip("\n"), yaml.rstrip("\n").count("\n") + 1)
    shown = history.unified(yaml, history.comparable(after), (text, text))
    assert shown.startswith("--- ") and all(character.isprintable() for character in shown.replace("\n", ""))
