"""What can be said of a name: whether it resolves, the links that it takes, and why one of them does not hold.

Machine state only; the sentences live in the views. Subjects and details come from the cluster: untrusted text.
"""

from datetime import datetime
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.dns.answers import ClientView, Server, ServerAnswers
from kubectl_pets.domain.dns.comparing import Heard
from kubectl_pets.domain.dns.endpoints import EndpointEntry
from kubectl_pets.domain.dns.names import Name
from kubectl_pets.domain.dns.zones import Zone
from kubectl_pets.domain.sets.kinds import APPS_SET, SetKind


@unique
class Check(StrEnum):
    """The links of the chain from a pod to whoever asks for its name, in the order in which they are examined."""

    POD = "pod"
    SERVICE_NAME = "service-name"
    SERVICE = "service"
    HEADLESS = "headless"
    SELECTOR = "selector"
    IDENTITY = "identity"
    READY = "ready"
    FAMILY = "family"
    SLICE = "endpoint-slice"
    COREFILE = "corefile"
    SERVERS = "servers"
    CLIENT = "client"


@unique
class State(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    #: It could not be made, which is not the same as passed.
    SKIPPED = "skipped"


@unique
class LinkSkip(StrEnum):
    UNREADABLE = "unreadable"  #: ``Link.right`` is missing
    MOOT = "moot"  #: an earlier link has to hold first
    NOT_ASKED = "not-asked"  #: no server was asked, or no pod looked from
    UNDECIDED = "undecided"  #: what is known does not tell


@unique
class Reason(StrEnum):
    POD_ABSENT = "pod-absent"
    NAME_NO_LABEL = "name-no-label"  #: subject: a name that cannot be one label of a DNS name, so that no pod can be made
    LABEL_TOO_LONG = "label-too-long"  #: subject: the revision, which no label can hold, so that no pod can be made
    POD_OVER = "pod-over"  #: detail: its phase
    POD_TERMINATING = "pod-terminating"
    POD_WITHOUT_ADDRESS = "pod-without-address"
    SERVICE_NAME_EMPTY = "service-name-empty"
    SERVICE_MISSING = "service-missing"  #: subject: the service, detail: one that may be meant
    EXTERNAL_NAME = "external-name"  #: subject: the service, detail: what it stands for
    NOT_HEADLESS = "not-headless"  #: subject: the service, detail: its address
    SELECTOR_DIFFERS = "selector-differs"  #: subject: label wanted as "key=value", detail: what the pod has
    NO_SELECTOR = "no-selector"  #: the service's slices are written by hand, and miss the pod
    SUBDOMAIN_DIFFERS = "subdomain-differs"  #: subject: the service, detail: the pod's subdomain
    HOSTNAME_DIFFERS = "hostname-differs"  #: subject: the pod, detail: its hostname
    NOT_READY = "not-ready"  #: detail: why, in the pod's own words
    NOT_READY_DEADLOCK = "not-ready-deadlock"  #: as NOT_READY, and no pod of the set is Ready
    FAMILY_NOT_SERVED = "family-not-served"  #: subject: the service's families, detail: the pod's addresses
    SLICE_LACKS = "slice-lacks"  #: no slice holds this address of the pod yet; detail: the address
    SLICE_OLD = "slice-old"  #: a slice still holds the address of a pod that was there before; detail: the address
    SLICE_BY_HAND = "slice-by-hand"  #: a slice has the name for another address, of no pod; detail: the address
    SLICE_OF_OTHERS = "slice-of-others"  #: a slice that another controller (subject) keeps has the name for detail, an address
    NAME_SHARED = "name-shared"  #: another pod has this hostname and subdomain, too; subject: it, detail: its address
    SLICE_NOT_READY = "slice-not-ready"  #: the slice calls a Ready pod not ready; subject: the slice
    SLICE_NO_HOSTNAME = "slice-no-hostname"  #: subject: the slice
    HIDDEN_NAMESPACE = "hidden-namespace"  #: detail: the namespaces that are shown
    HIDDEN_LABELS = "hidden-labels"  #: detail: the selector that the service's labels miss
    HIDDEN_ENDPOINTS = "hidden-endpoints"  #: the option ``noendpoints``
    HIDDEN_ELSEWHERE = "hidden-elsewhere"  #: another server block answers; detail: its zone
    OTHER_ZONE = "other-zone"  #: subject: the zone asked in, detail: the Corefile's
    SERVER_SILENT = "server-silent"
    SERVERS_NOT_READY = "servers-not-ready"  #: what was asked answers, but no pod is led to it; subject: one of these DNS pods
    SERVER_FAILING = "server-failing"  #: detail: the response code
    NEGATIVE_CACHE = "negative-cache"
    STALE_ANSWER = "stale-answer"  #: subject: what its answer lacks, detail: what it has besides
    SERVER_BEHIND = "server-behind"  #: it denies what has been there for longer than denials are cached
    WRONG_ANSWER = "wrong-answer"  #: as STALE_ANSWER, and age does not explain it
    OTHER_OWNER = "other-owner"  #: it gave records of another name; detail: of which
    OVERRIDDEN = "overridden"  #: another plugin of the Corefile answers; subject: which, detail: its line
    TRUNCATED = "truncated"  #: the server cut its answer; subject: what is missing in it
    REPLICAS_DIFFER = "replicas-differ"
    CLIENT_NO_SEARCH = "client-no-search"  #: subject: the pod looked from, detail: its search list
    CLIENT_SEES_OTHER = "client-sees-other"  #: detail: what it sees
    # no fault by themselves
    OTHER_SERVICE = "other-service"  #: subject: another headless service over the same pods, which has no names for them
    HOST_NETWORK = "host-network"  #: the address is the node's
    WHO_ASKS = "who-asks"  #: the servers answer by who asks; subject: the plugin that has it so, detail: its line
    HAND_WRITTEN = "hand-written"  #: the service has no selector: somebody else keeps its slices
    PORT_UNNAMED = "port-unnamed"  #: no SRV records; detail: the port's number
    PORT_NOT_IN_POD = "port-not-in-pod"  #: subject: a pod without the port that the service's (detail) is called there
    POD_NAMES = "pod-names"  #: named by the Corefile's ``endpoint_pod_names``, not by its hostname
    NODE_DNS = "node-dns"  #: the pod itself asks its node's servers; detail: its dnsPolicy
    CLIENT_NDOTS = "client-ndots"  #: subject: the pod looked from, detail: its ndots
    NODE_CACHE_UNASKED = "node-cache-unasked"  #: NodeLocal DNSCache is in the cluster and was not asked; detail: its pods
    NODE_CACHES_ELSEWHERE = "node-caches-elsewhere"  #: it was asked through a pod (subject), on that node; detail: its pods
    NODE_CACHE = "node-cache"  #: NodeLocal DNS caches between the pod and the cluster's servers; detail: its address


class NameFinding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    reason: Reason
    subject: str = ""
    detail: str = ""
    #: The server that it is about, as ``label`` of it.
    server: str = ""
    #: When it passes by itself at the latest.
    until: datetime | None = None


class Link(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    check: Check
    state: State
    #: Why it failed; more than one where servers differ.
    findings: tuple[NameFinding, ...] = ()
    skip: LinkSkip | None = None
    #: (verb, resource), for UNREADABLE and NOT_ASKED where that is why.
    right: tuple[str, str] | None = None
    remarks: tuple[NameFinding, ...] = ()


@unique
class NameVerdict(StrEnum):
    RIGHT = "right"
    #: There is nothing to resolve, and nothing does: a set of no pods.
    ABSENT = "absent"
    MISSING = "missing"
    WRONG = "wrong"
    #: A server failed or was silent, the others are right; or all are, and none of them is Ready.
    FAILING = "failing"
    #: The servers are right, but a pod that was looked from does not see it.
    NOT_SEEN = "not-seen"
    #: No server was asked.
    NOT_RESOLVED = "not-resolved"
    #: What to expect could not be read.
    UNKNOWN = "unknown"


class NameLine(msgspec.Struct, frozen=True, kw_only=True):
    """One name and all that was found about it."""

    name: Name
    verdict: NameVerdict
    #: The first reason why it is not right.
    finding: NameFinding | None
    #: One a server, in the servers' order.
    heard: tuple[Heard, ...] = ()
    #: The whole chain, of pods only.
    links: tuple[Link, ...] = ()
    #: What the slices hold of it.
    entries: tuple[EndpointEntry, ...] | None = ()

    @property
    def right(self) -> bool:
        return self.verdict in (NameVerdict.RIGHT, NameVerdict.ABSENT)


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    kind: SetKind = APPS_SET
    namespace: str
    set: str
    #: spec.serviceName.
    service: str
    zone: Zone
    lines: tuple[NameLine, ...]
    servers: tuple[Server, ...] = ()
    hearings: tuple[ServerAnswers, ...] = ()
    views: tuple[ClientView, ...] = ()
    #: About the set as a whole.
    remarks: tuple[NameFinding, ...] = ()
    #: Rights without which something could not be read or asked.
    missing_rights: tuple[tuple[str, str], ...] = ()
    #: "NAMESPACE/NAME" of the ConfigMap with the Corefile that was read; empty: none was.
    config_map: str = ""
    #: At least one server answered something.
    resolved: bool = False

    @property
    def right(self) -> bool:
        """Everything that should resolve does, everywhere: each replica has a cache of its own, so what some answer tells
        nothing of one that may not be asked."""
        return self.right_where_asked and not self.unasked

    @property
    def right_where_asked(self) -> bool:
        return self.resolved and all(line.right for line in self.lines)

    @property
    def unasked(self) -> tuple[ServerAnswers, ...]:
        """Those that may not be asked, for want of a right."""
        return tuple(hearing for hearing in self.hearings if hearing.missing_right is not None)

    @property
    def unnamed(self) -> bool:
        """The set names no Service, so its pods have no names at all. That is legal (apps/v1: serviceName is optional), and lasts
        as long as the set (ValidateStatefulSetUpdate: it cannot be changed)."""
        return not self.service
