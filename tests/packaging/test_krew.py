"""krew judges the manifest, installs the archive, and real kubectl runs what it installed."""

import functools
import hashlib
import http.server
import re
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from krew import archives, build, release
from tests.commands.plugin import manifest
from tests.controlplane import ControlPlane
from tests.packaging.frozen import TAG, Krew, run

pytestmark = pytest.mark.real

NEXT = "v9.9.9"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder's files by HTTP, as a release's downloads; yields the address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class Index:
    """A plugin index as krew's own is: a git repository with a folder of manifests."""

    def __init__(self, krew: Krew) -> None:
        self._krew, self._folder = krew, krew.folder / "index"
        (self._folder / "plugins").mkdir(parents=True)
        self._git("init", "--quiet")

    def publish(self, manifest: Path) -> None:
        (self._folder / "plugins" / "pets.yaml").write_bytes(manifest.read_bytes())
        self._git("add", ".")
        self._git("commit", "--quiet", "--message", "release")

    def _git(self, *words: str) -> None:
        run(["git", "-C", self._folder, *words], self._krew.environ)


def test_the_manifest_is_valid_by_krew_s_own_judge(krew: Krew) -> None:
    with served(krew.dist / release.FOLDER) as address:
        _, made = krew.release(url=address)
        # It also downloads the archive, compares its sum, and installs it.
        run([krew.binaries["validate-krew-manifest"], "-manifest", made], krew.environ)


def test_the_manifest_follows_the_rules_of_krew_index(krew: Krew) -> None:
    archive, made = krew.release()
    told = yaml.safe_load(made.read_text())
    assert told["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2"
    assert told["metadata"]["name"] == made.stem == "pets"
    assert told["spec"]["version"] == TAG
    assert len(told["spec"]["shortDescription"]) <= 50 and not told["spec"]["shortDescription"].endswith(".")
    description = told["spec"]["description"]
    assert max(map(len, description.splitlines())) <= 80
    # https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/: no redundant words, no list of commands, and caveats only where
    # it takes an extra step to work.
    assert not {"kubectl", "plugin"} & set(told["spec"]["shortDescription"].lower().split())
    assert "kubectl pets" not in description and "caveats" not in told["spec"]
    (platform,) = told["spec"]["platforms"]
    assert platform["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert platform["uri"].startswith("https://") and platform["uri"].endswith(f"/{TAG}/{archive.name}")
    assert "{{" not in made.read_text()


def test_the_archive_holds_licences_beside_the_program(krew: Krew) -> None:
    archive, _ = krew.release()
    with tarfile.open(archive) as tar:
        entries = {entry.name: entry for entry in tar.getmembers()}
    assert set(entries) == {build.NAME, "LICENSE", build.LICENCES, "kubectl_complete-pets"}
    assert {name for name, entry in entries.items() if entry.mode & 0o100} == {build.NAME, "kubectl_complete-pets"}
    assert {(entry.uid, entry.gid, entry.uname) for entry in entries.values()} == {(0, 0, "")}


def test_installed_run_and_uninstalled(krew: Krew, namespace: str) -> None:
    archive, made = krew.release()
    krew("install", f"--manifest={made}", f"--archive={archive}")
    assert krew.installed() == [TAG]
    Index(krew).publish(made)
    krew("update")  # without an index krew uninstalls nothing
    assert TAG.removeprefix("v") in krew.pets("--version").stdout
    everything_runs(krew, namespace)
    krew("uninstall", "pets")
    gone = krew.pets("--version", expect=1)
    assert "unknown command" in gone.stderr
    assert krew.installed() == []


def everything_runs(krew: Krew, namespace: str) -> None:
    """Each main verb does its work once, as kubectl runs it."""
    at = ("-n", namespace)
    krew.plane.apply(manifest(claims=True), namespace)
    krew.pets("status", "web", "-w", "--until", "ready", "--timeout", "60s", *at)
    assert re.search(r"^web\s+complete", krew.pets("list", *at).stdout, re.MULTILINE)
    assert "web-2" in krew.pets("status", "web", *at).stdout
    assert "kind: RolloutStatus" in krew.pets("status", "web", "-o", "yaml", *at).stdout
    assert "web-0" in krew.pets("partition", "web", *at).stdout
    krew.pets("rollout", "canary", "web", "--image", "app:2", "--timeout", "60s", "-y", *at)
    krew.pets("rollout", "promote", "web", "--timeout", "60s", "-y", *at)
    assert "app:2" in krew.pets("rollout", "history", "web", *at).stdout
    assert "web" in krew.pets("quorum", *at).stdout
    krew.pets("lost", *at)
    krew.plane.kubectl("scale", "statefulset", "web", "--replicas=1", *at)
    krew.plane.kubectl("wait", "--for=delete", "pod/web-1", "--timeout=60s", *at)
    krew.plane.kubectl("delete", "statefulset", "web", *at)
    krew.plane.kubectl("wait", "--for=delete", "pod/web-0", "--timeout=60s", *at)
    assert "data-web-1" in krew.pets("orphans", *at).stdout
    assert "data-web-1" in krew.pets("orphans", "explain", "data-web-1", *at).stdout


def test_upgraded_from_an_index(krew: Krew) -> None:
    index = Index(krew)
    with served(krew.dist / release.FOLDER) as address:
        index.publish(krew.release(TAG, address)[1])
        krew("update")
        krew("install", "pets")
        assert "already on the newest version" in krew("upgrade").stderr
        index.publish(krew.release(NEXT, address)[1])
        krew("update")
        krew("upgrade", "pets")
    assert krew.installed() == [NEXT]
    assert "kubectl-pets" in krew.pets("--version").stdout


def test_a_damaged_archive_is_not_installed(krew: Krew) -> None:
    archive, made = krew.release()
    archive.write_bytes(archive.read_bytes() + b"\0")
    assert "checksum" in krew("install", f"--manifest={made}", f"--archive={archive}", expect=1).stderr


def test_sums_are_those_that_sha256sum_checks(krew: Krew) -> None:
    archive, _ = krew.release()
    done = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=krew.dist / release.FOLDER, capture_output=True, text=True, check=True)
    assert done.stdout == f"{archive.name}: OK\n"


def test_this_machine_has_a_name_of_krew_s(controlplane: ControlPlane) -> None:
    told = controlplane.kubectl("version", "--client", "-o", "yaml").stdout
    system, machine = archives.here().split("_")
    assert f"platform: {system}/{machine}" in told
