"""Archives and manifest as values: what is merged, what is refused, and that the same files give the same bytes."""

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from krew import archives, build, release
from krew.archives import ReleaseError

TAG = "v1.2.3"
TARGETS = ("linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A dist folder as after a build, with a small executable."""
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / build.NAME).write_bytes(b"\x7fELF")
    (folder / build.NAME).chmod(0o755)
    (folder / build.LICENCES).write_text("licences")
    (folder / build.PARTS_LIST).write_text("{}")
    return folder


def elsewhere(folder: Path, *targets: str, tag: str = TAG) -> Path:
    folder.mkdir()
    for target in targets:
        (folder / archives.name(tag, target)).write_bytes(target.encode())
        (folder / f"kubectl-pets_{tag}_{target}.cdx.json").write_text(target)
    return folder


def platforms(made: Path) -> dict[str, dict[str, str]]:
    told = yaml.safe_load((made / release.FOLDER / "pets.yaml").read_text())
    return {"{os}_{arch}".format(**entry["selector"]["matchLabels"]): entry for entry in told["spec"]["platforms"]}


def test_archives_of_other_platforms_are_merged(made: Path, tmp_path: Path) -> None:
    others = [target for target in TARGETS if target != archives.here()]
    outputs = release.release(made, TAG, others=elsewhere(tmp_path / "others", *others))
    entries = platforms(made)
    assert set(entries) == set(TARGETS)
    for target, entry in entries.items():
        archive = made / release.FOLDER / archives.name(TAG, target)
        assert entry["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
        assert entry["uri"].endswith(f"/download/{TAG}/{archive.name}")
        assert entry["bin"] == ("kubectl-pets.exe" if target.startswith("windows") else "kubectl-pets")
        assert archive in outputs and archive.with_name(f"kubectl-pets_{TAG}_{target}.cdx.json") in outputs
    assert len((made / release.FOLDER / "SHA256SUMS").read_text().splitlines()) == len(TARGETS)


def test_what_this_machine_made_is_not_replaced(made: Path, tmp_path: Path) -> None:
    release.release(made, TAG, others=elsewhere(tmp_path / "others", archives.here()))
    assert (made / release.FOLDER / archives.name(TAG, archives.here())).read_bytes() != archives.here().encode()


def test_kubectl_takes_nothing_in_the_folder_of_the_build_for_a_plugin_but_the_executable(made: Path) -> None:
    (made / build.NAME).write_text("#!/bin/sh\n")
    release.release(made, TAG)
    kubectl = str(Path(sys.executable).parent / "kubectl")
    done = subprocess.run([kubectl, "plugin", "list"], env={"PATH": str(made)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[-1] == str(made / build.NAME)


def test_archives_of_another_version_are_left_alone(made: Path, tmp_path: Path) -> None:
    release.release(made, TAG, others=elsewhere(tmp_path / "others", "darwin_arm64", tag="v1.2.4"))
    assert set(platforms(made)) == {archives.here()}
    assert "v1.2.4" not in (made / release.FOLDER / "SHA256SUMS").read_text()


def test_an_archive_that_the_template_does_not_know_is_told(made: Path, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="no place for kubectl-pets_v1.2.3_windows_arm64.zip"):
        release.release(made, TAG, others=elsewhere(tmp_path / "others", "windows_arm64"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tag", "1.2.3"], "1.2.3 is not a version"),
        (["--tag", TAG, "--from", "/no/such/folder"], "there is no folder /no/such/folder"),
    ],
)
def test_what_cannot_be_is_told(made: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main([*words, "--dist", str(made)]) == 1
    assert said in capsys.readouterr().err


def test_without_a_build_there_is_no_release(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (made / build.NAME).unlink()
    assert release.main(["--tag", TAG, "--dist", str(made)]) == 1
    assert "`make build` makes it" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["tar.gz", "zip"])
def test_the_same_files_give_the_same_bytes(made: Path, tmp_path: Path, suffix: str) -> None:
    files = [made / build.NAME, made / build.LICENCES]
    first, second = tmp_path / f"first.{suffix}", tmp_path / f"second.{suffix}"
    archives.pack(first, files, 1_700_000_000)
    for path in files:
        os.utime(path, (1, 1))
    archives.pack(second, files[::-1], 1_700_000_000)
    assert first.read_bytes() == second.read_bytes()


def test_what_is_packed_can_be_run(made: Path, tmp_path: Path) -> None:
    files = [made / build.NAME, made / build.LICENCES]
    archives.pack(tmp_path / "a.tar.gz", files, 0)
    archives.pack(tmp_path / "a.zip", files, 0)
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        assert {entry.name: entry.mode for entry in tar} == {build.NAME: 0o755, build.LICENCES: 0o644}
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()} == {
            build.NAME: 0o755,
            build.LICENCES: 0o644,
        }
        assert archive.read(build.NAME) == b"\x7fELF"


@pytest.mark.parametrize("name", ["ci.yml", "release.yml"])
def test_the_forge_s_machines_call_the_makefile(name: str) -> None:
    """Thin enough that what they do can be done at home."""
    jobs = yaml.safe_load((build.ROOT / ".github" / "workflows" / name).read_text())["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    targets = set(re.findall(r"^([a-z]+):", (build.ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {command.split()[1] for command in commands if command.startswith("make ")}
    assert asked and asked <= targets
    assert all(command.startswith(("make ", "gh release create ", "for file in archives/*; do gh attestation verify ")) for command in commands)


def test_the_release_bot_gets_the_template_that_make_krew_fills_in() -> None:
    steps = yaml.safe_load((build.ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]["krew-index"]["steps"]
    (bot,) = (step for step in steps if "krew-release-bot" in step.get("uses", ""))
    assert build.ROOT / bot["with"]["krew_template_file"] == release.TEMPLATE
