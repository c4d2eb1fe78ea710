"""Where one run keeps its files, and what its processes have told about themselves.

The directory is the only thing that the owner, the supervisor and other processes (test workers, a demo) share, so its
layout is written down once, here.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.controlplane.credentials import Credentials
from tests.controlplane.recipes import DEFAULT_VERSION

SERVERS = ("etcd", "kube-apiserver")
CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kwok")
ALL_COMPONENTS = (*SERVERS, *CONTROLLERS)

TEMPORARY_PREFIX = "kubectl-pets-controlplane-"


@dataclass(frozen=True)
class Plan:
    """What a supervisor is asked to run; written once, before it starts."""

    binaries: Mapping[str, str]
    version: str = DEFAULT_VERSION
    components: tuple[str, ...] = ALL_COMPONENTS
    nodes: int = 3
    keep: bool = False


@dataclass(frozen=True)
class State:
    """What the supervisor last said: its phase (starting, ready, failed, ended) and its processes."""

    phase: str
    message: str
    supervisor: int
    ports: Mapping[str, int] = field(default_factory=dict)
    pids: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """The files under one run's directory."""

    directory: Path

    @property
    def plan_file(self) -> Path:
        return self.directory / "plan.json"

    @property
    def state_file(self) -> Path:
        return self.directory / "state.json"

    @property
    def lock_file(self) -> Path:
        """Held by the supervisor while it lives, however it ends."""
        return self.directory / "lock"

    @property
    def orders(self) -> Path:
        """A named pipe: a line in it is an order to the supervisor, such as `stop kube-apiserver`."""
        return self.directory / "orders"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    @property
    def audit_log(self) -> Path:
        return self.logs / "audit.jsonl"

    @property
    def kubeconfigs(self) -> Path:
        return self.directory / "kubeconfigs"

    @property
    def etcd_data(self) -> Path:
        return self.directory / "etcd"

    @property
    def guests(self) -> Path:
        """What the supervisor is to run beside the components: a JSON file each with `command`, `port` and `grace`."""
        return self.directory / "guests"

    @property
    def home(self) -> Path:
        """The components' home, for some read settings from there and must not read the user's."""
        return self.directory / "home"

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.directory / "credentials")

    def log(self, component: str) -> Path:
        return self.logs / f"{component}.log"

    def create(self, plan: Plan) -> None:
        self.logs.mkdir()
        self.kubeconfigs.mkdir()
        self.home.mkdir()
        self.guests.mkdir()
        self.credentials.create()
        os.mkfifo(self.orders, 0o600)
        self.lock_file.touch()
        write(self.plan_file, asdict(plan))

    def plan(self) -> Plan:
        raw = json.loads(self.plan_file.read_text(encoding="utf-8"))
        return Plan(**{**raw, "components": tuple(raw["components"])})

    def state(self) -> State | None:
        """The supervisor's last words; None before its first and after its directory is gone."""
        try:
            return State(**json.loads(self.state_file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def is_supervised(self) -> bool:
        try:
            with self.lock_file.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def log_tail(self, component: str, lines: int = 15) -> str:
        """The end of a component's log, without the stack traces' bulk."""
        try:
            text = self.log(component).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return "(no log)"
        return "\n".join(line[:400] for line in text.splitlines()[-lines:]) or "(empty log)"


def write(path: Path, value: Mapping[str, Any]) -> None:
    """Replace a JSON file in one step: readers in other processes see the old one or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(value, indent=1), encoding="utf-8")
    draft.replace(path)


def state_root() -> Path:
    """The folder of the control planes that `up` starts."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "kubectl-pets" / "controlplane"


def temporary_runs() -> Iterable[Path]:
    """The directories of test runs, past and present."""
    return Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*")
