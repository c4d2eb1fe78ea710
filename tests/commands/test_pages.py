"""What is made from docs and help: the site, whose links all lead somewhere, and a man page for each verb."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from krew import man
from tests.commands.test_docs import PROJECT, VERBS


def build(config: Path, site: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "--config-file", str(config), "--site-dir", str(site)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_site_is_built_and_all_its_links_lead_somewhere(tmp_path: Path) -> None:
    done = build(PROJECT / "mkdocs.yml", tmp_path / "site")
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "site" / "resizing" / "index.html").read_text(encoding="utf-8")
    assert "https://github.com/kubectl-pets/kubectl-pets/blob/main/deploy/rbac/resizing.yaml" in page
    assert "滚动更新" in (tmp_path / "site" / "zh-CN" / "rollout" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("link", ["nowhere.md", "../nowhere.txt", "#nowhere", "../../outside.md", "there.md#nowhere"])
def test_a_link_that_leads_nowhere_fails_it(tmp_path: Path, link: str) -> None:
    """The same configuration, but for its pages."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "krew").mkdir()
    shutil.copy(PROJECT / "krew" / "docs_links.py", tmp_path / "krew")
    settings = (PROJECT / "mkdocs.yml").read_text(encoding="utf-8")
    (tmp_path / "mkdocs.yml").write_text(settings[: settings.index("\nnav:")], encoding="utf-8")
    (tmp_path / "docs" / "there.md").write_text("# There\n", encoding="utf-8")
    (tmp_path / "docs" / "index.md").write_text("# Home\n\n[there](there.md#there), [settings](../mkdocs.yml)\n", encoding="utf-8")
    good = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert good.returncode == 0, good.stdout + good.stderr
    (tmp_path / "docs" / "index.md").write_text(f"# Home\n\n[bad]({link})\n", encoding="utf-8")
    bad = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert bad.returncode != 0 and "nowhere" in bad.stderr.replace("outside.md", "nowhere")


PAGES = {" ".join(path): man.page(path, command) for path, command in man.commands()}


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_has_a_man_page_with_its_flags_and_examples(name: str) -> None:
    told = PAGES[name].replace("\\-", "-").replace("\\e", "\\").replace("\\&", "")
    shown = VERBS[name].get_help(click.Context(VERBS[name], info_name=name))
    for flag in re.findall(r"^  (-[^ ,]+)", shown, re.MULTILINE):
        assert f"\\fB{flag}" in told, flag
    for example in re.findall(r"^ +(kubectl pets .+)$", VERBS[name].help or "", re.MULTILINE):
        assert example in told, example
    assert ".SH EXIT STATUS" in told


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff to read it")
def test_man_reads_every_page_without_a_complaint() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-rLL=100n", "-w", "mac", "-w", "syntax", "-w", "escape", "-w", "font", "-w", "char", "-z"], input="".join(PAGES.values()), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_they_are_written_one_a_verb(tmp_path: Path) -> None:
    written = man.write(tmp_path)
    assert {"kubectl-pets.1", "kubectl-pets-rollout-run.1"} <= {path.name for path in written}
    assert len(written) == len(PAGES) and PAGES["kubectl pets list"] == (tmp_path / "kubectl-pets-list.1").read_text(encoding="utf-8")
