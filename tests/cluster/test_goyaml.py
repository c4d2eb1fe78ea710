"""YAML that would do harm, or that only other readers take; what single words mean is held against kubectl in tests/parity."""

import pytest

from kubectl_pets.cluster.access.goyaml import GoYamlError, first_document

_BOMB = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "\n".join(
    f"{chr(98 + each)}: &{chr(98 + each)} [{','.join([f'*{chr(97 + each)}'] * 9)}]" for each in range(8)
)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 100_000,
        "\n".join(" " * depth + "a:" for depth in range(3000)),
        "a: &a [*a]",
        _BOMB,
        "? [1, 2]\n: 3",
        "a: !!binary '%'",
    ],
    ids=["flow", "block", "indented", "circle", "aliases", "keys", "binary"],
)
def test_what_would_never_end_is_refused(text: str) -> None:
    with pytest.raises(GoYamlError, match="not valid YAML"):
        first_document(text.encode())


def test_a_number_too_long_to_be_one_is_text() -> None:
    digits = "9" * 10_000
    assert first_document(digits.encode()) == digits


def test_only_the_first_document_is_read_and_keys_are_text() -> None:
    assert first_document(b"12: 3\nyes: 4\n1.5: 2\n---\n{{{") == {"12": 3, "true": 4, "1.5": 2}


def test_where_it_is_wrong_is_said_without_what_stands_there() -> None:
    with pytest.raises(GoYamlError) as caught:
        first_document(b"token: s3cret\n  b: [")
    assert "line 2" in str(caught.value) and "s3cret" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_understood(encoding: str) -> None:
    assert first_document("a: ü".encode(encoding)) == {"a": "ü"}


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("{<<: *t, token: own}", "own"),
        ("{token: own, <<: *t}", "t"),
        ("{<<: [*t, *s]}", "t"),
        ("{<<: *t, <<: *s}", "s"),
        ("{<<: {<<: *t, token: inner}}", "inner"),
    ],
)
def test_a_merge_wins_over_what_stands_before_it_and_loses_to_what_follows(text: str, who: str) -> None:
    found = first_document(f"t: &t {{token: t}}\ns: &s {{token: s}}\nu: {text}".encode())
    assert found["u"] == {"token": who}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!!set {a, b}", {"a": None, "b": None}),
        ("!!omap [a: 1]", [{"a": 1}]),
        ("!!pairs [a: 1, a: 2]", [{"a": 1}, {"a": 2}]),
        ("!!seq {a: 1}", {"a": 1}),
        ("!!map [1]", [1]),
        ("!!str {a: 1}", {"a": 1}),
        ("!!int [x]", ["x"]),
        ("!!set x", "x"),
        ("!mine {a: !yours [1, y]}", {"a": [1, True]}),
        ("!mine yes", "yes"),
        ("!!binary /w==", "\ufffd"),
        ("!!timestamp 2020-01-01", "2020-01-01"),
    ],
)
def test_what_a_tag_is_worth(text: str, value: object) -> None:
    """Each as kubectl reads it (tests/parity: file-tags)."""
    assert first_document(f"a: {text}".encode()) == {"a": value}


@pytest.mark.parametrize(
    "text",
    [
        "a: &a {<<: *a}",
        "<<: word",
        "<<: [word]",
        "a: .inf",
        "a: .nan",
        "a: !!timestamp word",
        "a: !!timestamp 2020-13-01",
        "a: !!int word",
        "a: !!bool 1",
    ],
)
def test_what_kubectl_cannot_read_is_refused(text: str) -> None:
    with pytest.raises(GoYamlError):
        first_document(text.encode())
