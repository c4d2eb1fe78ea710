"""A hook of mkdocs: links from the docs to folders, and to other files of the repository, lead there where the code is, and
have to exist."""

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"(?<!!)\[([^\]\n]*)\]\(([^)\s]+)\)")

_log = logging.getLogger("mkdocs.hooks.links")


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """As mkdocs calls it: the page's text with the links that leave the docs turned into addresses. One that leads nowhere is a
    warning, which a strict build takes for an error."""
    root = Path(config["config_file_path"]).parent
    folder = posixpath.dirname(page.file.src_uri)

    def outside(found: "re.Match[str]") -> str:
        text, target = found.groups()
        path, _, anchor = target.partition("#")
        place = posixpath.normpath(posixpath.join("docs", folder, path))
        if "://" in target or not path or (place.startswith("docs/") and not (root / place).is_dir()):
            return found[0]
        if place.startswith("..") or not (root / place).exists():
            _log.warning("%s: the link %s leads to nothing", page.file.src_uri, target)
        kind = "tree" if (root / place).is_dir() else "blob"
        address = f"{config['repo_url'].rstrip('/')}/{kind}/main/{place}" + (f"#{anchor}" if anchor else "")
        return f"[{text}]({address})"

    return _LINK.sub(outside, markdown)
