"""The executable where nothing is as on a developer's machine: no Python, no home, another user, trouble with the temporary folder."""

import os
import shutil
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster.proxy import proxy as proxying
from tests.cluster.proxy import socks
from tests.commands.plugin import manifest
from tests.controlplane import ControlPlane
from tests.packaging.frozen import Frozen, run

NOBODY = 65534


@pytest.fixture
def place(controlplane: ControlPlane) -> tuple[str, ...]:
    """Words that name a namespace of the control plane that is always there."""
    return ("-n", "default", "--kubeconfig", str(controlplane.kubeconfig))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, which those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="kubectl-pets-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.real
def test_without_anything_around_it(frozen: Frozen, place: tuple[str, ...]) -> None:
    """No PATH, no HOME, no LANG, so no Python either."""
    assert "No StatefulSets found in namespace default" in frozen("list", *place).stderr


@pytest.mark.real
@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1", "ja_JP.eucJP"])
def test_a_picture_in_any_locale(frozen: Frozen, controlplane: ControlPlane, namespace: str, locale: str) -> None:
    controlplane.apply(manifest("web", replicas=0), namespace)
    controlplane.kubectl("wait", "statefulset/web", "--for=jsonpath={.status.observedGeneration}=1", "--timeout=120s", "-n", namespace)
    at = ("-n", namespace, "--kubeconfig", str(controlplane.kubeconfig))
    assert "├─ Revisions" in frozen("status", "web", *at, environ={"LC_ALL": locale, "LANG": locale}).stdout


def test_with_no_home_it_says_where_it_looked(frozen: Frozen) -> None:
    told = frozen("list", expect=1).stderr
    assert "no cluster is configured" in told and "Traceback" not in told


def test_from_another_folder_and_through_links(frozen: Frozen, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "first").symlink_to(frozen.path)
    (tmp_path / "bin" / "kubectl-pets").symlink_to("../first")
    for command in ("./kubectl-pets", tmp_path / "bin" / "kubectl-pets"):
        assert "kubectl-pets" in run([command, "--version"], frozen.environ, cwd=tmp_path / "bin").stdout
    frozen.assert_tidy()


def test_found_on_the_path(frozen: Frozen, tmp_path: Path) -> None:
    done = run(["/bin/sh", "-c", "kubectl-pets --version"], {**frozen.environ, "PATH": str(frozen.path.parent)}, cwd=tmp_path)
    assert "kubectl-pets" in done.stdout


def test_a_reader_that_goes_away_is_no_reason_to_complain(frozen: Frozen) -> None:
    done = run(["/bin/sh", "-c", f"'{frozen.path}' --help | true"], {**frozen.environ, "PATH": "/usr/bin:/bin"})
    assert done.stderr == ""
    frozen.assert_tidy()


@pytest.mark.real
def test_as_another_user(frozen: Frozen, open_folder: Path, controlplane: ControlPlane) -> None:
    """Somebody who may run and read it, and write to the temporary folder, but owns nothing."""
    program = Path(shutil.copy(frozen.path, open_folder))
    program.chmod(0o555)
    authority = b64encode(controlplane.ca_file.read_bytes()).decode()
    config = Path(rewritten(controlplane, open_folder, certificate_authority=None, certificate_authority_data=authority))
    config.chmod(0o444)
    unpacked = open_folder / "tmp"
    unpacked.mkdir()
    unpacked.chmod(0o1777)
    as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [program, "list", "-n", "default", "--kubeconfig", config],
        env={"TMPDIR": str(unpacked)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        **as_nobody,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stderr
    assert "No StatefulSets found" in done.stderr
    assert list(unpacked.iterdir()) == []


def test_a_temporary_folder_that_may_not_be_written_is_passed_over(frozen: Frozen, tmp_path: Path) -> None:
    """Another one is taken: /tmp, /var/tmp."""
    assert "kubectl-pets" in frozen("--version", environ={"TMPDIR": str(tmp_path / "no-such-folder")}).stdout


def mounted(frozen: Frozen, *mounts: str) -> subprocess.CompletedProcess[str]:
    """Run it where only this run sees these mounts."""
    own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*own, "true"], capture_output=True, check=False).returncode != 0:
        pytest.fail("this machine lets nobody mount anything, not even for himself: `unshare --user --map-root-user --mount` is refused")
    script = " && ".join([*mounts, f"exec '{frozen.path}' --version"])
    return subprocess.run([*own, "sh", "-c", script], env={**os.environ, **frozen.environ}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("size", "code"), [("1m", 255), ("7m", 1)])
def test_a_full_temporary_folder_is_told(frozen: Frozen, size: str, code: int) -> None:
    """Full before Python is there, and when one of its libraries is unpacked."""
    done = mounted(frozen, f"mount -t tmpfs -o size={size} none '{frozen.unpacked}'")
    assert done.returncode == code
    assert "No space left on device" in done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr


def test_a_temporary_folder_that_programs_may_not_run_from_is_told(frozen: Frozen) -> None:
    done = mounted(frozen, f"mount -t tmpfs -o noexec none '{frozen.unpacked}'")
    assert done.returncode not in (0, 130)
    assert str(frozen.unpacked) in done.stderr and "failed to map segment" in done.stderr


def test_no_temporary_folder_at_all_is_told(frozen: Frozen, open_folder: Path) -> None:
    program = Path(shutil.copy(frozen.path, open_folder))
    if not str(open_folder).startswith("/tmp/"):
        pytest.fail("the test hides /tmp and looks for its own copy in it")
    kept = "/dev/shm"
    done = mounted(
        Frozen(program, open_folder / "unpacked"),
        f"mount -t tmpfs none {kept}",
        f"cp '{program}' {kept}/program",
        *(f"mount -t tmpfs -o ro none {folder}" for folder in ("/tmp", "/var/tmp")),
        f"cd /proc && exec {kept}/program --version",
    )
    assert done.returncode == 255
    assert "Could not create temporary directory" in done.stderr


class ExecPlugin:
    """A credential plugin that notes its library path and hands out the administrator's token."""

    def __init__(self, folder: Path, plane: ControlPlane) -> None:
        self._noted = folder / "noted"
        config = yaml.safe_load(plane.kubeconfig.read_text())
        credential = folder / "credential.json"
        token = config["users"][0]["user"]["token"]
        version = "client.authentication.k8s.io/v1"
        credential.write_text(f'{{"apiVersion": "{version}", "kind": "ExecCredential", "status": {{"token": "{token}"}}}}')
        script = folder / "plugin"
        script.write_text(f'#!/bin/sh\necho "${{LD_LIBRARY_PATH-unset}}" > {self._noted}\nexec /bin/cat {credential}\n')
        script.chmod(0o755)
        config["users"][0]["user"] = {"exec": {"apiVersion": version, "command": str(script), "interactiveMode": "Never"}}
        self.kubeconfig = folder / "config"
        self.kubeconfig.write_text(yaml.safe_dump(config))

    @property
    def noted(self) -> str:
        return self._noted.read_text().strip()


@pytest.mark.real
@pytest.mark.parametrize("path", [None, "/opt/their/lib"])
def test_credential_plugins_run_with_the_user_s_library_path(
    frozen: Frozen, controlplane: ControlPlane, tmp_path: Path, path: str | None
) -> None:
    plugin = ExecPlugin(tmp_path, controlplane)
    frozen("list", "-n", "default", "--kubeconfig", str(plugin.kubeconfig), environ={"LD_LIBRARY_PATH": path} if path else {})
    assert plugin.noted == (path or "unset")


def rewritten(plane: ControlPlane, folder: Path, **cluster: object) -> str:
    """A kubeconfig whose cluster has these entries; None takes one out."""
    config = yaml.safe_load(plane.kubeconfig.read_text())
    entry = config["clusters"][0]["cluster"]
    for key, value in cluster.items():
        entry.pop(key.replace("_", "-"), None)
        if value is not None:
            entry[key.replace("_", "-")] = value
    path = folder / "config"
    path.write_text(yaml.safe_dump(config))
    return str(path)


@pytest.mark.real
@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_through_a_proxy(frozen: Frozen, controlplane: ControlPlane, tmp_path: Path, scheme: str) -> None:
    with socks() if scheme == "socks5" else proxying() as proxy:
        config = rewritten(controlplane, tmp_path, proxy_url=f"{scheme}://127.0.0.1:{proxy.port}")
        frozen("list", "-n", "default", "--kubeconfig", config)
        assert proxy.asked


@pytest.mark.real
def test_with_the_authorities_of_the_machine(frozen: Frozen, controlplane: ControlPlane, tmp_path: Path) -> None:
    config = rewritten(controlplane, tmp_path, certificate_authority=None, certificate_authority_data=None)
    at = ("-n", "default", "--kubeconfig", config)
    assert "certificate" in frozen("list", *at, expect=1).stderr
    frozen("list", *at, environ={"SSL_CERT_FILE": str(controlplane.ca_file)})


@pytest.mark.real
def test_with_a_client_certificate(frozen: Frozen, controlplane: ControlPlane) -> None:
    config = controlplane.certificate_kubeconfig("packaging", ("system:masters",))
    frozen("list", "-n", "default", "--kubeconfig", str(config))


def test_a_server_with_an_international_name(frozen: Frozen) -> None:
    told = frozen("list", "-n", "default", "--server", "https://bücher.invalid", "--token", "t", expect=1).stderr
    assert "cannot reach" in told and "defect" not in told
