"""Reads YAML to the values that kubectl reads: its files and what credential plugins print are taken the same.

kubectl reads with go-yaml v2 and turns what it finds into JSON (``sigs.k8s.io/yaml``). A plain word means other things to it than
to PyYAML: dates, ``12:30`` and ``=`` are text, ``y`` is true, ``0999`` and ``0o17`` are numbers. Of several documents the first
one counts, and keys that are no text become text.
"""

import re
from base64 import b64decode
from datetime import date
from typing import Any

import yaml

_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TAG = "tag:yaml.org,2002:"
_INFINITE = float("inf")
_COLLECTIONS = frozenset(_TAG + each for each in ("map", "omap", "pairs", "seq", "set"))

_NAMED: dict[str, Any] = (
    dict.fromkeys(("", "~", "null", "Null", "NULL"))
    | dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True)
    | dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False)
    | dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan"))
    | dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf"))
    | dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf"))
)
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?", re.DOTALL)

#: More values than any kubeconfig has; a few aliases of aliases make as many as they like.
_MOST = 1_000_000

#: Deeper than any kubeconfig is; libyaml's own limit is the end of the stack.
_DEEPEST = 500
_MAY_BE_DEEP = re.compile(rb"^ {%d}|(?:[-?] +){%d}" % (_DEEPEST, _DEEPEST // 2), re.MULTILINE)


class GoYamlError(ValueError):
    """What kubectl could not read either. ``where``: line and column in words, or nothing; no word of the text is in it, for it
    may be a secret."""

    def __init__(self, where: str = "") -> None:
        super().__init__(f"not valid YAML{where}")
        self.where = where


class _Loader(_BASE):  # type: ignore[misc]
    """PyYAML's safe loader with go-yaml's idea of what a plain word means."""

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: tuple[bool, bool] | bool) -> str:
        if kind is yaml.ScalarNode and isinstance(implicit, tuple):
            if implicit[0] and value == "<<":
                return _TAG + "merge"
            return "!plain" if implicit[0] else _TAG + "str"
        tag: str = super().resolve(kind, value, implicit)
        return tag

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """A collection is what it looks like, whatever its tag says (``!!set``, ``!!omap``, one of somebody's own), and a scalar
        that is tagged as one is text (go-yaml v2, ``decoder.unmarshal``)."""
        if isinstance(node, yaml.MappingNode):
            node.tag = _TAG + "map"
        elif isinstance(node, yaml.SequenceNode):
            node.tag = _TAG + "seq"
        elif node.tag in _COLLECTIONS:
            node.tag = _TAG + "str"
        return super().construct_object(node, deep)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Each merge where it stands: what follows it wins over it, and it wins over what is before; of several the first one
        wins (go-yaml v2, ``decoder.mapping`` and ``merge``). For PyYAML a merge never wins."""
        flat: list[tuple[yaml.Node, yaml.Node]] = []
        for key, value in node.value:
            if key.tag != _TAG + "merge":
                flat.append((key, value))
                continue
            for source in reversed(value.value) if isinstance(value, yaml.SequenceNode) else (value,):
                if not isinstance(source, yaml.MappingNode):
                    raise GoYamlError
                self.flatten_mapping(source)
                flat += source.value
                if len(flat) > _MOST:
                    raise GoYamlError
        node.value = flat


def _tagged(*types: type) -> Any:
    """Constructs a scalar whose tag says what it is, which has to be true."""

    def construct(loader: Any, node: yaml.Node) -> Any:
        value = scalar(loader.construct_scalar(node))
        if type(value) not in types:
            raise GoYamlError
        return value

    return construct


def _moment(loader: Any, node: yaml.Node) -> Any:
    """Text it stays; but it has to be a date."""
    text = loader.construct_scalar(node)
    if not _DATE.fullmatch(text):
        raise GoYamlError
    date(*map(int, re.split("[-Tt ]", text)[:3]))
    return text


_Loader.add_constructor("!plain", lambda loader, node: scalar(node.value))
_Loader.add_constructor(_TAG + "null", _tagged(type(None)))
_Loader.add_constructor(_TAG + "bool", _tagged(bool))
_Loader.add_constructor(_TAG + "int", _tagged(int))
_Loader.add_constructor(_TAG + "float", _tagged(int, float))
_Loader.add_constructor(
    _TAG + "binary", lambda loader, node: b64decode(loader.construct_scalar(node), validate=True).decode(errors="replace")
)
_Loader.add_constructor(_TAG + "timestamp", _moment)
#: "merge", and tags of somebody's own, which change nothing.
_Loader.add_constructor(None, lambda loader, node: node.value)


def first_document(text: bytes) -> Any:
    """The first document's value as JSON has it (text keys only); None where there is none. Raises GoYamlError."""
    loader = _Loader(text)
    try:
        _check_depth(text)
        return _as_json(loader.get_data() if loader.check_data() else None, [0])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise GoYamlError(f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else "") from None
    except (ValueError, RecursionError):
        raise GoYamlError from None
    finally:
        loader.dispose()


def _check_depth(text: bytes) -> None:
    """Composing recurses in C, where nothing stops it but the end of the stack; looking at the events does not."""
    if text.count(b"[") + text.count(b"{") < _DEEPEST and not _MAY_BE_DEEP.search(text):
        return
    depth = 0
    for event in yaml.parse(text, Loader=_BASE):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise GoYamlError
        if isinstance(event, yaml.DocumentEndEvent):
            return


def scalar(text: str) -> Any:
    """What a plain scalar means: None, a truth value, a number, or the text itself."""
    if text in _NAMED:
        return _NAMED[text]
    if _DATE.fullmatch(text):
        return text
    plain = text.replace("_", "") if text[:1] in "+-0123456789" else text
    found = _INTEGER.fullmatch(plain)
    if found:
        sign, hexadecimal, binary, octal, decimal = found.groups()
        digits, base = next((each, base) for each, base in ((hexadecimal, 16), (binary, 2), (octal, 8), (decimal, 10)) if each)
        number = int(digits, base) if len(digits) <= 64 else 1 << 64
        if number < 1 << 64:
            return -number if sign == "-" else number
    if _FLOAT.fullmatch(plain) and abs(float(plain)) < _INFINITE:
        return float(plain)
    return text


def _as_json(value: Any, seen: list[int]) -> Any:
    seen[0] += 1
    if seen[0] > _MOST:
        raise GoYamlError
    if isinstance(value, dict):
        return {_key(key): _as_json(each, seen) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each, seen) for each in value]
    if isinstance(value, float) and not abs(value) < _INFINITE:
        raise GoYamlError  # JSON has no such numbers
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise GoYamlError


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int | float):
        return str(key)
    raise GoYamlError
