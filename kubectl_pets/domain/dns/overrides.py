"""What else in a server block of a Corefile answers for a cluster's names, before the ``kubernetes`` plugin sees the question.

In CoreDNS' order of plugins (plugin.cfg) acl, rewrite, template and hosts come first. What of them speaks for a name is read from
the text, as far as it tells: a hosts file, and the networks of an acl, are not known.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

import msgspec

from kubectl_pets.domain.dns.answers import Question, RecordType

Line = tuple[str, ...]

#: A pattern of more than this, or with repeated groups, could take for ever to match; then it counts as matching.
_LONGEST_PATTERN = 200
_UNBOUNDED = re.compile(r"(?<!\\)[*+]|(?<!\\)\{[0-9]*,")
_REPEATED_GROUP = re.compile(r"\)[*+?{]")


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """One directive, and for which questions it speaks: all conditions that are not empty hold."""

    plugin: str
    #: As it is written: untrusted text.
    line: str
    types: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    #: One of these is found in the name with its dot at the end.
    patterns: tuple[str, ...] = ()

    def speaks_for(self, question: Question) -> bool:
        name = question.name
        return (
            (not self.types or question.type in self.types)
            and (not self.zones or any(not zone or name == zone or name.endswith("." + zone) for zone in self.zones))
            and (not self.names or name in self.names)
            and (not self.patterns or any(_finds(pattern, name + ".") for pattern in self.patterns))
        )


def read_overrides(plugins: Sequence[tuple[Line, list[Line]]], block: tuple[str, ...]) -> Iterator[Override]:
    """The directives of one server block (``block``: its zones) that answer in place of the cluster's names, in CoreDNS' own
    order."""
    for wanted, reader in (("acl", _acl), ("rewrite", _rewrite), ("template", _template), ("hosts", _hosts)):
        for head, inner in plugins:
            if head[:1] == (wanted,):
                yield from reader(head, inner, block)


def read_clients(plugins: Sequence[tuple[Line, list[Line]]], own: bool) -> Iterator[tuple[str, str]]:
    """What makes answers depend on who asks, which is the DNS pod itself for us. ``own``: it is the server block that was meant,
    whose acl counts; a view of any other may take questions away from it (the first block whose expressions hold answers)."""
    for head, inner in plugins:
        if head[:1] == ("view",):
            yield "view", " ".join((*head, *(word for line in inner for word in line)))
        if own and head[:1] == ("acl",):
            yield from (("acl", " ".join(line)) for line in inner if "net" in line and line[line.index("net") + 1:] != ("*",))


def _acl(head: Line, inner: list[Line], block: tuple[str, ...]) -> Iterator[Override]:
    for line in inner:
        if line[0] in ("block", "filter", "drop"):
            _, _, after = " ".join(line).partition(" type ")
            kinds = after.partition(" net ")[0].upper().split()
            types = () if "*" in kinds or "ANY" in kinds else tuple(kinds)
            yield Override(plugin="acl", line=" ".join(line), types=types, zones=_zones(head[1:], block))


def _rewrite(head: Line, inner: list[Line], block: tuple[str, ...]) -> Iterator[Override]:
    for line in (head[1:], *inner):
        words = line[1:] if line[:1] in (("stop",), ("continue",)) else line
        if words[:1] != ("name",) or len(words) < 3:
            continue
        how, wanted = (words[1], words[2]) if words[1] in _HOW and len(words) > 3 else ("exact", words[1])
        text = " ".join(("rewrite", *line))
        if how == "exact":
            yield Override(plugin="rewrite", line=text, names=frozenset((_name(wanted),)))
        else:
            pattern = _HOW[how].format(wanted if how == "regex" else re.escape(wanted))
            yield Override(plugin="rewrite", line=text, patterns=(pattern,))


#: How a rewrite of names says what it is about.
_HOW = {"exact": "", "prefix": "^{}", "suffix": "{}\\.?$", "substring": "{}", "regex": "{}"}


def _template(head: Line, inner: list[Line], block: tuple[str, ...]) -> Iterator[Override]:
    if len(head) > 2 and head[1].upper() in ("IN", "ANY"):
        patterns = tuple(word for line in inner if line[0] == "match" for word in line[1:])
        types = () if head[2].upper() == "ANY" else (head[2].upper(),)
        yield Override(plugin="template", line=" ".join(head), types=types, zones=_zones(head[3:], block), patterns=patterns)


def _hosts(head: Line, inner: list[Line], block: tuple[str, ...]) -> Iterator[Override]:
    through = any(line[0] == "fallthrough" for line in inner)
    named = tuple(word for word in head[1:] if "/" not in word)
    for line in inner:
        try:
            pointer = ip_address(line[0]).reverse_pointer
        except ValueError:
            continue
        text = f"hosts: {' '.join(line)}"
        names = frozenset(map(_name, line[1:]))
        yield Override(plugin="hosts", line=text, types=(RecordType.A, RecordType.AAAA), names=names)
        if not any(option[0] == "no_reverse" for option in inner):
            yield Override(plugin="hosts", line=text, types=(RecordType.PTR,), names=frozenset((pointer,)))
    if not through:
        kinds = (RecordType.A, RecordType.AAAA, RecordType.SRV)
        yield Override(plugin="hosts", line="hosts without fallthrough", types=kinds, zones=_zones(named, block))


def _zones(words: Line, block: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_name, words)) or block


def _name(text: str) -> str:
    return text.rstrip(".").lower()


def _finds(pattern: str, name: str) -> bool:
    if len(pattern) > _LONGEST_PATTERN or _REPEATED_GROUP.search(pattern) or len(_UNBOUNDED.findall(pattern)) > 2:
        return True
    try:
        return re.search(pattern, name) is not None
    except (re.error, OverflowError):
        return True
