"""Files of YAML, read document by document: whatever cannot be read ends the run with the file and, where there is one, the line.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kubectl_pets.cleaning import clean
from kubectl_pets.errors import UsageError


def documents_in(file: str, text: str) -> Iterator[tuple[int, Any]]:
    """Each document with its line. A date stays a text, as in the API's YAML."""
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {
            first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    try:
        loader = Loader(text)
        while loader.check_node():
            node: Any = loader.get_node()
            yield node.start_mark.line + 1, _with_text_keys(loader.construct_document(node), {})
    except yaml.YAMLError as error:
        raise not_yaml(file, error) from None
    except RecursionError:
        raise UsageError(f"{file} is nested too deep") from None


def _with_text_keys(value: Any, known: dict[int, Any]) -> Any:
    """As kubectl reads YAML: a key that YAML takes for a number or a truth value is the text of that (sigs.k8s.io/yaml). What
    several aliases mean stays one value (``known``, by identity)."""
    if id(value) in known:
        return known[id(value)]
    if isinstance(value, dict):
        known[id(value)] = {_key(key): _with_text_keys(inner, known) for key, inner in value.items()}
    elif isinstance(value, list):
        known[id(value)] = [_with_text_keys(inner, known) for inner in value]
    return known.get(id(value), value)


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def not_yaml(file: str, error: Any) -> UsageError:
    mark = getattr(error, "problem_mark", None)
    where = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return UsageError(f"{file}{where}: this is no YAML: {clean(str(problem))}")


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} cannot be read: it is not UTF-8") from None
