"""Questions for DNS servers, and what they answered. Values only: nothing here decides what an answer means.

Names are absolute, in lower case and without the dot at the end. That there is none is an answer, too: NXDOMAIN (no such
name), NODATA (the name exists, but has no record of that type), SERVFAIL and silence are told apart (RFC 2308, RFC 8020).
"""

from datetime import datetime
from enum import StrEnum, unique

import msgspec


@unique
class RecordType(StrEnum):
    A = "A"
    AAAA = "AAAA"
    SRV = "SRV"
    PTR = "PTR"


class Question(msgspec.Struct, frozen=True, order=True):
    name: str
    type: RecordType


@unique
class Outcome(StrEnum):
    ANSWERED = "answered"
    NODATA = "nodata"
    NXDOMAIN = "nxdomain"
    SERVFAIL = "servfail"
    #: REFUSED, NOTAUTH and every other code; ``Answer.detail`` names it.
    REFUSED = "refused"
    #: Records, but of another name than the one asked; ``Answer.detail`` names that.
    MISDIRECTED = "misdirected"
    #: Nothing came back in time, or the connection was cut.
    SILENT = "silent"


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One server's answer to one question."""

    question: Question
    outcome: Outcome
    #: Sorted. Addresses in canonical form; SRV as "PRIORITY WEIGHT PORT TARGET"; PTR targets. CNAMEs are followed by the server.
    records: tuple[str, ...] = ()
    #: Seconds for which this answer may still be cached: the least of its records' TTLs, or the SOA's of a negative answer.
    ttl: int | None = None
    #: The response code's name, or what cut the connection: untrusted text.
    detail: str = ""
    #: The server left records out for want of room (TC, RFC 1035 4.1.1), so these are not all.
    truncated: bool = False


class Server(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A DNS server: a replica behind the cluster's DNS service, or an address that somebody named."""

    name: str
    namespace: str = ""
    #: "" for a named address; else the pod's.
    node: str = ""
    #: Its pod is not Ready, so that no Service leads anybody there (kube-proxy: CategorizeEndpoints in pkg/proxy/topology.go).
    unready: bool = False


class ServerAnswers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that one server answered. ``trouble``: why it could not be asked (untrusted text); then ``answers`` is empty or cut
    short, and a question without an answer was not put or not heard: never "no such name"."""

    server: Server
    asked_at: datetime
    answers: tuple[Answer, ...] = ()
    trouble: str = ""
    #: The right that is missing for asking it, such as ("create", "pods/portforward").
    missing_right: tuple[str, str] | None = None

    def answer(self, question: Question) -> Answer | None:
        return next((answer for answer in self.answers if answer.question == question), None)


class ClientView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a pod sees: its resolv.conf, and what getent says there. None: could not be looked at."""

    pod: str
    resolv_conf: str | None = None
    #: Address lists by name as asked; a name that getent does not know has an empty one.
    getent: dict[str, tuple[str, ...]] = {}
    #: The command that looked them up. getent asks as programs do; nslookup does not search, or in its own way.
    tool: str = "getent"
    trouble: str = ""
