"""What the forge's machines do and may do: read from the workflows, which only the forge can run."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from krew import archives, build, release
from krew.archives import ReleaseError
from kubectl_pets import __version__
from tests.packaging.test_release import TAG, elsewhere, platforms

FOLDER = build.ROOT / ".github" / "workflows"
WORKFLOWS = sorted(path.name for path in FOLDER.glob("*.y*ml"))

#: What each job uses, and so may do: sign (id-token), keep attestations, write a release.
RIGHTS = {
    ("ci.yml", "test"): {"contents": "read"},
    ("ci.yml", "build"): {"contents": "read"},
    ("release.yml", "archives"): {"contents": "read", "id-token": "write", "attestations": "write"},
    ("release.yml", "release"): {"contents": "write", "attestations": "read"},
    ("release.yml", "krew-index"): {"contents": "read"},
}


def workflow(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return read


def steps(job: str, name: str = "release.yml") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workflow(name)["jobs"][job]["steps"]
    return found


def place(within: list[dict[str, Any]], what: str) -> int:
    """Which step it is that uses or runs this; exactly one."""
    (found,) = (number for number, step in enumerate(within) if what in step.get("uses", "") or what in step.get("run", ""))
    return found


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_named_by_their_commit_with_the_version_beside_it(name: str) -> None:
    lines = [line for line in (FOLDER / name).read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.fullmatch(r"\s*- uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_an_action_has_one_commit_everywhere() -> None:
    used = {step["uses"] for name in WORKFLOWS for job in workflow(name)["jobs"].values() for step in job["steps"] if "uses" in step}
    assert len({each.partition("@")[0] for each in used}) == len(used)


def test_every_job_has_the_rights_that_it_uses_and_no_others() -> None:
    found: dict[tuple[str, str], Any] = {}
    for name in WORKFLOWS:
        read = workflow(name)
        assert isinstance(read["permissions"], dict), "or the repository's default would hold, which may be everything"
        found |= {(name, job): told.get("permissions", read["permissions"]) for job, told in read["jobs"].items()}
    assert found == RIGHTS


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_token_stays_behind_in_a_checkout(name: str) -> None:
    for job in workflow(name)["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"] == {"persist-credentials": False}


def test_text_from_outside_is_no_part_of_a_script() -> None:
    """An expression in ``run`` is put into the script before the shell reads it: a tag could say anything."""
    assert not [step for name in WORKFLOWS for job in workflow(name)["jobs"].values() for step in job["steps"] if "${{" in step.get("run", "")]


def test_each_archive_is_attested_where_it_was_built_and_tried() -> None:
    made = steps("archives")
    built = place(made, 'make krew PYTHON=python TAG="$GITHUB_REF_NAME"')
    provenance, parts, kept = place(made, "attest-build-provenance@"), place(made, "actions/attest@"), place(made, "upload-artifact@")
    assert built < min(provenance, parts) and max(provenance, parts) < kept
    assert made[provenance]["with"]["subject-path"] == made[kept]["with"]["path"] == "dist/release/kubectl-pets_*"
    assert made[parts]["with"]["sbom-path"] == f"dist/{build.PARTS_LIST}"
    for target in ("linux_amd64", "windows_amd64"):
        name = archives.name(TAG, target)
        assert any(Path("dist/release", name).match(each) for each in made[parts]["with"]["subject-path"].split())


def test_what_is_published_is_what_was_attested_as_it_is() -> None:
    made = steps("release")
    fetched, merged = place(made, "download-artifact@"), place(made, 'make manifest FROM=archives TAG="$GITHUB_REF_NAME"')
    verified, published = place(made, "gh attestation verify"), place(made, "gh release create")
    assert fetched < merged < verified < published
    assert made[fetched]["with"]["path"] == "archives" and not [step for step in made if re.search(r"make (krew|build)\b", step.get("run", ""))]
    assert "for file in archives/*;" in made[verified]["run"] and "--signer-workflow" in made[verified]["run"]
    assert "--verify-tag" in made[published]["run"] and made[published]["run"].endswith(" dist/release/*")


def test_both_workflows_build_with_the_same_python() -> None:
    """A release must not be the first to try it."""
    for name, job in (("ci.yml", "build"), ("release.yml", "archives")):
        told = workflow(name)["jobs"][job]
        assert told["env"] == {"UV_PYTHON_PREFERENCE": "only-managed"}, "else uv takes the system's Python, and its OpenSSL"
        assert steps(job, name)[place(steps(job, name), "setup-uv@")]["with"] == steps("archives")[place(steps("archives"), "setup-uv@")]["with"]
    assert workflow("ci.yml")["jobs"]["build"]["strategy"]["matrix"] == workflow("release.yml")["jobs"]["archives"]["strategy"]["matrix"]


@pytest.mark.parametrize(
    ("tag", "openssl", "said"),
    [
        (f"v{__version__}", "3.5.4", None),
        ("v99.0.0", "3.5.4", f"the tag is v99.0.0, but kubectl_pets/__init__.py says {__version__}"),
        (f"v{__version__}", "3.0.19", "brings OpenSSL 3.0.19, whose support has ended"),
        (f"v{__version__}", "3.6.2", "whose support has ended"),
    ],
)
def test_a_tag_is_released_only_as_its_version_and_with_an_openssl_that_is_mended(tag: str, openssl: str, said: str | None) -> None:
    if said is None:
        release.may_be_released(tag, openssl, date(2026, 11, 26))
        return
    with pytest.raises(ReleaseError, match=re.escape(said)):
        release.may_be_released(tag, openssl, date(2026, 11, 26))


def test_support_ends() -> None:
    release.may_be_released(f"v{__version__}", "3.5.9", date(2030, 4, 8))
    with pytest.raises(ReleaseError, match="ended on 2030-04-08"):
        release.may_be_released(f"v{__version__}", "3.5.9", date(2030, 4, 9))


def test_another_tag_ends_it_before_anything_is_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["--may", "--tag", "v99.0.0", "--dist", str(tmp_path)]) == 1
    assert "the tag is v99.0.0" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_merging_takes_every_archive_as_it_is(tmp_path: Path) -> None:
    targets = ("linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64")
    made = elsewhere(tmp_path / "archives", *targets)
    assert release.main(["--merge", "--from", str(made), "--tag", TAG, "--dist", str(tmp_path / "dist")]) == 0
    assert set(platforms(tmp_path / "dist")) == set(targets)
    for path in made.iterdir():
        assert (tmp_path / "dist" / release.FOLDER / path.name).read_bytes() == path.read_bytes()


def test_merging_without_a_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["--merge", "--tag", TAG, "--dist", str(tmp_path)]) == 1
    assert "no folder to take the archives from" in capsys.readouterr().err


def says(path: Path, answer: str) -> Path:
    """An archive with an executable that answers this."""
    executable = path.parent / build.NAME
    executable.write_text(f"#!/bin/sh\n{answer}\n")
    executable.chmod(0o755)
    archives.pack(path, [executable], 0)
    return path


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("exit 3", "does not run: 3"),
        ("echo cannot execute >&2; exit 127", "does not run: cannot execute"),
        ("""echo '{"version": "0.0.1", "openssl": "3.0.2"}'""", "version 0.0.1 instead of"),
    ],
)
def test_an_archive_that_is_something_else_is_told_when_it_is_tried(tmp_path: Path, answer: str, said: str) -> None:
    with pytest.raises(ReleaseError, match=said):
        release.tried(says(tmp_path / "kubectl-pets.tar.gz", answer))
