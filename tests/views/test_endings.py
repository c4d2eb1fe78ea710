"""What pipelines are told, and that nothing which others wrote is a command, markup or XML."""

import re
from xml.etree import ElementTree

import pytest

from kubectl_pets.errors import ExitCode
from kubectl_pets.views.text import endings, workflow
from kubectl_pets.views.text.endings import Ending
from tests.views.test_report import HOSTILE

DONE = Ending(about="shop/web", code=ExitCode.OK, told="shop/web: complete")
STUCK = Ending(about="shop/db", code=ExitCode.STUCK, told="stuck: db-2 is in ErrImagePull", hint="kubectl pets rollout abort db -n shop")
BAD = Ending(about=HOSTILE, code=ExitCode.FAILED, told=HOSTILE + "\n::error::x", hint=HOSTILE)


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("::error::x", ": :error::x"),
        ("  ::set-output name=x::y\nall::well", "  : :set-output name=x::y\nall::well"),
        ("a\n\t::stop-commands::x\n", "a\n\t: :stop-commands::x\n"),
        ("2026-11-24T12:04:31Z web: ##[error]x", "2026-11-24T12:04:31Z web: ## [error]x"),
        ("fe80::1 is an address, # [so] is this", "fe80::1 is an address, # [so] is this"),
        (":::x", ": ::x"),
    ],
)
def test_no_line_is_a_workflow_command(text: str, harmless: str) -> None:
    assert workflow.harmless(text) == harmless
    assert not re.search(r"^\s*::|##\[", harmless, re.MULTILINE), "as actions/runner reads it"


def test_an_annotation_is_one_line_and_its_values_stay_values() -> None:
    line = workflow.annotation("error", "a:b,c%", "50%\n::warning::x")
    assert line == "::error title=a%3Ab%2Cc%25::50%25%0A::warning::x"


def test_a_summary_is_a_table_whatever_is_told() -> None:
    text = endings.summary("rollout run", [DONE, STUCK, BAD])
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 5 and {row.count("|") for row in rows} == {5}
    assert "| shop/web | done (0) | shop/web&#58; complete |  |" in rows
    bare = re.sub(r"</?code>|&#[0-9]+;", "", text)
    assert not re.search(r"[<>`\[\]@]", bare), bare


def test_junit_has_a_testcase_a_set() -> None:
    root = ElementTree.fromstring(endings.junit("rollout run", [DONE, STUCK, BAD]).encode())
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == ("3", "1", "1")
    assert [each.attrib["name"] for each in root][:2] == ["shop/web", "shop/db"] and not list(root[0])
    assert root[1][0].tag == "failure" and "rollout abort db" in (root[1][0].text or "") and root[2][0].tag == "error"
    assert {each.tag for each in root.iter()} == {"testsuite", "testcase", "failure", "error"}


def test_every_code_has_a_word() -> None:
    assert all(endings.of_run(code).told for code in ExitCode)
