"""Which files are read, what they may look like, and what a plain word in them means."""

import json
from collections.abc import Callable
from typing import Any

import yaml

from tests.parity.case import Case, Config, case, cluster, config

_ANNA = "    token: '%{anna}'"
_BOB: Config = {"token": "%{boris}"}


def text(change: Callable[[str], str] = str, **top: Any) -> str:
    return change(yaml.safe_dump(config(**top)))


def several(name: str, variable: str | None, files: dict[str, Any], *flags: str, within: str = ".", **environ: str | None) -> Case:
    return Case(f"files-{name}", files, flags, {"KUBECONFIG": variable, **environ}, within)


def looking(name: str, content: Any) -> Case:
    return case(f"file-{name}", content)


def word(name: str, plain: str) -> Case:
    """The context is called so, without quotes."""
    changed = text(lambda dumped: dumped.replace("current-context: x", f"current-context: {plain}").replace("name: x", f"name: {plain}"))
    return case(f"word-{name}", changed)


def unused(name: str, user: Any, entry: str = "z") -> Case:
    return case(f"unused-{name}", config(users=[*config()["users"], {"name": entry, "user": user}]))


_TWO = [{"name": "u", "user": {"token": "%{anna}"}}, {"name": "u", "user": _BOB}]

CASES: list[Case] = [
    several("one-missing", "%{dir}/gone:%{dir}/b", {"b": config()}),
    several("all-missing", "%{dir}/gone", {}),
    several("empty-elements", "::%{dir}/b::", {"b": config()}),
    several("only-empty-elements", "::", {"h/.kube/config": config()}, HOME="%{dir}/h"),
    several("first-context-wins", "%{dir}/a:%{dir}/b", {
        "a": config(current_context="y", contexts=[{"name": "y", "context": {"cluster": "c", "user": "u"}}]), "b": config(who=_BOB),
    }),
    several("first-user-wins", "%{dir}/a:%{dir}/b", {"a": config(), "b": config(who=_BOB)}),
    several("first-user-wins-though-empty", "%{dir}/a:%{dir}/b", {"a": config(who={}), "b": config(who=_BOB)}),
    several("same-twice", "%{dir}/a:%{dir}/a", {"a": config()}),
    several("split", "%{dir}/a:%{dir}/b", {"a": {"current-context": "x"}, "b": config(current_context="")}),
    several("relative-each", "s1/a:s2/b", {
        "s1/a": {"users": config(who={"tokenFile": "t"})["users"]}, "s1/t": "%{boris}", "s2/b": config(users=None),
    }),
    several("one-broken", "%{dir}/a:%{dir}/b", {"a": config(), "b": "{{{"}),
    several("one-folder", "%{dir}/a:%{dir}/d", {"a": config(), "d/x": ""}),
    several("quoted", '"%{dir}/a"', {"a": config()}),
    several("tilde", "~/other", {"h/other": config()}, HOME="%{dir}/h"),
    several("home", None, {"h/.kube/config": config()}, HOME="%{dir}/h"),
    several("variable-empty", "", {"h/.kube/config": config()}, HOME="%{dir}/h"),
    several("slash-at-the-end", "%{dir}/a/", {"a": config()}),
    several("flag", "%{dir}/a", {"a": config(), "b": config(who=_BOB)}, "--kubeconfig", "%{dir}/b"),
    several("flag-missing", "%{dir}/a", {"a": config()}, "--kubeconfig", "%{dir}/gone"),
    several("flag-folder", "%{dir}/a", {"a": config(), "d/x": ""}, "--kubeconfig", "%{dir}/d"),
    several("flag-empty", "%{dir}/a", {"a": config()}, "--kubeconfig="),
    several("flag-list", "%{dir}/a", {"a": config()}, "--kubeconfig", "%{dir}/a:%{dir}/a"),
    several("flag-relative", None, {"b": config(who={"tokenFile": "t"}), "t": "%{boris}"}, "--kubeconfig", "../b", within="elsewhere"),
    looking("empty", ""),
    looking("of-remarks", "# nothing\n"),
    looking("null", "null"),
    looking("list", "[]"),
    looking("word", "hello"),
    looking("json", config()),
    looking("json-with-tabs", json.dumps(config(), indent="\t")),
    looking("yaml", text()),
    looking("yaml-with-tabs", text(lambda dumped: dumped.replace("  ", "\t"))),
    looking("byte-order-mark", text(lambda dumped: "\ufeff" + dumped)),
    looking("cr-lf", text(lambda dumped: dumped.replace("\n", "\r\n"))),
    looking("latin-1", b"# caf\xe9\n{}"),
    looking("two-documents", text() + "---\n" + text(who=_BOB)),
    looking("broken-second-document", text() + "---\n{{{"),
    looking("empty-first-document", "---\n---\n" + text()),
    looking("dashes", "---\n" + text() + "...\n"),
    looking("anchors", text(lambda dumped: "x-t: &t\n  token: '%{boris}'\n" + dumped.replace("    token: '%{anna}'", "    <<: *t"))),
    looking("anchors-after-an-own-key", text(lambda dumped: "x-t: &t\n  token: '%{boris}'\n" + dumped.replace(_ANNA, _ANNA + "\n    <<: *t"))),
    looking("anchors-before-an-own-key", text(lambda dumped: "x-t: &t\n  token: '%{boris}'\n" + dumped.replace(_ANNA, "    <<: *t\n" + _ANNA))),
    looking("anchors-several", text(
        lambda dumped: "x-t: &t\n  token: '%{boris}'\nx-s: &s\n  token: '%{clara}'\n" + dumped.replace(_ANNA, "    <<: [*t, *s]"),
    )),
    looking("anchor-in-itself", text() + "a: &a\n  <<: *a\n"),
    looking("infinity", text() + "a: .inf\n"),
    looking("key-twice", text(lambda dumped: dumped.replace("current-context: x", "current-context: gone\ncurrent-context: x"))),
    looking("token-twice", text(lambda dumped: dumped.replace("    token: '%{anna}'", "    token: '%{anna}'\n    token: '%{boris}'"))),
    looking("unknown-keys", config(cluster(foo=1), {"token": "%{anna}", "bar": {"a": 1}}, preferences={"colors": True}, zzz=[1])),
    looking("keys-in-capitals", config(Current_Context="gone", who={"token": "%{anna}", "Token": "%{boris}"})),
    looking("number-for-a-key", text(lambda dumped: dumped + "12: 3\ny: 4\n")),
    looking("own-tag", text(lambda dumped: dumped.replace("current-context: x", "current-context: !mine x"))),
    looking("tags-of-collections", "a: !!set {x, y}\nb: !!omap [x: 1]\nc: !!pairs [x: 1]\nd: !!seq {x: 1}\ne: !!set x\nf: !!int {x: 1}\n" + text()),
    looking("tag-binary-of-no-text", "a: !!binary /w==\n" + text()),
    looking("tag-timestamp-of-a-word", "a: !!timestamp word\n" + text()),
    looking("json-with-escaped-slash", json.dumps(config(zzz="a/b")).replace("a/b", "a\\/b")),
    looking("without-kind", {key: each for key, each in config().items() if key not in ("kind", "apiVersion")}),
    looking("empty-kind", config(kind="", apiVersion="")),
    looking("kind-null", config(kind=None, apiVersion=None)),
    looking("another-kind", config(kind="Pod")),
    looking("another-version", config(apiVersion="v2")),
    looking("number-for-version", config(apiVersion=1)),
    looking("nulls", config(who={"token": "%{anna}", "username": None, "as-groups": None, "exec": None}, preferences=None, extensions=None)),
    looking("users-null", config(users=None)),
    looking("users-no-list", config(users={"u": _BOB})),
    looking("preferences-no-map", config(preferences=5)),
    looking("entry-null", config(users=[None, *config()["users"]])),
    looking("entry-without-name", config(users=[{"user": _BOB}, *config()["users"]])),
    looking("entry-without-name-is-nobody-s", config(users=[{"user": _BOB}], contexts=[{"name": "x", "context": {"cluster": "c"}}])),
    looking("entry-user-null", config(users=[{"name": "z", "user": None}, *config()["users"]])),
    looking("user-null", config(users=[{"name": "u", "user": None}])),
    looking("users-of-one-name", config(users=_TWO)),
    looking("clusters-of-one-name", config(clusters=[{"name": "c", "cluster": cluster()}] * 2)),
    looking("contexts-of-one-name", config(contexts=config()["contexts"] * 2)),
    looking("two-entries-null", config(users=[None, None, *config()["users"]])),
    looking("many-contexts", config(contexts=config()["contexts"] + [{"name": f"n{each}", "context": {"cluster": "c", "user": "u"}} for each in range(2000)])),
    looking("extensions-of-minikube", config(context={"extensions": [{"name": "context_info", "extension": {"version": "v1"}}]})),
    looking("extension-null", config(cluster(extensions=[{"name": "x", "extension": None}]))),
    looking("compression-off", config(cluster(disable_compression=True))),
    looking("deep", "a: " + "[" * 200 + "]" * 200 + "\n" + text()),
    case("no-current-context", config(current_context="")),
    case("no-current-context-but-flags", config(current_context=""), "--cluster", "c", "--user", "u"),
    case("current-context-missing", config(current_context="gone")),
    case("current-context-missing-but-flag", config(current_context="gone"), "--context", "x"),
    case("current-context-missing-but-other-flags", config(current_context="gone"), "--cluster", "c", "--user", "u"),
    case("context-flag-missing", config(), "--context", "gone"),
    case("context-flag-empty", config(), "--context", ""),
    case("cluster-flag-missing", config(), "--cluster", "gone"),
    case("user-flag-missing", config(), "--user", "gone"),
    case("user-flag", config(users=[*config()["users"], {"name": "v", "user": _BOB}]), "--user", "v"),
    case("context-with-a-cluster-that-is-missing", config(contexts=[{"name": "x", "context": {"cluster": "gone", "user": "u"}}])),
    case(
        "context-with-a-cluster-that-is-missing-but-server",
        config(contexts=[{"name": "x", "context": {"cluster": "gone", "user": "u"}}]), "--server", "%{server}", "--certificate-authority", "%{ca}",
    ),
    case("context-with-an-odd-name", json.dumps(config()).replace('"x"', '"arn:aws:eks:eu-1:1:cluster/ü x"')),
    case("namespace", config(context={"namespace": "kube-system"})),
    case("namespace-flag", config(context={"namespace": "kube-system"}), "-n", "default"),
    case("namespace-flag-empty", config(context={"namespace": "kube-system"}), "-n", ""),
    case("namespace-flag-equals", config(), "-n=kube-system"),
    case("namespace-flag-joined", config(), "-nkube-system"),
    case("namespace-flag-in-capitals", config(), "-n", "Default"),
    case("namespace-of-slashes", config(context={"namespace": "a/b"})),
    case("namespace-of-dots", config(context={"namespace": ".."})),
    case("namespace-flag-of-dots", config(), "-n", "../x"),
    case("namespace-flag-of-a-dot", config(), "-n", "."),
    case("namespace-flag-of-percent", config(), "-n", "a%2fb"),
    case("namespace-date", text(lambda dumped: dumped.replace("NS", "2024-01-01"), context={"namespace": "NS"})),
    word("date", "2024-01-01"),
    word("date-and-time", "2024-01-01T10:00:00Z"),
    word("sexagesimal", "12:30"),
    word("yes", "yes"),
    word("y", "y"),
    word("off", "off"),
    word("number", "12"),
    word("0999", "0999"),
    word("1e3", "1e3"),
    word("0o17", "0o17"),
    word("0x1f", "0x1f"),
    word("underscore", "1_000"),
    word("underscore-first", "_1"),
    word("equals-sign", "="),
    word("tilde", "~"),
    word("infinity", ".inf"),
    word("version", "1.2.3"),
    word("merge-sign", "<<"),
    word("quoted-number", '"12"'),
    unused("user-named-by-a-number", {}, 12),  # type: ignore[arg-type]
    unused("env-of-a-number", {"exec": {"command": "x", "env": [{"name": "A", "value": 1}]}}),
    unused("env-without-value", {"exec": {"command": "x", "env": [{"name": "A"}]}}),
    unused("plugin-without-command", {"exec": {"apiVersion": "client.authentication.k8s.io/v1"}}),
    unused("token-of-a-number", {"token": 1}),
    unused("certificate-missing", {"client-certificate": "gone", "client-key": "gone"}),
    unused("token-and-password", {"token": "a", "username": "b"}),
    unused("certificate-no-base64", {"client-certificate-data": "%%"}),
    case("unused-cluster-no-base64", config(clusters=[
        *config()["clusters"], {"name": "z", "cluster": {"server": "x", "certificate-authority-data": "%%"}},
    ])),
]
