"""What a Corefile says about a cluster's names: the zone they are in, what is hidden, and how long answers are cached.

The text is read as CoreDNS reads it (coredns/caddy caddyfile: tokens, server blocks, snippets, ``import``; plugin/kubernetes and
plugin/cache setup.go), but tolerantly: what is not understood is passed over, and what an environment variable or an imported
file holds is unknown.
"""

import re
from collections.abc import Iterable, Iterator

import msgspec

#: Of plugin/kubernetes and plugin/cache, in seconds.
DEFAULT_TTL = 5
MIN_CACHED = 5
MAX_CACHED = 3600
MAX_DENIED = 1800

_SERVE_STALE = 3600
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"?|#[^\n]*|\n|[^\s"#][^\s#]*|"')
_VARIABLE = re.compile(r"\{[$%][^{}\s]*%?\}")
_REVERSE = (".in-addr.arpa", ".ip6.arpa")
#: Snippets that import each other must not keep us for ever.
_DEEPEST = 8

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

    #: In lower case, without the dot at the end; reverse zones are kept apart.
    zones: tuple[str, ...]
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
    #: Zones of other server blocks, which get the names below them instead of this one.
    elsewhere: tuple[str, ...] = ()

    @property
    def zone(self) -> str:
        """The first zone that is no reverse zone: the cluster's domain."""
        return self.zones[0]

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


def within(name: str, zone: str) -> bool:
    return not zone or name == zone or name.endswith("." + zone)


def read_corefile(text: str) -> Settings | None:
    """The settings of the first server block with a ``kubernetes`` plugin that names a zone; None where there is none."""
    blocks = list(_blocks(text))
    for keys, lines in blocks:
        settings = _settings(keys, lines)
        if settings is not None:
            others = {zone for other, its in blocks if its is not lines for zone in map(_zone, other) if zone}
            elsewhere = tuple(sorted(others, key=lambda zone: (-len(zone), zone)))
            return msgspec.structs.replace(settings, block=tuple(map(_zone, keys)), elsewhere=elsewhere)
    return None


# --- blocks ------------------------------------------------------------------------------------------------------------------


def _blocks(text: str) -> Iterator[tuple[Line, list[Line]]]:
    """Server blocks: their keys and the lines within, with snippets put in where they are imported."""
    snippets: dict[str, list[Line]] = {}
    keys: list[str] = []
    inside: list[Line] = []
    depth = 0
    for line in _lines(text):
        if depth == 0:
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


def _settings(keys: Line, lines: list[Line]) -> Settings | None:
    cache: Cache | None = None
    found: tuple[Line, list[Line]] | None = None
    for head, inner in _plugins(lines):
        if head[:1] == ("kubernetes",) and found is None:
            found = head, inner
        elif head[:1] == ("cache",):
            cache = _cache(head, inner)
    if found is None:
        return None
    head, inner = found
    named = [_zone(word) for word in head[1:] or keys]
    forward = tuple(zone for zone in named if zone and not _is_reverse(zone))
    if not forward:
        return None
    options = {line[0]: line[1:] for line in inner}
    return Settings(
        zones=forward,
        reverse=tuple(zone for zone in named if _is_reverse(zone)),
        namespaces=options.get("namespaces", ()),
        namespace_labels=" ".join(options.get("namespace_labels", ())),
        labels=" ".join(options.get("labels", ())),
        endpoint_pod_names="endpoint_pod_names" in options,
        no_endpoints="noendpoints" in options,
        ignore_empty_service=options.get("ignore") == ("empty_service",),
        falls_through="fallthrough" in options,
        ttl=_number(options.get("ttl", ()), 0, DEFAULT_TTL),
        cache=cache,
    )


def _cache(head: Line, inner: list[Line]) -> Cache:
    """``cache [TTL] [ZONES...]``; ``success`` and ``denial``: CAPACITY [TTL] [MINTTL]."""
    options = {line[0]: line[1:] for line in inner}
    success, denial = options.get("success", ()), options.get("denial", ())
    return Cache(
        success=_number(success, 1, _number(head, 1, MAX_CACHED)),
        denial=_number(denial, 1, _number(head, 1, MAX_DENIED)),
        least_success=_number(success, 2, MIN_CACHED),
        least_denial=_number(denial, 2, MIN_CACHED),
        stale=_SERVE_STALE if "serve_stale" in options else 0,
    )


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
    """Also as a network: CoreDNS makes reverse zones of ``10.0.0.0/8``."""
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
