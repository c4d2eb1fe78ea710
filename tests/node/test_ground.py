"""What is said where no node can run, and that images are made as the specification wants them. Nothing here needs a node."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.controlplane.progress import Progress
from tests.node import ground, images
from tests.node.ground import GroundError
from tests.node.images import Image
from tests.node.node import _PROJECT, NodeError, _refuse_hidden


def test_not_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert ground.objection() == "a real node needs Linux, and this is darwin"


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert ground.objection().startswith("a real node needs root")


def test_without_apt_the_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "objection", lambda: "")
    monkeypatch.setattr(ground, "_NETWORK_FOLDERS", ())
    monkeypatch.setattr("shutil.which", lambda name: None if name in ("runc", "apt-get") else f"/usr/bin/{name}")
    with pytest.raises(GroundError, match="lacks containernetworking-plugins, runc .* has no apt-get"):
        ground.prepare(Progress(sys.stderr))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="to become another user takes root")
def test_the_make_target_says_why_and_fails(tmp_path: Path) -> None:
    """As `make realnode` begins."""
    command = [sys.executable, "-c", "import os, sys; from tests.node.__main__ import main; os.setuid(65534); sys.argv[1:] = ['prepare']; sys.exit(main())"]
    done = subprocess.run(command, cwd=_PROJECT, capture_output=True, text=True, check=False, env={**os.environ, "HOME": str(tmp_path)})
    assert done.returncode == 1
    assert done.stderr == "error: a real node needs root: it makes namespaces, mounts and control groups\n"


@pytest.mark.parametrize("place", ["/var/lib/ci/cache/kubelet", "/run/user/0/plane"])
def test_what_the_node_would_not_see_is_refused(place: str) -> None:
    with pytest.raises(NodeError, match=f"{place} lies in /(var/lib|run), of which a node has its own"):
        _refuse_hidden([Path("/tmp/plane"), Path(place)])


def test_images_share_a_layer_and_every_digest_is_right(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"#!/bin/sh\n")
    files: dict[str, Path | bytes | str] = {"bin/program": program, "bin/link": "program", "etc/text": b"words"}
    archive = tmp_path / "images.tar"
    images.write(archive, [Image("a:1", ("/bin/program",), files), Image("a:2", ("/bin/link",), files), Image("b:1", ("/x",))])
    with tarfile.open(archive) as tar:
        content = {member.name: _read(tar, member) for member in tar.getmembers()}
    for name, data in content.items():
        if name.startswith("blobs/sha256/"):
            assert hashlib.sha256(data).hexdigest() == name.rpartition("/")[2]
    manifests = json.loads(content["index.json"])["manifests"]
    assert [each["annotations"]["io.containerd.image.name"] for each in manifests] == [f"kubectl-pets.test/{n}" for n in ("a:1", "a:2", "b:1")]
    first, second, third = (json.loads(content[f"blobs/{each['digest'].replace(':', '/')}"]) for each in manifests)
    assert first["layers"] == second["layers"] != third["layers"]
    [layer] = first["layers"]
    (tmp_path / "layer.tar").write_bytes(content[f"blobs/{layer['digest'].replace(':', '/')}"])
    with tarfile.open(tmp_path / "layer.tar") as tar:
        assert tar.getmember("bin/program").mode & 0o111 and tar.getmember("bin/link").linkname == "program"
        assert _read(tar, tar.getmember("etc/text")) == b"words" and tar.getmember("tmp").mode == 0o1777


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file is not None else b""
