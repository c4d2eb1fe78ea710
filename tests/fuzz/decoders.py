"""The table of decoders: what each is given, which errors it may raise, and what its values are held against.

Each check raises ``Wrong`` where a value is not what the input says, as an independent reader has it (Python's json, the bytes
themselves); an error of another type than documented fails by itself.
"""

from __future__ import annotations

import json
import random
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, localcontext
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Any
from unittest import mock

import click
import msgspec
import yaml

from kubectl_pets.cleaning import clean
from kubectl_pets.cli import names, options
from kubectl_pets.cluster.access import kubeconfig, kuberc, oidc, plugins
from kubectl_pets.cluster.access.goyaml import GoYamlError, first_document
from kubectl_pets.cluster.dns.messages import Queries, UnreadableMessageError
from kubectl_pets.cluster.http import failures, proxies, roots, transport
from kubectl_pets.cluster.http.clock import ServerClock
from kubectl_pets.cluster.http.credentials import Credential, Fixed
from kubectl_pets.cluster.http.failures import Attempt
from kubectl_pets.cluster.http.target import Target
from kubectl_pets.cluster.http.transport import Transport
from kubectl_pets.cluster.http.websocket import WebSocket
from kubectl_pets.cluster.objects import pieces
from kubectl_pets.cluster.objects.discovery import Discovery
from kubectl_pets.cluster.objects.kinds import CLAIMS, PODS, REVISIONS, SETS, ResourceKind, pruned
from kubectl_pets.cluster.objects.lists import UNINTELLIGIBLE, Reader, Scope
from kubectl_pets.cluster.objects.store import Board
from kubectl_pets.cluster.objects.watches import Follower
from kubectl_pets.cluster.pods import execute, getent
from kubectl_pets.cluster.topics.claims import VOLUMES
from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.dns.answers import Outcome, Question, RecordType
from kubectl_pets.domain.dns.corefile import read_corefile, read_settings, selects
from kubectl_pets.domain.model import Object, ObjectMeta, Pod, StatefulSet
from kubectl_pets.domain.orphans import reach, retention
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.rollout.managers import managers
from kubectl_pets.domain.sets.kept import KEPT_ANNOTATION, kept_template
from kubectl_pets.domain.sets.reserved import DELETE_SLOTS_ANNOTATION, reserved_ordinals
from kubectl_pets.errors import ConfigError, CredentialPluginError, PetsError, UsageError
from kubectl_pets.flows.orphans import records
from tests.fuzz import seeds
from tests.fuzz.mutate import cut


class Wrong(AssertionError):
    """A value that the input does not give."""


Check = Callable[[bytes, random.Random, Path], None]


@dataclass(frozen=True)
class Decoder:
    """``check`` decodes an input; ``errors`` are those that the decoder documents."""

    name: str
    seeds: Callable[[], tuple[bytes, ...]]
    check: Check
    errors: tuple[type[Exception], ...] = ()


def truth(data: bytes) -> Any:
    """A JSON document as Python's own reader has it; ``...`` where it is nested too deep for that one. Raises ValueError."""

    def number(text: str) -> Any:
        return int(text) if len(text) < 4000 else float("inf")

    def no(text: str) -> Any:
        raise ValueError(text)

    try:
        return json.loads(data.decode("utf-8", "surrogateescape"), strict=False, parse_int=number, parse_constant=no)
    except RecursionError:
        return ...


def expect(holds: bool, what: str) -> None:
    if not holds:
        raise Wrong(what)


# --- lists, objects, watches -------------------------------------------------------------------------------------------------


def _page(kind: ResourceKind[Any], data: bytes, rng: random.Random, folder: Path) -> None:
    page = kind.page(data)
    try:
        whole = truth(data)
    except ValueError as error:
        raise Wrong(f"a list of {len(page.objects)} out of what is no JSON: {error}") from None
    if whole is ...:
        return
    expect(isinstance(whole, dict) and whole.get("kind") == f"{kind.kind}List" and whole.get("apiVersion") == kind.api_version, "a list of another kind")
    expect("items" in whole, "a list without items")
    items = whole["items"] or []
    _same_items(kind, page.objects, items)
    expect(page.metadata.continue_ == ((whole.get("metadata") or {}).get("continue") or ""), "where it goes on")


def _same_items(kind: ResourceKind[Any], found: tuple[Any, ...], items: list[Any]) -> None:
    if kind is REVISIONS:  # those that cannot be read are left out
        known = [(item.get("metadata") or {}).get("name") for item in items if isinstance(item, dict)]
        expect(all(each.name in known for each in found) and len(found) <= len(items), "another revision")
        return
    expect(len(found) == len(items), f"{len(found)} objects of {len(items)}")
    for each, item in zip(found, items):
        _same(each, item)


def _same(each: Object, item: Any) -> None:
    """Name, uid, version and labels, and of a set its replicas, of a pod its phase: as the input has them, or the default for a null."""
    meta = item.get("metadata") or {}
    expect(each.metadata.name == meta.get("name"), f"the name {each.metadata.name!r}")
    expect(each.metadata.uid == (meta.get("uid") or ""), "the uid")
    expect(each.metadata.resource_version == (meta.get("resourceVersion") or ""), "the version")
    if each.unreadable:
        return
    labels = {key: value for key, value in (meta.get("labels") or {}).items() if value is not None}
    expect(each.metadata.labels == labels, "the labels")
    if isinstance(each, StatefulSet) and (replicas := (item.get("spec") or {}).get("replicas")) is not None:
        expect(each.spec.replicas == replicas, "the replicas")
    if isinstance(each, Pod) and (phase := (item.get("status") or {}).get("phase")) is not None:
        expect(each.status.phase == phase, "the phase")


def _cut_page(kind: ResourceKind[Any], data: bytes, rng: random.Random, folder: Path) -> None:
    """Whatever was mutated: a list that ends before its end is none."""
    try:
        kind.page(data)
    except UNINTELLIGIBLE:
        return
    short = cut(data.rstrip(), rng)
    try:
        found = kind.page(short)
    except UNINTELLIGIBLE:
        return
    raise Wrong(f"a list of {len(found.objects)} from {len(short)} of {len(data)} bytes")


def _object(kind: ResourceKind[Any], data: bytes, rng: random.Random, folder: Path) -> None:
    found = kind.any(data)
    whole = truth(data)
    if whole is not ...:
        expect(whole.get("kind") == kind.kind and whole.get("apiVersion") == kind.api_version, "an object of another kind")
        _same(found, whole)


class _Pages:
    """Answers with the pages of a list, one mutated, and says how often it was asked."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self._pages, self.asked = pages, 0

    def send(self, request: transport.Request, exchange: object = None) -> bytes:
        self.asked += 1
        expect(self.asked < 50, "a list without end")
        query = dict(request.query)
        return self._pages.get(query.get("continue", ""), self._pages[""])


def _listing(data: bytes, rng: random.Random, folder: Path) -> None:
    """In pages of which one is mutated: all objects of the pages as they follow each other, or an error."""
    pods = seeds.objects("Pod")
    pages = {"": seeds.listed("Pod", "v1", pods[:3], "b"), "b": seeds.listed("Pod", "v1", pods[3:6], "c"), "c": seeds.listed("Pod", "v1", pods[6:8])}
    pages[rng.choice(tuple(pages))] = data
    found = Reader(_Pages(pages)).listing(PODS, Scope(namespace=None), unreadable=True)  # type: ignore[arg-type]
    wanted, at, seen = [], "", set()
    while at not in seen:
        seen.add(at)
        whole = truth(pages.get(at, pages[""]))
        if whole is ...:
            return
        wanted += [item["metadata"]["name"] for item in whole["items"] or []]
        at = (whole.get("metadata") or {}).get("continue") or ""
        if not at:
            break
    expect([item.name for item in found.items] == wanted, "other objects than the pages have")


def _pieces(data: bytes, rng: random.Random, folder: Path) -> None:
    """Cut while it arrives, a list is what it is when it is decoded whole, or an error, too. A key that stands twice is not looked
    at: the last one counts in a whole list, and no server sends that."""
    portions = [data[at:at + 97] for at in range(0, len(data), 97)]
    try:
        found = [item for page in pieces.cut(portions, PODS.page, rng.choice((200, 2000))) for item in page.objects]
    except UNINTELLIGIBLE:
        found = None
    if data.count(b'"items"') > 1 or data.count(b'"kind":"PodList"') > 1:
        return
    try:
        whole = list(PODS.page(data).objects)
    except UNINTELLIGIBLE:
        whole = None
    expect(found == whole, "another list than in one piece")


def _event(data: bytes, rng: random.Random, folder: Path) -> None:
    follower = Follower(PODS, Scope(namespace=None), Board(), Reader(None), None, unreadable=True)  # type: ignore[arg-type]
    type, item, version = follower._decoded(data, Attempt("watch", "pods"))
    whole = truth(data)
    if whole is ...:
        return
    expect(whole.get("type") == type and type in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK"), f"an event {type}")
    if item is None:
        expect(type == "BOOKMARK" and version == ((whole["object"].get("metadata") or {}).get("resourceVersion") or ""), "a bookmark")
    else:
        _same(item, whole["object"])
        expect(version == item.metadata.resource_version, "the version of the event")


class _Chunks:
    """A body that comes in pieces."""

    def __init__(self, data: bytes, rng: random.Random) -> None:
        self._data, self._rng = data, rng

    def read1(self, most: int) -> bytes:
        size = self._rng.choice((1, 3, 50, most))
        piece, self._data = self._data[:size], self._data[size:]
        return piece


def _lines(data: bytes, rng: random.Random, folder: Path) -> None:
    """However a watch is cut into pieces, its lines are the same, and what no line feed ends is none."""
    found = [line for lines in transport._split(_Chunks(data, rng)) for line in lines]  # type: ignore[arg-type]
    expect(found == data.split(b"\n")[:-1], "other lines")


def _pruned(data: bytes, rng: random.Random, folder: Path) -> None:
    """What is not deep stays as it is, and what is left can be decoded where the whole could."""
    short = pruned(data)
    with suppress(ValueError):
        whole = truth(data)
        if whole is not ...:
            left = truth(short)
            expect(left is not ... and (left == whole or b"null" in short), "something else")


@contextmanager
def _raw_server(answer: bytes) -> Iterator[str]:
    """Says these bytes to whoever comes, whatever is asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        connection.settimeout(5)
                        connection.recv(1 << 16)
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _framed(data: bytes, rng: random.Random, folder: Path) -> None:
    """A whole list in an answer whose head is mutated: that list, or an error."""
    body = seeds.listed("Pod", "v1", seeds.objects("Pod")[:4])
    head, _, rest = data.partition(b"\r\n\r\n")
    with mock.patch.object(transport, "_PAUSES", ()), mock.patch.object(transport, "_THROTTLED", 0.0), _raw_server(head + b"\r\n\r\n" + rest) as url:
        sender = Transport(Target(server=url, name="here", request_timeout=5.0), Fixed(Credential()))
        try:
            found = Reader(sender).listing(PODS, Scope(namespace=None), unreadable=True)
        finally:
            sender.close()
    if body in data:
        expect([item.name for item in found.items] == [item["metadata"]["name"] for item in truth(body)["items"]], "another list")


def _heads() -> tuple[bytes, ...]:
    body = seeds.listed("Pod", "v1", seeds.objects("Pod")[:4])
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    half = len(body) // 2
    return (
        head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
        head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (half, body[:half], len(body) - half, body[half:]),
        head + b"Connection: close\r\n\r\n" + body,
    )


# --- other JSON --------------------------------------------------------------------------------------------------------------


def _status(data: bytes, rng: random.Random, folder: Path) -> None:
    found = failures.status_of(data)
    error = failures.from_status(found.code, found, Attempt("get", "pods"))
    expect(error.message.isprintable(), "a message that is not cleaned")


class _Said:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def send(self, request: transport.Request, exchange: object = None) -> bytes:
        return self._data


def _discovery(data: bytes, rng: random.Random, folder: Path) -> None:
    found = Discovery(Reader(_Said(data))).set_kinds()  # type: ignore[arg-type]
    expect(all(kind.group.encode() in data for kind in found or ()), "kinds out of nothing")


def _record(data: bytes, rng: random.Random, folder: Path) -> None:
    path = folder / "record.json"
    path.write_bytes(data)
    found = records.load(path)
    whole = truth(data)
    if whole is not ...:
        expect(whole["kind"] == "OrphanRecord" if "kind" in whole else True, "a record of another kind")
        wanted = [((each["claim"].get("metadata") or {}).get("name") or "", each["volume"]) for each in whole["deletions"]]
        expect([(each.claim.name, each.volume) for each in found] == wanted, "other claims")


def _annotations(data: bytes, rng: random.Random, folder: Path) -> None:
    """They never end anything, whoever wrote them."""
    text = data.decode("utf-8", "replace")
    notes = {key: text for key in (*retention.NOTES, DELETE_SLOTS_ANNOTATION, reach.ORIGINAL_REPLICAS_ANNOTATION, reach.LAST_APPLIED_ANNOTATION)}
    volume = msgspec.json.decode(json.dumps(seeds.VOLUME).encode(), type=PersistentVolume)
    volume = msgspec.structs.replace(volume, metadata=ObjectMeta(name="pvc-1", annotations=notes))
    found = retention.retained_at(volume)
    expect(found is None or found.tzinfo is not None, "a time that is no moment")
    claim = retention.noted(volume)
    expect(claim is None or claim.name in text, "another claim")
    retention.known_policy(notes)
    owner = StatefulSet(metadata=ObjectMeta(name="web", namespace="x", annotations=notes))
    reserved_ordinals(owner)
    reach.remembered(owner)
    managers(owner)


# --- kubeconfig, kuberc, plugins ---------------------------------------------------------------------------------------------


def _kept(data: bytes, rng: random.Random, folder: Path) -> None:
    text = data.decode("utf-8", "replace")
    found = kept_template({KEPT_ANNOTATION: text}, "uid-of-llm")
    if found is not None:
        plain = truth(text.encode())
        expect(found.uid == "uid-of-llm" == plain["uid"] and found.key == plain["key"] != "", "it is of another set")
        expect(bool(found.spec["leaderWorkerTemplate"]) and found.spec == plain["spec"], "another template")


def _yaml(data: bytes, rng: random.Random, folder: Path) -> None:
    found = first_document(data)
    if b"<<" in data or b"*" in data or b"!" in data:
        return
    try:
        plain = next(iter(yaml.load_all(data, Loader=yaml.BaseLoader)), None)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return  # PyYAML's own reader takes less, or reads ahead
    _same_shape(found, plain)


def _same_shape(found: Any, plain: Any) -> None:
    left = [(found, plain)]
    while left:
        ours, theirs = left.pop()
        if isinstance(theirs, list):
            expect(isinstance(ours, list) and len(ours) == len(theirs), "another list")
            left += zip(ours, theirs)
        elif isinstance(theirs, dict):
            expect(isinstance(ours, dict) and len(ours) <= len(theirs), "another mapping")
            left += ((ours[key], theirs[key]) for key in theirs if key in ours and len(ours) == len(theirs))
        elif isinstance(ours, str):
            expect(ours == theirs, f"the text {ours!r} for {theirs!r}")
        else:
            expect(not isinstance(ours, dict | list), "a structure for a word")


def _kubeconfig(data: bytes, rng: random.Random, folder: Path) -> None:
    path = folder / "kubeconfig"
    path.write_bytes(data)
    found = kubeconfig.load(str(path), {})
    for user in found.users.values():
        expect(user.token is None or isinstance(user.token, str), "a token that is no text")
    for cluster in found.clusters.values():
        authority = cluster.certificate_authority_data
        expect(authority is None or isinstance(authority, bytes), "an authority that is no bytes")


def _kuberc(data: bytes, rng: random.Random, folder: Path) -> None:
    """A policy that can be read is obeyed or an error, and never everything is allowed instead."""
    path = folder / "kuberc"
    path.write_bytes(data)
    found = kuberc.load(str(path), {"HOME": str(folder)}, lambda line: None)
    if b"---" in data:
        return
    with suppress(yaml.YAMLError, ValueError, RecursionError, TypeError):
        plain = yaml.load(data, Loader=yaml.BaseLoader)
        if isinstance(plain, dict) and plain.get("apiVersion") == "kubectl.config.k8s.io/v1beta1":
            policy = plain.get("credentialPluginPolicy", "")
            expect(policy not in ("DenyAll", "Allowlist") or found.allowed is not None, "everything is allowed")


def _credential(data: bytes, rng: random.Random, folder: Path) -> None:
    spec = kubeconfig.ExecPlugin(api_version="client.authentication.k8s.io/v1", command="login")
    found = plugins.Plugin(spec, {}, {})._parsed(data)
    if data.lstrip().startswith(b"{"):
        whole = truth(data)
        if whole is not ...:
            expect((whole["status"].get("token") or None) == (found.token or None), "another token")


def _id_token(data: bytes, rng: random.Random, folder: Path) -> None:
    text = data.decode("utf-8", "surrogateescape")
    expect(oidc.id_token({"id-token": text}) == text, "another token")


def _authority(data: bytes, rng: random.Random, folder: Path) -> None:
    for each in roots._certificates(data):
        expect(bool(each), "a certificate of nothing")


def _proxy(data: bytes, rng: random.Random, folder: Path) -> None:
    text = data.decode("utf-8", "replace")
    proxies.proxy_for("https://10.0.0.1:6443", None, {"HTTPS_PROXY": "http://proxy.example.org", "NO_PROXY": text})
    proxies.proxy_for("https://10.0.0.1:6443", text or None, {})
    failures.shown_url(text)


# --- DNS ---------------------------------------------------------------------------------------------------------------------


def _dns(data: bytes, rng: random.Random, folder: Path) -> None:
    found = Queries([Question(seeds.ASKED[0], RecordType.A)]).answered(data)
    if found is None:
        return
    number, answer = found
    expect(data[:2] == number.to_bytes(2, "big") and bool(data[2] & 0x80), "an answer to something else")
    if answer.outcome is Outcome.ANSWERED:
        expect(data[3] & 0x0F == 0, "records of a failure")
        expect(all(ip_address(record).packed in data for record in answer.records), "an address that is not in it")


def _corefile(data: bytes, rng: random.Random, folder: Path) -> None:
    text = data.decode("utf-8", "replace")
    for settings in read_settings(text):
        expect(settings.ttl >= 0 and settings.longest_denial >= 0, "a time below zero")
        settings.elsewhere_for(seeds.ASKED[0])
    read_corefile(text, "cluster.local")


def _addresses(data: bytes, rng: random.Random, folder: Path) -> None:
    text = data.decode("utf-8", "replace")
    for way in (("getent", "ahosts"), ("nslookup",)):
        for address in getent._addresses(way, text):
            expect(ip_address(address).compressed == address, "no address")


# --- pods --------------------------------------------------------------------------------------------------------------------


class _Wire:
    """A connection that has these bytes to say, and takes whatever is sent."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.connection = self
        self._original_response = self
        self.fp = self.sock = self

    def read1(self, size: int) -> bytes:
        piece, self._data = self._data[:size], self._data[size:]
        return piece

    def sendall(self, data: bytes) -> None:
        pass

    def settimeout(self, seconds: float) -> None:
        pass

    def close(self) -> None:
        pass


def _frames(data: bytes, rng: random.Random, folder: Path) -> None:
    opened = WebSocket(_Wire(data))
    try:
        outputs, _ = execute._outputs(opened, monotonic() + 60)
    finally:
        opened.close()
    expect(sum(map(len, outputs.values())) <= len(data), "more than came")


def _ending(data: bytes, rng: random.Random, folder: Path) -> None:
    code, problem = execute._ended(data)
    expect(code != 0 or b"Success" in data or b"u" in data or b"exit code 0" in data, "a success that nobody told")
    expect(problem.isprintable(), "a problem that is not cleaned")


# --- words -------------------------------------------------------------------------------------------------------------------


def _retry_after(data: bytes, rng: random.Random, folder: Path) -> None:
    text = data.decode("latin-1")
    for date in ("Thu, 26 Nov 2026 09:20:04 GMT", "", text):
        found = failures.retry_after({"Retry-After": text, "Date": date})
        expect(found is None or found >= 0, f"{found} seconds")
    clock = ServerClock()
    clock.learn(text, 1.0, 2.0)
    clock.now()


def _quantity(data: bytes, rng: random.Random, folder: Path) -> None:
    text = data.decode("utf-8", "replace")
    found = parse_bytes(text)
    plain = re.fullmatch(r"([0-9]{1,40})(Ki|Mi|Gi|k|M|G|)", text)
    if plain is None or not text.isascii():
        expect(found is None or found >= 0, "less than nothing")
        return
    scale = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "k": 10**3, "M": 10**6, "G": 10**9, "": 1}[plain[2]]
    with localcontext() as context:
        context.prec = 100
        expect(found == int((Decimal(plain[1]) * scale).to_integral_value(ROUND_CEILING)), f"{found} bytes")


def _selector(data: bytes, rng: random.Random, folder: Path) -> None:
    text = data.decode("utf-8", "replace")
    found = selects(text, {"app": "web", "tier": "db"})
    if text == "app=web":
        expect(found is True, "does not select")
    if re.fullmatch(r"app\s*=\s*[a-v]+", text):
        expect(found is False, "selects another one")


def _flags(data: bytes, rng: random.Random, folder: Path) -> None:
    text = data.decode("utf-8", "replace")
    for kind in (options.Duration(), options.Age(), options.PatienceValue(), options.Pods(), options.PartitionValue(), options.ImageValue()):
        with suppress(click.UsageError):
            kind.convert(text, None, None)
    with suppress(UsageError, click.UsageError):
        named = names.parse(text, names.CLAIM)
        expect(named.name in text, "another name")
    for resource in (PODS, SETS):
        with suppress(UsageError):
            path = resource.path(text, text)
            expect(re.fullmatch(r"[a-z0-9/.-]+", path) is not None and ".." not in path, f"the path {path}")


def _cleaned(data: bytes, rng: random.Random, folder: Path) -> None:
    text = data.decode("utf-8", "surrogateescape")
    shown = clean(text, 80)
    expect(len(shown) <= 80 and (shown.isprintable()), f"{shown!r} is shown")
    expect(shown.encode() is not None, "what no stream takes")


def _lists(kind: ResourceKind[Any]) -> Callable[[], tuple[bytes, ...]]:
    def made() -> tuple[bytes, ...]:
        items = {"PersistentVolume": (seeds.VOLUME,), "PersistentVolumeClaim": (seeds.CLAIM,) * 3}.get(kind.kind) or seeds.objects(kind.kind)
        return (seeds.listed(kind.kind, kind.api_version, items), seeds.listed(kind.kind, kind.api_version, items[:1]), seeds.listed(kind.kind, kind.api_version, ()))

    return made


def _events() -> tuple[bytes, ...]:
    pods = seeds.objects("Pod")
    bookmark = {"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "99"}}
    return (*(seeds.event(type, pods[0]) for type in ("ADDED", "MODIFIED", "DELETED")), seeds.event("BOOKMARK", bookmark), seeds.event("ERROR", seeds.STATUS))


def _each(*kinds: ResourceKind[Any]) -> Iterator[Decoder]:
    for kind in kinds:
        yield Decoder(f"{kind.kind}List", _lists(kind), partial(_page, kind), UNINTELLIGIBLE)


def _compact(data: bytes) -> bytes:
    return json.dumps(json.loads(data), separators=(",", ":")).encode()


def _fixed(*data: bytes) -> Callable[[], tuple[bytes, ...]]:
    return lambda: data


DECODERS: tuple[Decoder, ...] = (
    *_each(SETS, PODS, CLAIMS, REVISIONS, VOLUMES),
    Decoder("cut list", _lists(PODS), partial(_cut_page, PODS)),
    Decoder("object", lambda: tuple(json.dumps(pod).encode() for pod in seeds.objects("Pod")), partial(_object, PODS), UNINTELLIGIBLE),
    Decoder("list in pages", lambda: (seeds.listed("Pod", "v1", seeds.objects("Pod")[:3], "b"), seeds.listed("Pod", "v1", seeds.objects("Pod")[6:8])), _listing, (PetsError,)),
    Decoder("list in pieces", lambda: tuple(_compact(each) for each in _lists(PODS)()), _pieces),
    Decoder("watch event", _events, _event, (*UNINTELLIGIBLE, PetsError)),
    Decoder("watch lines", lambda: (b"\n".join(_events()) + b"\n",), _lines),
    Decoder("nested JSON", lambda: (b'{"a":' * 150 + b"1" + b"}" * 150, *_events()), _pruned),
    Decoder("HTTP answer", _heads, _framed, (PetsError,)),
    Decoder("Status", _fixed(json.dumps(seeds.STATUS).encode()), _status),
    Decoder("API groups", _fixed(seeds.DISCOVERY), _discovery, (PetsError,)),
    Decoder("record of orphans", _fixed(seeds.RECORD), _record, (PetsError,)),
    Decoder("annotations", _fixed(*seeds.ANNOTATIONS), _annotations),
    Decoder("kept template", _fixed(seeds.KEPT), _kept),
    Decoder("YAML", _fixed(seeds.KUBECONFIG, seeds.KUBERC), _yaml, (GoYamlError,)),
    Decoder("kubeconfig", _fixed(seeds.KUBECONFIG), _kubeconfig, (ConfigError,)),
    Decoder("kuberc", _fixed(seeds.KUBERC, seeds.DENIED), _kuberc, (ConfigError,)),
    Decoder("plugin's credential", _fixed(*seeds.CREDENTIALS), _credential, (CredentialPluginError,)),
    Decoder("id-token", _fixed(seeds.TOKEN), _id_token, (ConfigError,)),
    Decoder("authority", _fixed(seeds.PEM), _authority),
    Decoder("proxy", _fixed(*seeds.NO_PROXY), _proxy, (ConfigError,)),
    Decoder("DNS message", seeds.replies, _dns, (UnreadableMessageError,)),
    Decoder("Corefile", _fixed(seeds.COREFILE), _corefile),
    Decoder("getent and nslookup", _fixed(seeds.GETENT, seeds.NSLOOKUP), _addresses),
    Decoder("frames of an exec", _fixed(*seeds.FRAMES), _frames, (OSError,)),
    Decoder("ending of an exec", _fixed(*seeds.ENDINGS), _ending),
    Decoder("dates of headers", _fixed(*seeds.DATES), _retry_after),
    Decoder("quantity", _fixed(*seeds.QUANTITIES), _quantity),
    Decoder("selector", _fixed(*seeds.SELECTORS), _selector),
    Decoder("flags and names", _fixed(*seeds.DURATIONS), _flags),
    Decoder("cleaned text", _fixed(*seeds.TEXTS), _cleaned),
)
