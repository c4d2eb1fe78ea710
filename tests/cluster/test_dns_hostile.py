"""DNS servers that lie, and what is made of it: never "right", never a control character, and an end in time.

Each answer is put to a healthy set whose one pod has the address 10.0.0.10, so what a server says of it is either exactly that or
told as something else.
"""

import struct
import time
import unicodedata
from collections.abc import Callable

import pytest

from kubectl_pets.cluster import Client
from kubectl_pets.domain.dns.diagnosing import diagnose
from kubectl_pets.domain.dns.names import expected, questions
from kubectl_pets.domain.dns.reasons import Diagnosis, NameVerdict
from kubectl_pets.domain.dns.zones import cluster_zone
from kubectl_pets.ports.dns import DnsWhere
from kubectl_pets.views.dns import documents, table
from tests.cluster.nameserver import Behaviour, Talk, nameserver
from tests.domain.dns.builders import NOW, network, pod

_ADDRESS = b"\x0a\x00\x00\x0a"
_ASKED = b"\xc0\x0c"
_A, _NS_SOA, _CNAME, _PTR, _TXT, _AAAA, _LOC, _SRV, _OPT, _RRSIG, _TSIG = 1, 6, 5, 12, 16, 28, 29, 33, 41, 46, 250

Reply = Callable[[bytes], bytes]


def label(*words: bytes) -> bytes:
    return b"".join(bytes([len(word)]) + word for word in words) + b"\0"


def record(kind: int, data: bytes, *, ttl: int = 5, owner: bytes = _ASKED, klass: int = 1, size: int | None = None) -> bytes:
    return owner + struct.pack(">HHIH", kind, klass, ttl, len(data) if size is None else size) + data


def message(
    query: bytes, *records: bytes, flags: int = 0x8580, number: int | None = None, question: bytes | None = None, counts: int | None = None,
    authority: bytes = b"",
) -> bytes:
    asked = query[12:] if question is None else question
    head = struct.unpack(">H", query[:2])[0] if number is None else number
    answers = len(records) if counts is None else counts
    return struct.pack(">6H", head, flags, bool(asked), answers, bool(authority), 0) + asked + b"".join(records) + authority


def another(query: bytes) -> bytes:
    return message(query, record(_A, _ADDRESS), question=label(b"evil") + b"\0\1\0\1")


def looped(query: bytes) -> bytes:
    return message(query, record(_A, _ADDRESS, owner=b"\xc0" + bytes([len(query)])))


REPLIES: dict[str, Reply] = {
    "compression that leads to itself": looped,
    "another id": lambda query: message(query, record(_A, _ADDRESS), number=54321),
    "the next question's id": lambda query: message(query, record(_A, _ADDRESS), number=(query[1] + 1) % 3),
    "a question and no answer": lambda query: message(query, record(_A, _ADDRESS), flags=0x0100),
    "another question": another,
    "a record of another name": lambda query: message(query, record(_A, _ADDRESS, owner=label(b"other", b"example"))),
    "records of another name for every type": lambda query: message(
        query, *(record(kind, data, owner=label(b"other")) for kind, data in ((_A, _ADDRESS), (_AAAA, bytes(16))))
    ),
    "an alias of control characters": lambda query: message(query, record(_CNAME, label(b"\x1b]52;c;Zm9v\x07", b"a\nb", b"\xe2\x80\xae"))),
    "an alias of itself": lambda query: message(query, record(_CNAME, query[12:-4]), record(_A, _ADDRESS, owner=label(b"x"))),
    "an alias of an alias, thousands of times": lambda query: message(
        query, record(_CNAME, label(b"0")), *(record(_CNAME, label(b"%d" % (n + 1)), owner=label(b"%d" % n)) for n in range(3000))
    ),
    "targets of control characters": lambda query: message(query, record(_SRV, struct.pack(">3H", 1, 1, 80) + label(b"\x1b[2J", b"\x9b31m"))),
    "names of control characters": lambda query: message(query, record(_PTR, label(b"\x1b[2J\r\n", b"$(id)"))),
    "thousands of addresses": lambda query: message(query, *(record(_A, struct.pack(">I", n)) for n in range(4000))),
    "a count that is a lie": lambda query: message(query, counts=65535),
    "the end is missing": lambda query: message(query)[:15],
    "one byte": lambda query: b"x",
    "nothing": lambda query: b"",
    "cut, without a record": lambda query: message(query, flags=0x8780),
    "cut, with the right address": lambda query: message(query, record(_A, _ADDRESS), flags=0x8780),
    "a code that there is not": lambda query: message(query, flags=0x858F),
    "refused, without the question": lambda query: message(query, flags=0x8585, question=b""),
    "no such name, with an address": lambda query: message(query, record(_A, _ADDRESS), flags=0x8583),
    "a length that is a lie": lambda query: message(query, record(_A, _ADDRESS, size=3)),
    "a start of authority that ends early": lambda query: message(query, flags=0x8583, authority=record(_NS_SOA, label(b"a") + b"\0\0")),
    "another class": lambda query: message(query, record(_A, _ADDRESS, klass=3)),
    "an address of sixteen bytes": lambda query: message(query, record(_A, b"\1" * 16)),
    "a signature of the transaction": lambda query: message(query, record(_TSIG, b"x" * 20)),
    "an option among the answers": lambda query: message(query, record(_OPT, b"")),
    "a signature of rubbish": lambda query: message(query, record(_RRSIG, b"\0\1" * 12)),
    "a type that nobody knows": lambda query: message(query, record(65535, b"\x1b[31m" * 1000)),
    "a place": lambda query: message(query, record(_LOC, b"\xff" * 16)),
    "text": lambda query: message(query, record(_TXT, b"\4\x1b[2J")),
}


def says(reply: Reply) -> Behaviour:
    def behave(talk: Talk) -> None:
        while True:
            talk.frame(reply(talk.wire()))

    return behave


def floods(talk: Talk) -> None:
    talk.wire()
    while True:
        talk.sock.sendall(b"\xff\xff" + bytes(65535))


def drips(talk: Talk) -> None:
    wire = message(talk.wire(), record(_A, _ADDRESS))
    for byte in len(wire).to_bytes(2, "big") + wire:
        talk.sock.sendall(bytes([byte]))
        time.sleep(0.2)


def silent(talk: Talk) -> None:
    while True:
        talk.wire()


def speaks_http(talk: Talk) -> None:
    talk.wire()
    talk.sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)


def hangs_up(talk: Talk) -> None:
    """At once."""


OTHERS: dict[str, Behaviour] = {"floods": floods, "drips": drips, "silent": silent, "HTTP": speaks_http, "hangs up": hangs_up}


def diagnosed(client: Client, behave: Behaviour, timeout: float = 1.0) -> Diagnosis:
    network_ = network(pod(0))
    wanted = expected(network_, cluster_zone())
    with nameserver(behave) as server, client.resolver(DnsWhere(server=server.address, timeout=timeout)) as resolver:
        hearings = resolver.ask(questions(wanted.names))
    return diagnose(network_, wanted, hearings, None, (), NOW)


def test_the_pod_s_own_address_is_right(client: Client) -> None:
    """What the others are measured by: the same server, honest in what it says of the pod."""

    def honest(query: bytes) -> bytes:
        kind = struct.unpack(">H", query[-4:-2])[0]
        return message(query, *([record(_A, _ADDRESS)] if kind == _A else []))

    assert diagnosed(client, says(honest)).lines[0].verdict is NameVerdict.RIGHT


@pytest.mark.parametrize("lie", [*REPLIES, *OTHERS])
def test_a_lie_is_never_right_and_never_printed_raw(client: Client, lie: str) -> None:
    behave = OTHERS.get(lie) or says(REPLIES[lie])
    began = time.monotonic()
    seen = diagnosed(client, behave)
    assert time.monotonic() - began < 8
    assert not seen.right and seen.lines[0].verdict is not NameVerdict.RIGHT
    told = "\n".join([table.table(seen, wide=True), table.total(seen), table.explain(seen, seen.lines[0]), documents.one(seen, "json")])
    assert [each for each in told if unicodedata.category(each) in ("Cc", "Cf", "Zl") and each != "\n"] == []
