"""DNS messages: questions to bytes, bytes to answers (RFC 1035, RFC 2308).

dnspython reads and writes them; its resolvers and transports are not used. Importing this loads it, so that is done only when
something is asked. There is no EDNS: over TCP answers have room enough, and nothing beyond the records is wanted.
"""

import struct
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Any

# The record types are looked up by name at run time; naming them here takes them into the executable, and no others.
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.PTR
import dns.rdtypes.ANY.SOA
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.rdtypes.IN.SRV
import dns.rrset

from kubectl_pets.domain.dns.answers import Answer, Outcome, Question, RecordType

#: Aliases that are followed, one after the other; CoreDNS and resolvers stop sooner.
_MOST_ALIASES = 16

#: Ids have 16 bits.
_MOST = 1 << 16

_OUTCOMES = {
    dns.rcode.NXDOMAIN: Outcome.NXDOMAIN,
    dns.rcode.SERVFAIL: Outcome.SERVFAIL,
}


class UnreadableMessageError(ConnectionError):
    """Not a DNS message, or not an answer to what was asked."""


class Queries:
    """Questions, each as a message with an id of its own. What cannot be a name in DNS (a label over 63 bytes) is left out.
    Several servers are asked the same messages, and mostly answer the same, byte for byte: that is read once."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self._questions: dict[int, Question] = {}
        #: By id, the last message that answered it, and what it says.
        self._read: dict[int, tuple[bytes, Answer]] = {}
        #: Framed for TCP, by id.
        self.framed: dict[int, bytes] = {}
        for question in list(dict.fromkeys(questions))[:_MOST]:
            number = len(self._questions)
            try:
                wire = _query(number, question)
            except (dns.exception.DNSException, ValueError):
                continue
            self._questions[number] = question
            self.framed[number] = len(wire).to_bytes(2, "big") + wire

    def answered(self, wire: bytes) -> tuple[int, Answer] | None:
        """The id and what the message says; None: it answers nothing that was asked. Raises UnreadableMessageError."""
        number = int.from_bytes(wire[:2], "big")
        before = self._read.get(number)
        if before is not None and before[0] == wire:
            return number, before[1]
        try:
            message = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError) as error:
            raise UnreadableMessageError(f"what it sent is not a DNS message ({type(error).__name__})") from None
        question = self._questions.get(message.id)
        if question is None or not message.flags & dns.flags.QR or not _echoes(message, question):
            return None
        answer = _answer(message, question)
        self._read[message.id] = wire, answer
        return message.id, answer

    def in_order(self, found: dict[int, Answer]) -> tuple[Answer, ...]:
        return tuple(found[number] for number in self._questions if number in found)

    def silent(self, numbers: Iterable[int], detail: str) -> dict[int, Answer]:
        """What stands for answers that did not come."""
        return {
            number: Answer(question=self._questions[number], outcome=Outcome.SILENT, detail=detail) for number in numbers
        }


def _query(number: int, question: Question) -> bytes:
    """A header, a name, a type and a class: put together here, since thousands of message objects would take longer than the
    server does. Recursion is asked for as every client's resolver does, so that the answer is the one that clients get."""
    head = struct.pack(">6H", number, dns.flags.RD, 1, 0, 0, 0)
    name = dns.name.from_text(question.name).to_wire()
    assert name is not None  # it is, only where it is written to a file
    return head + name + struct.pack(">2H", dns.rdatatype.from_text(question.type), dns.rdataclass.IN)


def _echoes(message: dns.message.Message, question: Question) -> bool:
    if not message.question:
        return message.rcode() != dns.rcode.NOERROR  # a refusal may leave it out
    asked = message.question[0]
    return _text(asked.name) == question.name and dns.rdatatype.to_text(asked.rdtype) == question.type


def _answer(message: dns.message.Message, question: Question) -> Answer:
    code = message.rcode()
    if code != dns.rcode.NOERROR:
        outcome, ttl = _OUTCOMES.get(code, Outcome.REFUSED), _negative_ttl(message)
        detail = dns.rcode.to_text(code) if outcome is Outcome.REFUSED else ""
        return Answer(question=question, outcome=outcome, ttl=ttl, detail=detail)
    truncated = bool(message.flags & dns.flags.TC)
    names = _names(message, question)
    own = [rrset for rrset in message.answer if _text(rrset.name) in names]
    records = {_record(data) for rrset in own if _is_of(rrset, question.type) for data in rrset}
    if records:
        ttl = min(int(rrset.ttl) for rrset in own)
        found = tuple(sorted(records))
        return Answer(question=question, outcome=Outcome.ANSWERED, records=found, ttl=ttl, truncated=truncated)
    strays = [_text(rrset.name) for rrset in message.answer if rrset not in own and _is_of(rrset, question.type)]
    if strays:
        return Answer(question=question, outcome=Outcome.MISDIRECTED, detail=f"a record of {strays[0]}", truncated=truncated)
    detail = f"an alias of {names[-1]}, which has none" if len(names) > 1 else ""
    ttl = _negative_ttl(message)
    return Answer(question=question, outcome=Outcome.NODATA, ttl=ttl, detail=detail, truncated=truncated)


def _is_of(rrset: dns.rrset.RRset, wanted: RecordType) -> bool:
    return rrset.rdclass == dns.rdataclass.IN and dns.rdatatype.to_text(rrset.rdtype) == wanted


def _names(message: dns.message.Message, question: Question) -> list[str]:
    """The name that was asked and those that it is an alias of, one after the other; records of others answer nothing
    (RFC 1034, 4.3.2)."""
    aliases = {
        _text(rrset.name): _text(data.target) for rrset in message.answer if rrset.rdtype == dns.rdatatype.CNAME for data in rrset
    }
    names = [question.name]
    while names[-1] in aliases and aliases[names[-1]] not in names and len(names) <= _MOST_ALIASES:
        names.append(aliases[names[-1]])
    return names


def _negative_ttl(message: dns.message.Message) -> int | None:
    """Seconds for which an answer that there is no such name may be cached (RFC 2308, 5); a cache counts the record's TTL
    down."""
    found = [min(int(rrset.ttl), int(rrset[0].minimum)) for rrset in message.authority if rrset.rdtype == dns.rdatatype.SOA]
    return min(found, default=None)


def _record(data: Any) -> str:
    if isinstance(data, dns.rdtypes.IN.A.A | dns.rdtypes.IN.AAAA.AAAA):
        return ip_address(data.address).compressed
    if isinstance(data, dns.rdtypes.IN.SRV.SRV):
        return f"{data.priority} {data.weight} {data.port} {_text(data.target)}"
    if isinstance(data, dns.rdtypes.ANY.PTR.PTR):
        return _text(data.target)
    return str(data)


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
