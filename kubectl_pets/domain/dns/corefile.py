"""What a Corefile says about a cluster's names: the zone they are in, what is hidden, and how long answers are cached.

The text is read as CoreDNS reads it (coredns/caddy caddyfile: tokens, server blocks, snippets, ``import``; plugin/kubernetes and
plugin/cache setup.go), but tolerantly: what is not understood is passed over, and what an environment variable or an imported
file holds is unknown.
"""

import re
from collections.abc import Iterable, Iterator

import msgspec

from kubectl_pets.domain.dns.overrides import Override, read_clients, read_overrides

#: Of plugin/kubernetes and plugin/cache, in seconds.
DEFAULT_TTL = 5
MIN_CACHED = 5
MAX_CACHED = 3600
MAX_DENIED = 1800

_SERVE_STALE = 3600

#: What clusters are called unless somebody decides otherwise (kubeadm, kubelet --cluster-domain).
USUAL_ZONE = "cluster.local"

#: Where a server block listens that names no port, by transport (coredns core/dnsserver and plugin/pkg/transport).
_PORTS = {"": 53, "dns": 53, "tls": 853, "quic": 853, "https": 443, "https3": 443, "grpc": 443}
_PORT = _PORTS[""]
_DURATION = re.compile(r"(?:[0-9]{1,9}[hms])+")
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"?|#[^\n]*|\n|[^\s"#][^\s#]*|"')
_VARIABLE = re.compile(r"\{[$%][^{}\s]*%?\}")
_REVERSE = (".in-addr.arpa", ".ip6.arpa")
#: Snippets that import each other must not keep us for ever.
_DEEPEST = 8
#: Plugins that stand on a line alone, so that a second line which is one of them is no key.
_ALONE = ("errors", "log", "ready", "health", "reload", "loop", "loadbalance", "cache", "debug", "metadata", "prometheus")

Line = tuple[str, ...]


class Cache(msgspec.Struct, frozen=True, kw_only=True):
    """How long answers may be kept, in seconds; ``stale``: how much longer they may be given after that."""

    success: int = MAX_CACHED
    denial: int = MAX_DENIED
    least_success: int = MIN_CACHED
    least_denial: int = MIN_CACHED
    stale: int = 0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The ``kubernetes`` plugin and the ``cache`` in front of it, as one server block has them."""

    #: In lower case, without the dot at the end; reverse zones and those of several clusters are kept apart.
    zones: tuple[str, ...]
    #: The first zone that is no reverse zone, in which PTR is told (plugin/kubernetes primaryZone); empty: ``zone``.
    primary: str = ""
    reverse: tuple[str, ...] = ()
    #: Empty: all.
    namespaces: tuple[str, ...] = ()
    #: Label selectors as written; empty: none.
    namespace_labels: str = ""
    labels: str = ""
    endpoint_pod_names: bool = False
    no_endpoints: bool = False
    ignore_empty_service: bool = False
    falls_through: bool = False
    ttl: int = DEFAULT_TTL
    #: None: answers are not cached.
    cache: Cache | None = None
    #: Zones of the server block; the root is empty.
    block: tuple[str, ...] = ("",)
    #: Zones of other server blocks on the same port, which get the names below them instead of this one.
    elsewhere: tuple[str, ...] = ()
    #: Where the server block listens.
    ports: tuple[int, ...] = (_PORT,)
    #: What else in this server block answers for names.
    overrides: tuple[Override, ...] = ()
    #: What makes the answers depend on who asks: ("acl" or "view", its line).
    by_client: tuple[tuple[str, str], ...] = ()
    #: "NAMESPACE/NAME" of the ConfigMap that it was read from; empty: not known.
    config_map: str = ""

    @property
    def zone(self) -> str:
        """The cluster's domain: the usual one where it is served, else the first."""
        return USUAL_ZONE if USUAL_ZONE in self.zones else self.zones[0]

    def elsewhere_for(self, name: str) -> str:
        """The zone of the other server block that a question for this name goes to, which is the longest that fits; empty: to
        this one."""
        ours = max((len(zone) for zone in self.block if within(name, zone)), default=-1)
        return next((zone for zone in self.elsewhere if within(name, zone) and len(zone) > ours), "")

    @property
    def longest_denial(self) -> int:
        """For how long at most a server may deny what exists by now, in seconds (plugin/cache computeTTL)."""
        if self.cache is None:
            return 0
        return min(max(self.ttl, self.cache.least_denial), self.cache.denial) + self.cache.stale

    @property
    def longest_success(self) -> int:
        """For how long at most a server may give what is no longer so, in seconds (plugin/cache computeTTL)."""
        if self.cache is None:
            return 0
        return min(max(self.ttl, self.cache.least_success), self.cache.success) + self.cache.stale


def within(name: str, zone: str) -> bool:
    return not zone or name == zone or name.endswith("." + zone)


class CorefileText(msgspec.Struct, frozen=True, kw_only=True):
    """A Corefile as it stands (untrusted text), and the ConfigMap that it is in."""

    namespace: str
    name: str
    text: str


def read_corefile(text: str, zone: str = "") -> Settings | None:
    """The settings of the ``kubernetes`` plugin that serves the zone; with none given, or none that serves it, the usual zone's,
    else the first's. Of several, one on port 53. None: no plugin names a zone."""
    found = read_settings(text)
    wanted = [one for one in (zone.strip(".").lower(), USUAL_ZONE) if one]
    for one in wanted:
        serving = [each for each in found if one in each.zones]
        if serving:
            return next((each for each in serving if _PORT in each.ports), serving[0])
    return found[0] if found else None


def read_settings(text: str) -> tuple[Settings, ...]:
    """The settings of each ``kubernetes`` plugin of each server block, in the file's order."""
    blocks = list(_blocks(text.removeprefix("\ufeff")))
    return tuple(
        msgspec.structs.replace(
            settings,
            block=tuple(map(_zone, keys)),
            ports=_ports(keys),
            elsewhere=_elsewhere(keys, lines, blocks),
            overrides=tuple(read_overrides(list(_plugins(lines)), tuple(map(_zone, keys)))),
            by_client=tuple(each for _, others in blocks for each in read_clients(list(_plugins(others)), others is lines)),
        )
        for keys, lines in blocks
        for settings in _settings(keys, lines)
    )


def _elsewhere(keys: Line, lines: list[Line], blocks: list[tuple[Line, list[Line]]]) -> tuple[str, ...]:
    ports = set(_ports(keys))
    others = {_zone(key) for other, its in blocks if its is not lines for key in other if ports.intersection(_ports((key,)))}
    return tuple(sorted(others - {""}, key=lambda zone: (-len(zone), zone)))


def _ports(keys: Line) -> tuple[int, ...]:
    found: list[int] = []
    for key in keys:
        transport, _, host = key.rpartition("://")
        port = re.search(r":([0-9]{1,5})\Z", host)
        found.append(int(port[1]) if port else _PORTS.get(transport.lower(), _PORT))
    return tuple(dict.fromkeys(found))


# --- blocks ------------------------------------------------------------------------------------------------------------------


def _blocks(text: str) -> Iterator[tuple[Line, list[Line]]]:
    """Server blocks: their keys and the lines within, with snippets put in where they are imported."""
    snippets: dict[str, list[Line]] = {}
    keys: list[str] = []
    inside: list[Line] = []
    depth = 0
    lines = list(_lines(text))
    if _is_bare(lines):
        yield tuple(word.rstrip(",") for word in lines[0]), _expanded(lines[1:], snippets)
        return
    for line in lines:
        if depth == 0:
            if line[0] == "import" and not keys:
                continue  # of another file, which is not known here
            keys += [word.rstrip(",") for word in line if word != "{"]
            if line[-1] != "{":
                continue
            depth, inside = 1, []
            continue
        if line[0] == "}":
            depth -= 1
        if depth == 0:
            if len(keys) == 1 and keys[0].startswith("(") and keys[0].endswith(")"):
                snippets[keys[0][1:-1]] = inside
            else:
                yield tuple(keys), _expanded(inside, snippets)
            keys = []
            continue
        inside.append(line)
        if line[-1] == "{":
            depth += 1


def _is_bare(lines: list[Line]) -> bool:
    """A file of one server block may leave its braces out (caddyfile parse.go blockContents)."""
    if len(lines) < 2 or lines[0][0] == "import" or lines[0][-1] == "{" or lines[0][-1].endswith(","):
        return False
    return lines[1][0] == "kubernetes" or (lines[1][-1] != "{" and len(lines[1]) == 1 and lines[1][0] in _ALONE)


def _lines(text: str) -> Iterator[Line]:
    """Words line by line, without comments; a brace that closes stands on a line of its own."""
    words: list[str] = []
    for found in _TOKEN.finditer(text + "\n"):
        token = found[0]
        if token == "\n":
            if words:
                yield tuple(words)
            words = []
        elif not token.startswith("#"):
            word = token[1:].removesuffix('"').replace('\\"', '"') if token.startswith('"') else token
            if word == "}" and words:
                yield tuple(words)
                words = []
            words.append(word)


def _expanded(lines: list[Line], snippets: dict[str, list[Line]], depth: int = 0) -> list[Line]:
    if depth == _DEEPEST:
        return []
    whole: list[Line] = []
    for line in lines:
        imported = snippets.get(line[1]) if line[0] == "import" and len(line) == 2 else None
        whole += _expanded(imported, snippets, depth + 1) if imported is not None else [line]
    return whole


def _plugins(lines: list[Line]) -> Iterator[tuple[Line, list[Line]]]:
    """Each directive of a server block with the lines of its own block."""
    index = 0
    while index < len(lines):
        head, inner = lines[index], list[Line]()
        index += 1
        if head[-1] == "{":
            depth = 1
            while index < len(lines) and depth:
                depth += (lines[index][-1] == "{") - (lines[index][0] == "}")
                if depth:
                    inner.append(lines[index])
                index += 1
        yield tuple(word for word in head if word != "{"), inner


# --- plugins -----------------------------------------------------------------------------------------------------------------


def _settings(keys: Line, lines: list[Line]) -> Iterator[Settings]:
    plugins = list(_plugins(lines))
    caches = [(head, inner) for head, inner in plugins if head[:1] == ("cache",)]
    for head, inner in plugins:
        if head[:1] == ("kubernetes",):
            settings = _kubernetes(head, inner, keys, caches)
            if settings is not None:
                yield settings


def _kubernetes(head: Line, inner: list[Line], keys: Line, caches: list[tuple[Line, list[Line]]]) -> Settings | None:
    named = [_zone(word) for word in head[1:] or keys]
    forward = tuple(zone for zone in named if zone and not _is_reverse(zone))
    others = {_zone(word) for line in inner if line[0] == "multicluster" for word in line[1:]}
    own = tuple(zone for zone in forward if zone not in others)
    if not own:
        return None
    options = {line[0]: line[1:] for line in inner}
    cache = next((_cache(head, inner, own) for head, inner in caches if _caches(head, own)), None)
    return Settings(
        zones=own,
        primary=forward[0],
        reverse=tuple(zone for zone in named if _is_reverse(zone)),
        namespaces=tuple(word for line in inner if line[0] == "namespaces" for word in line[1:]),
        namespace_labels=" ".join(options.get("namespace_labels", ())),
        labels=" ".join(options.get("labels", ())),
        endpoint_pod_names="endpoint_pod_names" in options,
        no_endpoints="noendpoints" in options,
        ignore_empty_service=options.get("ignore") == ("empty_service",),
        falls_through="fallthrough" in options,
        ttl=_number(options.get("ttl", ()), 0, DEFAULT_TTL),
        cache=cache,
    )


def _caches(head: Line, zones: Line) -> bool:
    """``cache [TTL] [ZONES...]``: without zones, those of the server block."""
    origins = head[2:] if len(head) > 1 and head[1].isdigit() else head[1:]
    return not origins or _covers(origins, zones)


def _covers(origins: Line, zones: Line) -> bool:
    return any(within(zone, _zone(origin)) for zone in zones for origin in origins)


def _cache(head: Line, inner: list[Line], zones: Line) -> Cache:
    """``success`` and ``denial``: CAPACITY [TTL] [MINTTL]; ``disable`` takes one of them out, for these zones or for all."""
    options = {line[0]: line[1:] for line in inner}
    success, denial = options.get("success", ()), options.get("denial", ())
    off = {line[1] for line in inner if line[0] == "disable" and len(line) > 1 and _covers(line[2:] or (".",), zones)}
    return Cache(
        success=0 if "success" in off else _number(success, 1, _number(head, 1, MAX_CACHED)),
        denial=0 if "denial" in off else _number(denial, 1, _number(head, 1, MAX_DENIED)),
        least_success=_number(success, 2, MIN_CACHED),
        least_denial=_number(denial, 2, MIN_CACHED),
        stale=_seconds(options["serve_stale"]) if "serve_stale" in options else 0,
    )


def _seconds(words: Line) -> int:
    """A duration as Go writes it, such as ``1h30m``."""
    if not words or not _DURATION.fullmatch(words[0]):
        return _SERVE_STALE
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"([0-9]+)([hms])", words[0]))


def _number(words: Line, index: int, default: int) -> int:
    word = words[index] if index < len(words) else ""
    return int(word) if re.fullmatch(r"[0-9]{1,9}", word) else default


def _zone(key: str) -> str:
    """A zone as written: with a transport, a port, a dot at the end. Empty: the root, or not known here."""
    if _VARIABLE.search(key):
        return ""
    host = key.rpartition("://")[2]
    host = re.sub(r":[0-9]+$", "", host)
    return host.rstrip(".").lower()


def _is_reverse(zone: str) -> bool:
    """Whether a zone is a reverse one, be it written as a network: CoreDNS makes reverse zones of ``10.0.0.0/8``."""
    return ("." + zone).endswith(_REVERSE) or "/" in zone


def serves_reverse(settings: Settings, name: str) -> bool:
    """Whether the plugin answers for this reverse name."""
    family = _REVERSE[1] if name.endswith(_REVERSE[1]) else _REVERSE[0]
    return any(within(name, zone) or ("/" in zone and (":" in zone) == (family == _REVERSE[1])) for zone in settings.reverse)


# --- labels ------------------------------------------------------------------------------------------------------------------


def selects(selector: str, labels: dict[str, str]) -> bool | None:
    """Whether a label selector as the plugin takes it selects; None: written in a way that is not evaluated here."""
    verdicts: list[bool] = []
    for part in _requirements(selector):
        found = re.fullmatch(r"([^\s=!,()]+)\s*(==|=|!=)\s*([^\s=!,()]*)", part)
        if found is None:
            return None
        verdicts.append((labels.get(found[1]) == found[3]) is (found[2] != "!="))
    return all(verdicts)


def _requirements(selector: str) -> Iterable[str]:
    return (part.strip() for part in selector.split(",") if part.strip())
