"""One situation that both programs are put into, and what it is made of.

Text holds placeholders, filled in for each of the two: ``%{dir}`` its folder, ``%{server}`` and ``%{port}`` its way to the API server,
``%{ca}`` the file with that server's authority, ``%{anna}`` (or another user) a token, ``%{crt}`` and ``%{key}`` the client
certificate of "certuser", ``%{crt2}`` and ``%{key2}`` that of another, ``%{gateway}``, ``%{plain}``, ``%{connect}``, ``%{locked}``,
``%{socks}`` and ``%{six}`` ports; ``%{base64:NAME}`` is a placeholder's value in base64.
"""

import json
from dataclasses import dataclass, field
from typing import Any

Config = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """``files``: by their names below the folder, a value that is no text is written as JSON; "config" is the kubeconfig.
    ``environ``: None takes a variable out. ``within``: the working folder. ``pod``: run where a service account is mounted."""

    name: str
    files: dict[str, Any]
    flags: tuple[str, ...] = ()
    environ: dict[str, str | None] = field(default_factory=dict)
    within: str = "."
    pod: bool = False


def cluster(**entries: Any) -> Config:
    """The control plane, trusted, with other entries; underscores are dashes."""
    return {"server": "%{server}", "certificate-authority": "%{ca}", **{key.replace("_", "-"): each for key, each in entries.items()}}


def config(where: Config | None = None, who: Config | None = None, context: Config | None = None, **top: Any) -> Config:
    """A kubeconfig with one context "x" of the cluster "c" and the user "u", who is anna."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{"name": "c", "cluster": cluster() if where is None else where}],
        "users": [{"name": "u", "user": {"token": "%{anna}"} if who is None else who}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", **(context or {})}}],
        **{key.replace("_", "-"): each for key, each in top.items()},
    }


def case(name: str, kubeconfig: Any, *flags: str, files: dict[str, Any] | None = None, **more: Any) -> Case:
    return Case(name, {"config": kubeconfig, **(files or {})}, flags, **more)


def written(value: Any) -> str | bytes:
    return value if isinstance(value, str | bytes) else json.dumps(value)
