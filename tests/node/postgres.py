"""A real PostgreSQL on the node: Debian's packages, unpacked into an image of their own, and a client that notes what was acknowledged.

The packages are fetched for the tests that ask for it alone, and nothing is installed: the server that a machine may have stays what
it is.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.controlplane import ControlPlane
from tests.controlplane.progress import Progress
from tests.controlplane.recipes import cache_root
from tests.node.ground import GroundError, download
from tests.node.images import REGISTRY, Image, write
from tests.node.node import Node

#: Images of these tags are the same server, so a rollout has where to go.
TAGS = ("1", "2", "3")

#: What it depends on only for an installation, or for what does not run here (just-in-time compilation).
_UNWANTED = ("llvm", "perl", "debian-installer", "textwrap", "newt", "slang", "semanage", "sepol", "pam-modules", "db5")
_KEPT_FORMAT = 2

#: Nobody's but the database's.
_USER = 70
_PASSWD = f"postgres:x:{_USER}:{_USER}::/data:/bin/sh\n".encode()

# A folder is the database's from one moment to the next, so that a pod that dies over it leaves none that is half one.
_START = """\
if [ ! -d /data/db ]; then
  rm -rf /data/new
  initdb --pgdata=/data/new --username=postgres --auth=trust --data-checksums --encoding=UTF8 --locale=C > /dev/null
  echo 'host all all all trust' >> /data/new/pg_hba.conf
  sync; mv /data/new /data/db
fi
exec postgres -D /data/db -c listen_addresses='*' -c unix_socket_directories=/tmp -c max_wal_size=64MB -c wal_keep_size=0
"""
_PSQL = "psql --username=postgres --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1"


def fetch(progress: Progress) -> Path:
    """The folder with what the packages hold, fetched unless it is there. Raises GroundError."""
    target = cache_root() / "node" / f"postgresql-{_KEPT_FORMAT}"
    if target.exists():
        return target
    progress.say(f"fetching PostgreSQL's packages, once; what they hold is kept in {target}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".postgresql-", dir=target.parent) as name:
        folder = Path(name)
        folder.chmod(0o755)  # apt fetches as a user of its own where it can
        download(_packages, folder)
        draft = folder / "out"
        for archive in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(archive), str(draft)], check=True, capture_output=True)
        for unwanted in (*draft.glob("usr/share/doc"), *draft.glob("usr/share/locale"), *draft.glob("usr/share/man")):
            shutil.rmtree(unwanted)
        for unwanted in (*draft.rglob("bitcode"), *draft.rglob("llvmjit*")):
            shutil.rmtree(unwanted) if unwanted.is_dir() else unwanted.unlink()
        if not target.exists():  # somebody else was faster
            os.replace(draft, target)
    return target


def _packages() -> list[str]:
    """The server and the client of the distribution's version, and every library that they depend on."""
    server = next(name for name in _depends("postgresql") if name.startswith("postgresql-"))
    libraries = (name for name in _depends(server, recurse=True) if name.startswith(("lib", "zlib")))
    wanted = (name for name in libraries if not any(part in name for part in _UNWANTED))
    return [server, server.replace("-", "-client-", 1), *sorted(set(wanted))]


def _depends(package: str, *, recurse: bool = False) -> Iterator[str]:
    leaving = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
    command = ["apt-cache", "depends", *leaving, *(["--recurse"] if recurse else []), package]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as failure:
        raise GroundError(f"PostgreSQL is had from Debian's packages, and apt does not know {package}: {failure}") from failure
    words = (line.removeprefix("  Depends:").strip() for line in told.splitlines() if recurse or line.startswith("  Depends:"))
    return (word for word in words if word and not word.startswith(("<", "|", "Depends", "PreDepends")))


def images(folder: Path, busybox: Path) -> list[Image]:
    """One layer, whatever their tags."""
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    files: dict[str, Path | bytes | str] = {"etc/passwd": _PASSWD, "bin/busybox": busybox}
    files |= {f"bin/{each}": "busybox" for each in listed if each != "busybox"}
    for path in folder.rglob("*"):
        inside = str(path.relative_to(folder))
        if path.is_symlink():
            files[inside] = str(path.readlink())
        elif path.is_file() and inside not in files:
            files[inside] = path
            if path.parent.match("postgresql/*/bin"):
                files[f"bin/{path.name}"] = f"/{inside}"
    return [Image(f"postgres:{tag}", ("/bin/sh",), files) for tag in TAGS]


def bring(node: Node, progress: Progress) -> None:
    """Give the node the images. Raises GroundError, NodeError."""
    found = images(fetch(progress), cache_root() / "node" / "busybox")
    archive = node.folder.path / "postgres.tar"
    write(archive, found)
    node.containerd("images", "import", str(archive))
    archive.unlink()


def databases(storage_class: str, size: str, replicas: int) -> str:
    """A set `pg` of servers that know nothing of each other, each on a volume of that class, and its headless service. What they have
    acknowledged is on their disks (fsync and synchronous_commit are on unless somebody turns them off)."""
    mount = [{"name": "data", "mountPath": "/data"}]
    image = {"image": f"{REGISTRY}/postgres:1", "imagePullPolicy": "Never"}
    owns = {**image, "name": "own", "command": ["chown", f"{_USER}:{_USER}", "/data"], "volumeMounts": mount}
    container = {
        **image, "name": "postgres", "command": ["sh", "-c", _START], "volumeMounts": mount,
        "env": [{"name": "PGHOST", "value": "/tmp"}], "securityContext": {"runAsUser": _USER, "runAsGroup": _USER}, "ports": [{"name": "postgres", "containerPort": 5432}],
        "readinessProbe": {"exec": {"command": ["pg_isready"]}, "periodSeconds": 1, "timeoutSeconds": 3},
        # Fast: what is asked for by SIGTERM waits for every client to leave.
        "lifecycle": {"preStop": {"exec": {"command": ["pg_ctl", "stop", "-D", "/data/db", "-m", "fast"]}}},
    }
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class, "resources": {"requests": {"storage": size}}}
    spec = {"terminationGracePeriodSeconds": 30, "initContainers": [owns], "containers": [container]}
    return yaml.safe_dump_all([
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "pg"}, "spec": {"clusterIP": "None", "selector": {"app": "pg"}}},
        {
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "pg"},
            "spec": {
                "serviceName": "pg", "replicas": replicas, "podManagementPolicy": "Parallel", "selector": {"matchLabels": {"app": "pg"}},
                "template": {"metadata": {"labels": {"app": "pg"}}, "spec": spec},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
            },
        },
    ])


def query(plane: ControlPlane, namespace: str, pod: str, statement: str) -> str:
    """What the server of a pod answers."""
    command = (*_PSQL.split(), "-c", statement)
    return plane.kubectl("exec", pod, "-n", namespace, "-c", "postgres", "--", *command).stdout.strip()


# A row is said to be there only once its commit was acknowledged; one whose acknowledgement was lost is written again. The server's
# address tells which pod of that name it was.
_WRITE = """\
export PGCONNECT_TIMEOUT=2
write() { timeout 5 %s -c "insert into written values ($n) on conflict do nothing; select host(inet_server_addr())" 2>/dev/null; }
n=0
while [ ! -f /tmp/stop ]; do
  n=$((n + 1))
  until by=$(write); do [ -f /tmp/stop ] && exit 0; sleep 0.1; done
  echo $n $by
  sleep 0.02
done
"""


class Client:
    """Somebody who commits a row after the other to one server, from a pod of its own, for as long as the block lasts."""

    def __init__(self, plane: ControlPlane, namespace: str, pod: str) -> None:
        self._plane, self._namespace, self.pod = plane, namespace, pod
        self._own = f"client-{pod}-{secrets.token_hex(3)}"

    def __enter__(self) -> Client:
        query(self._plane, self._namespace, self.pod, "create table if not exists written (n bigint primary key)")
        container = {
            "name": "client", "image": f"{REGISTRY}/postgres:1", "imagePullPolicy": "Never",
            "command": ["sh", "-c", _WRITE % _PSQL], "env": [{"name": "PGHOST", "value": f"{self.pod}.pg"}],
        }
        spec = {"restartPolicy": "Never", "containers": [container]}
        self._plane.apply(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": self._own}, "spec": spec}), self._namespace)
        self._plane.kubectl("wait", "--for=condition=Ready", f"pod/{self._own}", "-n", self._namespace, "--timeout=60s")
        return self

    def __exit__(self, *exc: object) -> None:
        self._plane.kubectl("exec", self._own, "-n", self._namespace, "--", "touch", "/tmp/stop")
        ended = "jsonpath={.status.phase}=Succeeded"
        self._plane.kubectl("wait", f"--for={ended}", f"pod/{self._own}", "-n", self._namespace, "--timeout=60s")

    @property
    def acknowledged(self) -> dict[str, list[int]]:
        """The numbers that were acknowledged by now, by the address of who did, in their order."""
        found: dict[str, list[int]] = {}
        for line in self._plane.kubectl("logs", self._own, "-n", self._namespace).stdout.splitlines():
            number, by = line.split()
            found.setdefault(by, []).append(int(number))
        return found
