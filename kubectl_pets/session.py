"""What one run of the program knows: where it is connected, how it talks, and what time it is.

Commands get a Session and nothing else from outside, so a test can hand them a fake cluster and a terminal of strings. The
client library is loaded only when ``cluster`` is first asked for: help, version and completion never pay for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from io import TextIOWrapper
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Literal, Protocol, TextIO

import msgspec

if TYPE_CHECKING:  # help, version and completion do without them
    from kubectl_pets.domain.changes import Change
    from kubectl_pets.domain.dns.answers import ClientView, Question, ServerAnswers
    from kubectl_pets.domain.dns.network import Network
    from kubectl_pets.domain.model import Inventory, PersistentVolumeClaim, SetView, StatefulSet
    from kubectl_pets.domain.orphans.inventory import ClaimInventory, PersistentVolume
    from kubectl_pets.domain.orphans.restoring import ClaimStep
    from kubectl_pets.domain.orphans.snapshots import Offer, Sighting
    from kubectl_pets.domain.rollout.history import History
    from kubectl_pets.domain.safety.budgets import Budget
    from kubectl_pets.domain.safety.nodes import Node, NodeState, VolumeAttachment
    from kubectl_pets.domain.scale.types import Surroundings


class ConnectionFlags(msgspec.Struct, frozen=True, kw_only=True):
    """kubectl's connection flags as typed; None or empty where not given. ``token`` is never shown."""

    kubeconfig: str | None = None
    context: str | None = None
    cluster: str | None = None
    user: str | None = None
    namespace: str | None = None
    server: str | None = None
    token: str | None = None
    as_user: str | None = None
    as_groups: tuple[str, ...] = ()
    as_uid: str | None = None
    request_timeout: float | None = None  #: seconds; None or 0: no limit of ours
    insecure_skip_tls_verify: bool = False
    certificate_authority: str | None = None
    tls_server_name: str | None = None


class DnsWhere(msgspec.Struct, frozen=True, kw_only=True):
    """Which DNS servers to ask. All empty: the pods of the cluster's DNS."""

    server: str = ""  #: "ADDRESS[:PORT]" (IPv6 in brackets with a port): asked directly, DNS over TCP
    selector: str = ""  #: "NAMESPACE/LABELS": the DNS pods
    timeout: float = 5.0  #: seconds for each server, connecting and all answers together


class SetViewSource(Protocol):
    """One StatefulSet, kept up to date by watches. Use as a context manager; closing ends its connections and threads."""

    def __enter__(self) -> "SetViewSource": ...
    def __exit__(self, *exc: object) -> None: ...

    def latest(self) -> SetView:
        """The newest snapshot that the watches have brought; never blocks. Raises PetsError if the watches gave up for good
        (a right was taken away, the credentials ran out)."""

    def wait(self, timeout: float | None) -> bool:
        """Block until something changed since ``latest`` was last asked, or ``timeout`` seconds are over. True: changed.
        Outages of the server are ridden out; interruptible by signals."""

    def refresh(self) -> SetView:
        """Read the set and its pods afresh from the API server (two requests), past every cache."""

    def trouble(self) -> str | None:
        """What keeps the watches from the server right now, in words for a status line; None when all is well."""


class InventorySource(Protocol):
    """Many StatefulSets, kept up to date by watches. As SnapshotSource."""

    def __enter__(self) -> "InventorySource": ...
    def __exit__(self, *exc: object) -> None: ...
    def latest(self) -> Inventory: ...
    def wait(self, timeout: float | None) -> bool: ...
    def trouble(self) -> str | None: ...


class NetworkSource(Protocol):
    """One set and what its pods' names come from, kept up to date by watches. As SnapshotSource. Once the set is deleted
    ``latest`` raises NotFoundError."""

    def __enter__(self) -> "NetworkSource": ...
    def __exit__(self, *exc: object) -> None: ...
    def latest(self) -> Network: ...
    def wait(self, timeout: float | None) -> bool: ...
    def trouble(self) -> str | None: ...


class Resolver(Protocol):
    """The DNS servers of one cluster, their connections kept open between questions. Use as a context manager."""

    def __enter__(self) -> "Resolver": ...
    def __exit__(self, *exc: object) -> None: ...

    def ask(self, questions: Sequence[Question]) -> tuple[ServerAnswers, ...]:
        """Put all questions to every server, to several at the same time. One Hearing a server, in the servers' order; one
        server's trouble is told in its Hearing and never raised. The DNS pods are looked up each time, so replicas that
        come and go are followed. Empty: there are no DNS pods to ask. Where they may not be listed there is one Hearing
        that says so (``missing_right`` ("list", "pods"); its server's name is the selector). Raises PetsError where the
        API server cannot be reached."""


class Ran(Protocol):
    """How a command in a pod ended. Its output is untrusted text."""

    @property
    def exit_code(self) -> int | None:
        """None: it could not be started; ``problem`` says why."""

    @property
    def stdout(self) -> str: ...
    @property
    def stderr(self) -> str: ...
    @property
    def problem(self) -> str: ...


class Cluster(Protocol):
    """What the verbs ask of a cluster. ``kubectl_pets.cluster.Client`` is the real one. Every method may raise PetsError."""

    @property
    def namespace(self) -> str:
        """The namespace of flags, context, or the pod this runs in; "default" at last."""

    def now(self) -> datetime:
        """The API server's clock (UTC), estimated from its last answer, because the cluster's timestamps are its own and the
        clock of a laptop may be off by minutes."""

    def set_view(self, namespace: str, name: str) -> SetView:
        """One set and what its selector matches. Raises NotFoundError where there is no such set."""

    def inventory(self, namespace: str | None, selector: str | None) -> Inventory:
        """All sets of a namespace (None: of all namespaces), narrowed by a label selector on the sets."""

    def history(self, namespace: str, name: str) -> History:
        """One set with its template and its revisions in full. Raises NotFoundError where there is no such set."""

    def budgets(self, namespace: str | None) -> tuple[Budget, ...] | None:
        """The PodDisruptionBudgets of a namespace (None: of all namespaces). None: may not be read."""

    def nodes(self) -> tuple[Node, ...] | None:
        """None: may not be read."""

    def node_state(self, name: str) -> NodeState:
        """Of one node. NodeState.UNKNOWN: may not be read."""

    def run_in(self, namespace: str, pod: str, command: Sequence[str], timeout: float) -> Ran:
        """Run a command, without a shell, in the pod's default container. ``timeout``: seconds; after it the command may go on,
        for there is no way to end it. Raises PetsError."""

    def get_from(self, namespace: str, pod: str, port: str, path: str, timeout: float) -> tuple[int, str]:
        """Status and body (its beginning; untrusted text) of GET ``path`` from the pod's ``port`` (name or number, "https:" in
        front of it for TLS), through the API server. Raises PetsError."""

    def attachments(self) -> tuple[VolumeAttachment, ...] | None:
        """Which volumes are attached to which nodes. None: may not be read."""

    def watch_set(self, namespace: str, name: str) -> SetViewSource: ...

    def watch_inventory(self, namespace: str | None, selector: str | None) -> InventorySource: ...

    def apply(self, change: Change, *, dry_run: bool = False) -> None:
        """Carry out one change; ``dry_run``: let the server judge it without keeping it. Raises ConflictError when what the
        change relies on is no longer true, NotFoundError when the object is gone. Waits out 429."""

    def missing_rights(self, namespace: str, needed: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Which of the (verb, resource) pairs this user lacks in the namespace, by SelfSubjectAccessReview.
        ``resource`` is "pods", "statefulsets.apps", "pods/portforward"; namespace empty: of the cluster.
        An API server that cannot say counts as allowed."""

    def claim_inventory(
        self, namespace: str | None, *, every_class: bool = False, progress: Callable[[str], None] = ...
    ) -> ClaimInventory:
        """All that claims are judged by (None: in the whole cluster), and no more of it than can change the class of a
        candidate, or with ``every_class`` of any claim. ``progress`` is told what is being read."""

    def selected_claims(self, namespace: str | None, selector: str) -> frozenset[tuple[str, str]]:
        """(namespace, name) of the claims that a label selector selects."""

    def claims(self, namespace: str) -> tuple[PersistentVolumeClaim, ...]: ...

    def volume(self, name: str) -> PersistentVolume | None:
        """None: there is none of that name."""

    def volumes(self) -> tuple[PersistentVolume, ...]: ...

    def carry_out(self, step: ClaimStep, *, dry_run: bool = False) -> None:
        """One step of a deletion or a restore; as ``apply``."""

    def snapshot_offer(self) -> Offer:
        """The VolumeSnapshotClasses, or that there are no such things as snapshots here."""

    def snapshot_seen(self, namespace: str, name: str) -> Sighting:
        """A VolumeSnapshot and the content that it is bound to. Raises ForbiddenError."""

    def mark_kept(self, claim: PersistentVolumeClaim, note: str | None) -> None:
        """Write the annotation that says that the claim stays, and why; None: remove it."""

    def network(self, namespace: str, name: str) -> Network:
        """One set and all that its pods' names come from. Raises NotFoundError where there is no such set."""

    def watch_network(self, namespace: str, name: str) -> NetworkSource: ...

    def resolver(self, where: DnsWhere) -> Resolver:
        """Those who answer DNS questions. Raises UsageError for a server or selector that cannot be meant; connects to
        nobody before something is asked."""

    def corefile(self, where: DnsWhere = DnsWhere()) -> str | None:
        """The Corefile that the DNS pods use (untrusted text). None: not readable, or not there."""

    def look_from(self, namespace: str, pod: str, names: Sequence[str]) -> ClientView:
        """What a pod sees, by commands run in its (default or first) container: its resolv.conf, and what getent says of
        each name. What cannot be looked at is told as the view's ``trouble``. Raises NotFoundError where there is no such
        pod."""

    def surroundings(self, owner: StatefulSet) -> Surroundings:
        """What scaling this set is judged by: claims, volumes, autoscalers. What may not be read is None."""

    def names(self, resource: str, namespace: str | None) -> tuple[str, ...]:
        """What the "namespaces", "statefulsets" or "persistentvolumeclaims" of a namespace (None: of the cluster) are called,
        and no more of them: for completion."""

    def stateful_set(self, namespace: str, name: str) -> StatefulSet:
        """The set alone, in one request. Raises NotFoundError."""

    def server_name(self) -> str:
        """Context and server in words, for questions and errors; holds no secret."""

    def close(self) -> None:
        """End its connections."""


class Terminal:
    """The three streams, and what may be done on them."""

    def __init__(self, stdin: TextIO, stdout: TextIO, stderr: TextIO, environ: "dict[str, str] | None" = None) -> None:
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        environ = environ or {}
        self.interactive = stdin.isatty() and stderr.isatty()
        #: Whether a line of stderr can be taken back.
        self.fleeting = stderr.isatty() and environ.get("TERM", "") != "dumb"
        self.live = stdout.isatty() and environ.get("TERM", "") != "dumb"
        self.colour = self.live and not environ.get("NO_COLOR")
        self._columns = environ.get("COLUMNS", "")

    @classmethod
    def real(cls) -> "Terminal":
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):  # a bare environment (LANG=C, a Windows pipe) must not spoil a picture
                stream.reconfigure(encoding="utf-8", errors="replace")
        return cls(sys.stdin, sys.stdout, sys.stderr, dict(os.environ))

    @property
    def width(self) -> int:
        """Columns to draw in; elsewhere than on a terminal nothing is cut short of 160."""
        if self._columns.isdigit() and int(self._columns) > 0:
            return int(self._columns)
        return get_terminal_size((160, 50)).columns if self.live else 160

    @property
    def limit(self) -> int | None:
        """Where lines that hold evidence are cut: nowhere but on a terminal."""
        return self.width if self.live or self._columns else None

    def passing(self, text: str) -> None:
        """What is being done right now, on a line of stderr that the next one replaces; nothing where stderr is no terminal."""
        if self.fleeting:
            self.stderr.write(f"\r\x1b[K{text}")
            self.stderr.flush()

    def agrees(self, question: str) -> bool:
        """Whether somebody sits there and says yes; anything else, or nobody there, is a no that says what to do."""
        if not self.interactive:
            self.tell(f"refused: {question}")
            self.tell("hint: there is no terminal to ask on; add -y to agree. Nothing was changed.")
            return False
        self.stderr.write(f"{question} [y/N] ")
        self.stderr.flush()
        if self.stdin.readline().strip().lower() in ("y", "yes"):
            return True
        self.tell("refused: nothing was changed")
        return False

    def types(self, question: str, word: str) -> bool:
        """Whether somebody sits there and types ``word``, for what a plain yes, or a flag, is not enough for."""
        if not self.interactive:
            self.tell(f"refused: {question}")
            self.tell("hint: this takes somebody at a terminal who knows; no flag stands in for that. Nothing was changed.")
            return False
        self.stderr.write(f"{question} ")
        self.stderr.flush()
        if self.stdin.readline().strip() == word:
            return True
        self.tell("refused: that is not what was asked for; nothing was changed")
        return False

    def print(self, text: str) -> None:
        """Data, to stdout."""
        self.stdout.write(text if text.endswith("\n") else text + "\n")
        self.stdout.flush()

    def tell(self, text: str) -> None:
        """Talk, to stderr."""
        self.stderr.write(text + "\n")
        self.stderr.flush()


class Session:
    """One run. ``connect`` is called at most once, when the cluster is first needed."""

    def __init__(self, *, terminal: Terminal, connect: Callable[[ConnectionFlags], Cluster] | None = None) -> None:
        self.terminal = terminal
        self.flags = ConnectionFlags()
        self.verbose = False
        self._connect = connect

    @cached_property
    def cluster(self) -> Cluster:
        if self._connect is not None:
            return self._connect(self.flags)
        from kubectl_pets.cluster import connect

        return connect(self.flags)

    def close(self) -> None:
        """Give back what the run took from outside; safe to call when nothing was."""
        if "cluster" in self.__dict__:
            self.cluster.close()

    @property
    def namespace(self) -> str:
        return self.flags.namespace or self.cluster.namespace

    def configured(self, part: Literal["contexts", "clusters", "users"]) -> tuple[str, ...]:
        """What the contexts, clusters or users of the kubeconfig are called; asks no server. Raises ConfigError."""
        from kubectl_pets.cluster.access.kubeconfig import load

        return tuple(getattr(load(self.flags.kubeconfig, os.environ), part))

    def now(self) -> datetime:
        return self.cluster.now()
