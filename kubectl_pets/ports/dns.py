"""What a flow may ask about names: what they come from, what DNS servers answer, what a pod sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from kubectl_pets.domain.dns.answers import ClientView, Question, ServerAnswers
    from kubectl_pets.domain.dns.corefile import CorefileText
    from kubectl_pets.domain.dns.network import Network
    from kubectl_pets.domain.sets.kinds import SetKind


class DnsWhere(msgspec.Struct, frozen=True, kw_only=True):
    """Which DNS servers to ask. All empty: the pods of the cluster's DNS."""

    server: str = ""  #: "ADDRESS[:PORT]" (IPv6 in brackets with a port): asked directly, DNS over TCP
    selector: str = ""  #: "NAMESPACE/LABELS": the DNS pods
    port: int = 0  #: of the DNS pods; 0: found out
    timeout: float = 5.0  #: seconds for each server, connecting and all answers together


class NetworkSource(Protocol):
    """One set and what its pods' names come from, kept up to date by watches. As SetViewSource. Once the set is deleted
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
        """Put all questions to every server, to several at the same time. One ServerAnswers a server, in the servers' order; one
        server's trouble is told in its ServerAnswers and never raised. The DNS pods are looked up each time, so replicas that
        come and go are followed. Empty: there are no DNS pods to ask. Where they may not be listed there is one ServerAnswers
        that says so (``missing_right`` ("list", "pods"); its server's name is the selector). Raises PetsError where the
        API server cannot be reached."""


class DnsPort(Protocol):
    """Names of a set's pods."""

    def network(self, namespace: str, name: str, kind: SetKind = ...) -> Network:
        """One set and all that its pods' names come from. Without ``kind``: of apps/v1. Raises NotFoundError where there is no
        such set."""

    def watch_network(self, namespace: str, name: str, kind: SetKind = ...) -> NetworkSource: ...

    def resolver(self, where: DnsWhere) -> Resolver:
        """Those who answer DNS questions. Raises UsageError for a server or selector that cannot be meant; connects to
        nobody before something is asked."""

    def corefile(self, where: DnsWhere = DnsWhere()) -> CorefileText | None:
        """The Corefile that the DNS pods use. None: not readable, or not there."""

    def node_cache(self) -> str:
        """"NAMESPACE/LABELS" of NodeLocal DNSCache's pods, which answer other pods before the cluster's DNS does and which a
        port-forward does not reach. Empty: there are none, or they may not be looked up."""

    def look_from(self, namespace: str, pod: str, names: Sequence[str]) -> ClientView:
        """What a pod sees, by commands run in its (default or first) container: its resolv.conf, and what getent says of
        each name. What cannot be looked at is told as the view's ``trouble``. Raises NotFoundError where there is no such
        pod."""
