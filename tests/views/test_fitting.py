"""Tables on terminals of every width: columns give way by importance, nothing wraps, and what matters stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets import pasting
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.ranking import SetOrder
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.views.orphans import table as claims
from kubectl_pets.views.rollout import table as sets
from kubectl_pets.views.text.fitting import Column, aligned, fit, prose
from kubectl_pets.views.text.ink import Piece, bare, cells, plain, shortened
from tests.views import builders
from tests.views.builders import NEW, NOW, snapshot
from tests.views.claim_scenes import left_behind
from tests.views.screens import screen

COLUMNS = (Column("NAME", least=8, middle=True), Column("A", weight=2), Column("B", weight=1), Column("REASON", least=6))


def row(*texts: str) -> tuple[Piece, ...]:
    return tuple(map(plain, texts))


def drawn(rows: list[tuple[Piece, ...]], width: int | None) -> str:
    return "\n".join(aligned(fit(COLUMNS, rows, width), width=width, colour=False))


ROWS = [row("NAME", "A", "B", "REASON"), row("kafka-broker", "aa", "bbb", "no node was found")]


def test_what_fits_is_not_touched() -> None:
    assert drawn(ROWS, None) == drawn(ROWS, 120) == "NAME           A    B     REASON\nkafka-broker   aa   bbb   no node was found"
    assert drawn(ROWS, 80) == "NAME          A   B    REASON\nkafka-broker  aa  bbb  no node was found"


def test_sentences_are_shortened_before_names_and_columns_go_by_weight() -> None:
    assert drawn(ROWS, 30) == "NAME          A   B    REASON\nkafka-broker  aa  bbb  no nod…"
    assert drawn(ROWS, 20) == "NAME      A   REASON\nkafk…ker  aa  no no…"
    assert drawn(ROWS, 16) == "NAME      REASON\nkafk…ker  no no…"
    assert drawn(ROWS, 10) == "NAME…\nkafk…ker…", "there is no room for anything"


@given(st.lists(st.tuples(*[st.text("ab日é", max_size=30)] * 4), max_size=5), st.integers(1, 60))
def test_no_line_is_wider_than_it_may_be(texts: list[tuple[str, str, str, str]], width: int) -> None:
    rows = [row(*each) for each in texts]
    assert all(cells(line) <= width for line in drawn(rows, width).split("\n"))


@given(st.text("ab日é-", max_size=40), st.integers(1, 45))
def test_what_is_shortened_keeps_both_ends(text: str, width: int) -> None:
    found = shortened(text, width, middle=True)
    assert cells(found) <= max(width, 1)
    if cells(text) <= width:
        assert found == text
    elif width >= 9:
        assert found.startswith(text[0]) and found.endswith(text[-1]) and "…" in found


def many() -> list[Assessment]:
    """What is hard to draw: long names, long reasons, several kinds of trouble."""
    return [
        builders.complete(),
        builders.left_over(),
        replace(builders.stuck(), name="kafka-broker-with-a-long-name-of-50-letters-east-1"),
        builders.on_delete(),
    ]


def test_list_at_80_columns() -> None:
    assert sets.table(many(), NOW, all_namespaces=True, order=SetOrder.WORST, width=80) == screen(
        """
        NAMESPACE  NAME              PHASE        READY  UPDATED  REASON
        default    kafka-br…-east-1  stuck        2/3    1/3      web-2 is in ImagePull…
        default    web               complete     3/3    3/3      partition 2 holds bac…
        default    web               waiting-fo…  3/3    1/3      outdated: web-1, web-0
        default    web               complete     3/3    3/3      -
        """
    )


def test_list_at_120_columns() -> None:
    assert sets.table(many(), NOW, order=SetOrder.WORST, width=120) == screen(
        """
        NAME                       PHASE                READY   UPDATED   PARTITION        AGE   REASON
        kafka-broker…ters-east-1   stuck                2/3     1/3       2                40d   web-2 is in ImagePullBackOff:…
        web                        complete             3/3     3/3       2 (left over!)   40d   partition 2 holds back the nex…
        web                        waiting-for-delete   3/3     1/3       -                40d   outdated: web-1, web-0
        web                        complete             3/3     3/3       -                40d   -
        """
    )


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_every_table_fits(width: int) -> None:
    claimed = left_behind(10, 9, 2)
    for text in (
        sets.table(many(), NOW, all_namespaces=True, width=width, colour=True),
        claims.table(claimed, NOW, all_namespaces=True, width=width, colour=True),
    ):
        assert all(cells(bare(line)) <= width for line in text.splitlines()) and text


def test_wide_is_never_cut() -> None:
    assert sets.table(many(), NOW, wide=True, width=80) == sets.table(many(), NOW, wide=True)


def test_labels_are_the_last_column() -> None:
    seen = assess(snapshot([], replicas=0, current=NEW), NOW)
    labelled = replace(seen, labels={"tier": "db", "app": "web"})
    table = sets.table([labelled, seen], NOW, labels=True, width=40).splitlines()
    assert [line.split()[-1] for line in table] == ["LABELS", "app=web,tier=db", "<none>"]


def test_the_total() -> None:
    found = [builders.complete()] * 380 + [builders.rolling()] * 12 + [builders.stuck()] * 8
    assert sets.total(found, 400) == "400 sets: 380 complete, 12 progressing, 8 stuck"
    assert sets.total(found, 8) == "400 sets: 380 complete, 12 progressing, 8 stuck; 8 shown"
    assert sets.total([builders.left_over()], 1) == "1 set: 1 complete, 1 partition left over"


def test_a_command_in_a_sentence_has_its_own_line() -> None:
    told = "hint: release more with: kubectl pets rollout step web -n lab, or all with: kubectl pets rollout promote web -n lab"
    assert prose(told, 200) == told
    assert prose(told, 60).split("\n") == [
        "hint: release more with:",
        "    kubectl pets rollout step web -n lab",
        "  or all with:",
        "    kubectl pets rollout promote web -n lab",
    ]
    apply = "warning: kubectl apply states the image (db:1): its next deploy puts that back, unless it is changed there as well"
    assert prose(apply, 60).split("\n") == [
        "warning: kubectl apply states the image (db:1): its next",
        "  deploy puts that back, unless it is changed there as well",
    ]


def test_a_comma_in_a_command_does_not_end_it() -> None:
    """``app=web,`` is a word like any other for a shell."""
    for word in (",", "a,", "a,b", "a:,"):
        command = pasting.pets("rollout run", word, namespace="lab")
        assert command.split()[4].strip("'") == word
        assert prose(f"hint: clear it with: {command}, or leave it as it is now", 30).split("\n")[1] == f"    {command}"


_SENTENCE = st.lists(st.sampled_from(["clear", "it", "with", "a", "partition", "of", "1", "(left", "over)"]), min_size=1, max_size=12)


@given(
    st.lists(st.tuples(_SENTENCE, st.lists(st.text(min_size=1, max_size=12), max_size=3)), min_size=1, max_size=3),
    st.sampled_from([", or", ";", ", then"]), st.integers(1, 120),
)  # fmt: skip
def test_no_line_ends_in_a_command(parts: list[tuple[list[str], list[str]]], between: str, width: int) -> None:
    """Whatever is in its words (a gate's script, somebody else's name), at every width: what is copied is one line."""
    commands = [pasting.pets("rollout run", *words, namespace="lab") for _, words in parts]
    told = f"{between} ".join(f"{' '.join(words)}: {command}" for (words, _), command in zip(parts, commands, strict=True))
    lines = prose(f"hint: {told}", width).split("\n")
    assert all(any(command in line for line in lines) for command in commands)
    if len(lines) > 1:
        assert all(any(command == line.strip() for line in lines) for command in commands)
        assert all(cells(line) <= width for line in lines if "kubectl " not in line and " " in line.strip())
