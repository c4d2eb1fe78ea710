"""Container images made from files of this machine: no registry is asked for any.

One archive holds them all, as an OCI image layout (https://github.com/opencontainers/image-spec) that `ctr images import` reads.
Images that differ only in what they start share a layer.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: The registry in all their names; it does not exist, so a pull of anything else from it fails as a pull does.
REGISTRY = "kubectl-pets.test"

_SERVE = "touch /tmp/ready; trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"

#: What `app` does, by tag. Numbered ones are versions that work, each of which answers its number on port 8080.
APPS: Mapping[str, str] = {
    **{
        tag: f"mkdir -p /tmp/www; echo {tag} > /tmp/www/version; httpd -p 8080 -h /tmp/www; {_SERVE}"
        for tag in ("1", "2", "3")
    },
    "crash": "echo no database > /dev/termination-log; sleep 1; exit 3",
    "crash-late": "touch /tmp/ready; sleep 8; exit 3",
    "crash-later": "touch /tmp/ready; sleep 25; exit 3",
    "third-try": f"echo try >> /keep/tries; [ $(wc -l < /keep/tries) -ge 3 ] || exit 1; {_SERVE}",
    "slow": f"sleep 12; {_SERVE}",
    "unready": "rm -f /tmp/ready; while :; do sleep 1; done",
    "deaf": "trap '' TERM; touch /tmp/ready; while :; do sleep 1; done",
}


@dataclass(frozen=True)
class Image:
    """One image: its name after the registry, what it starts, and its files (a path of this machine, content, or a link's target)."""

    name: str
    entrypoint: Sequence[str]
    files: Mapping[str, Path | bytes | str] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        return f"{REGISTRY}/{self.name}"


def standard(busybox: Path, coredns: Path, etcd: Path) -> list[Image]:
    """All that the node's pods are started from: the sandbox's own, applications, CoreDNS, etcd."""
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    shell: dict[str, Path | bytes | str] = {"bin/busybox": busybox, **{f"bin/{each}": "busybox" for each in listed if each != "busybox"}}
    # The tags have one layer in common: what each does is an argument of its shell.
    apps = [Image(f"app:{tag}", ("/bin/sh", "-c", script), shell) for tag, script in APPS.items()]
    return [
        Image("pause:1", ("/bin/busybox", "sleep", "99999d"), shell),
        *apps,
        Image("coredns:1", ("/coredns",), {"coredns": coredns}),
        *(Image(f"etcd:{tag}", ("/bin/sh",), {**shell, "bin/etcd": etcd}) for tag in ("1", "2", "3")),
    ]


def write(archive: Path, images: Sequence[Image]) -> None:
    """Write the images to one archive."""
    blobs: dict[str, bytes] = {}
    layers: dict[str, tuple[str, int]] = {}
    manifests = []
    for image in images:
        shape = json.dumps({name: repr(what) for name, what in sorted(image.files.items())})
        if shape not in layers:
            layers[shape] = _layer(image.files, blobs)
        layer, size = layers[shape]
        config = _json_blob(blobs, {
            "architecture": _architecture(), "os": "linux",
            "config": {"Entrypoint": list(image.entrypoint), "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [layer]},
        })
        manifest = _json_blob(blobs, {
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": len(blobs[config])},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": size}],
        })
        manifests.append({
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": manifest, "size": len(blobs[manifest]),
            "annotations": {"io.containerd.image.name": image.reference},
        })
    index = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()
    with tarfile.open(archive, "w") as out:
        _add(out, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        _add(out, "index.json", index)
        for digest, content in blobs.items():
            _add(out, f"blobs/{digest.replace(':', '/')}", content)


def _layer(files: Mapping[str, Path | bytes | str], blobs: dict[str, bytes]) -> tuple[str, int]:
    """The layer's digest and size. It is not compressed: that would take longer than it saves."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as out:
        for folder in ("bin", "dev", "etc", "proc", "sys", "tmp", "keep"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder in ("tmp", "keep") else 0o755
            out.addfile(entry)
        for name, what in files.items():
            if isinstance(what, str):
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = tarfile.SYMTYPE, what
                out.addfile(entry)
            else:
                _add(out, name, what.read_bytes() if isinstance(what, Path) else what, 0o755)
    plain = buffer.getvalue()
    return _blob(blobs, plain), len(plain)


def _add(out: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    out.addfile(entry, io.BytesIO(content))


def _json_blob(blobs: dict[str, bytes], document: Mapping[str, object]) -> str:
    return _blob(blobs, json.dumps(document).encode())


def _blob(blobs: dict[str, bytes], content: bytes) -> str:
    digest = _digest(content)
    blobs[digest] = content
    return digest


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _architecture() -> str:
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
