"""What can be held against kubectl without a server: its list of flags, what it reads from a plain word; and the differences in docs/."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest

from kubectl_pets.cli.options import WITHOUT_EFFECT, connection
from kubectl_pets.cluster.access.goyaml import GoYamlError, first_document
from kubectl_pets.session import ConnectionFlags
from tests.parity.differences import DIFFERENCES

KUBECTL = str(Path(sys.executable).parent / "kubectl")

#: Flags of kubectl's that are not taken; why is in docs/installing.md.
_NOT_TAKEN = {"--match-server-version", "--warnings-as-errors"}


@click.command()
@connection
def command() -> None:
    """Only here for its options."""


#: What every verb takes besides, about what is printed.
_OURS = {"ci", "no_color"}


def test_every_flag_that_kubectl_has_for_any_verb_is_taken() -> None:
    told = subprocess.run([KUBECTL, "options"], capture_output=True, text=True, check=True).stdout
    theirs = dict(re.findall(r"^ +(?:-\w, )?(--[\w-]+)=(.*):$", told, re.MULTILINE))
    short = re.findall(r"^ +(-\w), --", told, re.MULTILINE)
    ours = {name: each for each in command.params if isinstance(each, click.Option) for name in each.opts}
    assert len(theirs) > 25
    assert set(theirs) - set(ours) == _NOT_TAKEN
    assert set(short) <= set(ours)
    switches = {name for name, default in theirs.items() if default in ("true", "false")} - _NOT_TAKEN
    assert {name for name, each in ours.items() if each.type.name == "boolean" and not each.is_flag} == switches
    assert {name for name, default in theirs.items() if default == "[]"} == {name for name, each in ours.items() if each.multiple}
    assert {each.name for each in ours.values() if not each.hidden} == set(ConnectionFlags.__struct_fields__) | _OURS
    assert {name for name, each in ours.items() if each.hidden} == set(WITHOUT_EFFECT)


@pytest.mark.parametrize("words", [
    "2024-01-01 2024-1-1 2024-13-45 2024-01 2001-12-14t21:59:43.1Z 12:30 12:30:45 1:2 = == <<x 0.1.2 1,000",
    "y Y n N yes Yes yEs no on On off OFF true True TRUE tRue false null Null ~ nULL nil",
    "12 0999 0o17 0O17 017 08 0o8 0x1F 0X1f 0x 0b101 -0b101 0B11 0b2 0b 00 -0 +0 0_ _ 0x_1 1_000 _1 1__0 1_",
    "1e3 1E3 1.5 .5 5. . .. +1 -1 +.5 -.5 -. +12e3 1e 1e+ 1_0.5_0 1e400 .e5 .inf +.inf -.inf .Inf .iNf .nan .NaN NaN inf 1p2 0x1.8p1",
    "18446744073709551615 18446744073709551616 -9223372036854775808 99999999999999999999999 9223372036854775808",
    "!x '12' \"12\" {} [1] !!str!12",
])
def test_plain_words_mean_what_they_mean_to_kubectl(tmp_path: Path, words: str) -> None:
    """As the namespace of a context: text is the namespace, anything else spoils the file, null is none."""
    with ThreadPoolExecutor(2) as some:
        theirs = dict(zip(words.split(), some.map(lambda word: kubectl_reads(tmp_path, word.replace("!!str!", "!!str ")), words.split())))
    assert {word: we_read(word.replace("!!str!", "!!str ")) for word in words.split()} == theirs


def document(word: str) -> str:
    return f"apiVersion: v1\nkind: Config\ncontexts:\n- name: x\n  context:\n    namespace: {word}\n"


def kubectl_reads(folder: Path, word: str) -> str | None:
    path = folder / word.encode().hex()
    path.write_text(document(word), encoding="utf-8")
    done = subprocess.run([KUBECTL, "config", "view", "--kubeconfig", str(path), "-o", "json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None
    namespace: str = json.loads(done.stdout)["contexts"][0]["context"].get("namespace", "")
    return namespace


def we_read(word: str) -> str | None:
    try:
        read = first_document(document(word).encode())["contexts"][0]["context"]["namespace"]
    except GoYamlError:
        return None
    return "" if read is None else read if isinstance(read, str) else None


def test_each_difference_that_is_meant_is_in_the_documentation() -> None:
    page = " ".join((Path(__file__).parents[2] / "docs" / "installing.md").read_text(encoding="utf-8").split())
    assert [reason for reason in DIFFERENCES if reason not in page] == []
