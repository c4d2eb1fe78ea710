"""Exec credential plugins: how they are named, what they are told, what they may answer, whether they may run."""

import json
from typing import Any

from tests.parity.case import Case, Config, case, cluster, config

_GROUP = "client.authentication.k8s.io/"
_BOB = {"token": "%{boris}"}


def plugin(command: str = "./plug", version: str = "v1", **entries: Any) -> Config:
    described = {"apiVersion": _GROUP + version, "command": command, "interactiveMode": "IfAvailable", **entries}
    return {"exec": {key: each for key, each in described.items() if each != "absent"}}


def script(status: Any = _BOB, version: str = "v1", text: str | None = None, first: str = "", code: int = 0, line: str = "#!/bin/sh\n") -> str:
    """A plugin that keeps what it is told and prints a credential."""
    answer = json.dumps({"apiVersion": _GROUP + version, "kind": "ExecCredential", "status": status}) if text is None else text
    return f"""{line}printf '%s' "${{KUBERNETES_EXEC_INFO:-null}}" > '%{{dir}}/told'\n{first}\ncat <<'END'\n{answer}\nEND\nexit {code}\n"""


def plain(name: str, program: str | None = None, who: Config | None = None, **entries: Any) -> Case:
    return case(name, config(who={**plugin(**entries), **(who or {})}), files={"plug": script() if program is None else program})


def answering(name: str, text: str) -> Case:
    return plain(name, script(text=text))


def expiring(name: str, when: Any) -> Case:
    return plain(name, script({**_BOB, "expirationTimestamp": when}))


def kuberc(name: str, text: str, *flags: str, environ: dict[str, str | None] | None = None, file: str = "kuberc", **entries: Any) -> Case:
    head = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n"
    files = {"plug": script(), file: text if text.startswith(("api", "#", "{", "---")) else head + text}
    surroundings = {"KUBERC": "%{dir}/kuberc"} if environ is None else environ
    return case(name, config(who=plugin(**entries)), *flags, files=files, environ=surroundings)


_JSON = {"apiVersion": _GROUP + "v1", "kind": "ExecCredential", "status": _BOB}
_CERT = {"client-certificate": "a.crt", "client-key": "a.key"}
_FILES = {"a.crt": "%{crt}", "a.key": "%{key}", "plug": script()}
_OTHER_CERT = {"clientCertificateData": "%{crt2}", "clientKeyData": "%{key2}"}
_LISTED = "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n"


def certified(name: str, status: Any) -> Case:
    """Credentials of several lines have to be JSON already when they are filled in, so they are made of a file of their own."""
    body = 'sed "s/^/    /" "%{dir}/crt" > /dev/null; python3 - <<\'P\'\nimport json\n' + (
        f"status = json.loads('''{json.dumps(status)}''')\n"
        "for key, each in status.items():\n    status[key] = open('%{dir}/' + each[1:]).read() if each.startswith('@') else each\n"
        f"print(json.dumps({{'apiVersion': '{_GROUP}v1', 'kind': 'ExecCredential', 'status': status}}))\nP\nexit 0"
    )
    return case(name, config(who=plugin()), files={"plug": script(first=body), "crt": "%{crt2}", "key": "%{key2}"})


CASES: list[Case] = [
    plain("plugin-v1"),
    plain("plugin-v1beta1", script(version="v1beta1"), version="v1beta1"),
    plain("plugin-v1beta1-without-mode", script(version="v1beta1"), version="v1beta1", interactiveMode="absent"),
    plain("plugin-v1alpha1", script(version="v1alpha1"), version="v1alpha1"),
    plain("plugin-without-mode", interactiveMode="absent"),
    plain("plugin-mode-always", interactiveMode="Always"),
    plain("plugin-mode-unknown", interactiveMode="Sometimes"),
    plain("plugin-without-command", command=""),
    plain("plugin-without-version", apiVersion="absent"),
    plain("plugin-env-without-name", env=[{"name": "", "value": "x"}]),
    plain("plugin-env-without-value", env=[{"name": "AWS_PROFILE"}]),
    plain("plugin-env-null", env=[{"name": "AWS_PROFILE", "value": None}], args=None),
    plain("plugin-env-number", env=[{"name": "A", "value": 1}]),
    plain("plugin-env-entry-null", env=[None]),
    plain("plugin-env-with-equals-sign", script(first='[ "$A" = B=2 ] || exit 9'), env=[{"name": "A=B", "value": "2"}]),
    plain("plugin-env-with-nul", env=[{"name": "A", "value": "a\0b"}]),
    plain("plugin-argument-with-nul", args=["a\0b"]),
    plain(
        "plugin-env-and-arguments", script(first='[ "$WHO" = b ] && [ "$1" = "a b" ] && [ "$2" = "\\$HOME" ] || exit 9'),
        env=[{"name": "WHO", "value": "b"}], args=["a b", "$HOME"],
    ),
    plain("plugin-bare-name-beside-the-kubeconfig", command="plug"),
    plain("plugin-bare-name-on-its-own-path", command="plug", env=[{"name": "PATH", "value": "%{dir}:/usr/bin:/bin"}]),
    case("plugin-on-path", config(who=plugin("plug")), files={"plug": script()}, environ={"PATH": "%{dir}:/usr/bin:/bin"}),
    case("plugin-in-the-working-folder", config(who=plugin("plug")), files={"plug": script()}, environ={"PATH": ".:/usr/bin:/bin"}),
    case("plugin-on-no-path", config(who=plugin("plug")), files={"plug": script()}, environ={"PATH": None}),
    case("plugin-relative", config(who=plugin("bin/plug")), files={"bin/plug": script()}, within="elsewhere"),
    case("plugin-not-executable", config(who=plugin("./other")), files={"other": script()}),
    plain("plugin-without-hash-bang", script(line="")),
    case("plugin-missing", config(who=plugin("no-such-plugin", installHint="get it\x1b[31m at\nhttps://x"))),
    plain("plugin-fails", script(code=3, first="echo please log in >&2")),
    plain("plugin-401", script({"token": "nope"})),
    plain("plugin-cluster", provideClusterInfo=True),
    case("plugin-cluster-details", config(
        cluster(tls_server_name="localhost", disable_compression=True, extensions=[
            {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "a", "n": 1}}, {"name": "other", "extension": None},
        ]), plugin(provideClusterInfo=True),
    ), files={"plug": script()}),
    case("plugin-cluster-with-slashes", config(cluster(server="%{server}//"), plugin(provideClusterInfo=True)), files={"plug": script()}),
    case("plugin-cluster-with-path", config(
        cluster(server="https://127.0.0.1:%{gateway}/k8s/clusters/c-1?x=y#f"), plugin(provideClusterInfo=True),
    ), files={"plug": script()}),
    case("plugin-cluster-insecure", config(
        {"server": "%{server}", "insecure-skip-tls-verify": True}, plugin(provideClusterInfo=True),
    ), files={"plug": script()}),
    case("plugin-cluster-proxy", config(cluster(proxy_url="http://127.0.0.1:%{connect}"), plugin(provideClusterInfo=True)), files={
        "plug": script(),
    }),
    # --- beside other credentials
    case("plugin-and-certificate", config(who=_CERT | plugin()), files=_FILES),
    case("plugin-that-fails-and-certificate", config(who=_CERT | plugin()), files=_FILES | {"plug": script(code=3)}),
    case("plugin-of-old-version-and-token", config(who={"token": "%{anna}"} | plugin(version="v1alpha1")), files=_FILES),
    case("plugin-and-password", config(who={"username": "boris", "password": "x"} | plugin()), files=_FILES),
    case("plugin-and-password-without-name", config(who={"password": "x"} | plugin()), files=_FILES),
    case("plugin-and-token", config(who={"token": "%{anna}"} | plugin()), files=_FILES),
    case("plugin-and-token-file", config(who={"tokenFile": "t"} | plugin()), files=_FILES | {"t": "%{anna}"}),
    case("plugin-and-token-flag", config(who=plugin()), "--token", "%{anna}", files=_FILES),
    case("plugin-and-certificate-flags", config(who=plugin()), "--client-certificate", "a.crt", "--client-key", "a.key", files=_FILES),
    case("plugin-and-auth-provider", config(who={"auth-provider": {"name": "oidc"}} | plugin()), files=_FILES),
    case("plugin-null", config(who={"token": "%{anna}", "exec": None})),
    # --- what it answers
    plain("answer-without-status", script(text='{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential"}')),
    plain("answer-empty-token", script({"token": ""})),
    certified("answer-certificate", {"clientCertificateData": "@crt", "clientKeyData": "@key"}),
    certified("answer-certificate-and-token", {"clientCertificateData": "@crt", "clientKeyData": "@key", "token": "%{boris}"}),
    plain("answer-certificate-of-rubbish", script({"clientCertificateData": "bad", "clientKeyData": "bad"})),
    certified("answer-certificate-without-key", {"clientCertificateData": "@crt"}),
    certified("answer-certificate-without-key-and-token", {"clientCertificateData": "@crt", "token": "%{boris}"}),
    plain("answer-token-with-line-end", script({"token": "%{boris}\n"})),
    plain("answer-of-another-version", script(version="v1beta1")),
    answering("answer-in-yaml", f"apiVersion: {_GROUP}v1\nkind: ExecCredential\nstatus:\n  token: '%{{boris}}'"),
    answering("answer-in-two-documents", f"apiVersion: {_GROUP}v1\nkind: ExecCredential\nstatus:\n  token: '%{{boris}}'\n---\na: 1"),
    answering("answer-with-words-after", json.dumps(_JSON) + "\nDone!"),
    answering("answer-with-words-before", "Warning: x\n" + json.dumps(_JSON)),
    answering("answer-with-blank-lines", "\n\n  " + json.dumps(_JSON) + "\n\n"),
    answering("answer-with-byte-order-mark", "\ufeff" + json.dumps(_JSON)),
    answering("answer-twice", json.dumps(_JSON) + json.dumps(_JSON)),
    answering("answer-half-of-a-pair", json.dumps({**_JSON, "x": "PAIR"}).replace("PAIR", "\\ud800")),
    answering("answer-list", "[]"),
    answering("answer-empty", ""),
    answering("answer-number-for-token", json.dumps({**_JSON, "status": {"token": 1}})),
    answering("answer-keys-in-capitals", json.dumps({**_JSON, "status": {"Token": "%{boris}"}})),
    answering("answer-without-kind", json.dumps({**_JSON, "kind": None})),
    answering("answer-of-another-kind", json.dumps({**_JSON, "kind": "Pod"})),
    answering("answer-without-version", json.dumps({**_JSON, "apiVersion": None})),
    answering("answer-of-another-group", json.dumps({**_JSON, "apiVersion": "v1"})),
    plain("answer-unknown-fields", script({**_BOB, "x": 1})),
    plain("answer-nulls", script({**_BOB, "clientCertificateData": None, "clientKeyData": None, "expirationTimestamp": None})),
    answering("answer-with-a-spec-of-another-type", json.dumps({**_JSON, "spec": {"interactive": "no"}})),
    answering("answer-with-spec", json.dumps({**_JSON, "spec": {"interactive": False}})),
    expiring("expiry-with-offset", "2099-01-01T00:00:00+02:00"),
    expiring("expiry-with-fraction", "2099-01-01T00:00:00.123456789Z"),
    expiring("expiry-without-zone", "2099-01-01T00:00:00"),
    expiring("expiry-of-a-day", "2099-01-01"),
    expiring("expiry-empty", ""),
    expiring("expiry-in-words", "tomorrow"),
    expiring("expiry-number", 4102444800),
    expiring("expiry-in-small-letters", "2099-01-01t00:00:00z"),
    expiring("expiry-with-blank", "2099-01-01 00:00:00Z"),
    expiring("expiry-with-offset-without-colon", "2099-01-01T00:00:00+0200"),
    expiring("expiry-with-comma", "2099-01-01T00:00:00,5Z"),
    expiring("expiry-hour-of-one-digit", "2099-01-01T1:00:00Z"),
    expiring("expiry-in-year-0", "0000-01-01T00:00:00Z"),
    expiring("expiry-on-no-day", "2099-02-30T00:00:00Z"),
    expiring("expiry-past", "2001-01-01T00:00:00Z"),
    # --- what kuberc says (KEP-3104)
    kuberc("kuberc-deny", "credentialPluginPolicy: DenyAll\n"),
    kuberc("kuberc-allow", "credentialPluginPolicy: AllowAll\n"),
    kuberc("kuberc-empty-policy", "credentialPluginPolicy: ''\n"),
    kuberc("kuberc-unknown-policy", "credentialPluginPolicy: denyall\n"),
    kuberc("kuberc-list-of-others", _LISTED + "- command: aws\n"),
    kuberc("kuberc-list-of-a-bare-name", _LISTED + "- command: plug\n"),
    kuberc("kuberc-list-of-the-path", _LISTED + "- command: '%{dir}/plug'\n"),
    kuberc("kuberc-list-of-the-path-by-its-old-name", _LISTED + "- name: '%{dir}/plug'\n"),
    kuberc("kuberc-list-of-two-names", _LISTED + "- name: '%{dir}/plug'\n  command: aws\n"),
    kuberc("kuberc-list-with-an-empty-entry", _LISTED + "- {}\n- command: '%{dir}/plug'\n"),
    kuberc("kuberc-list-with-a-winding-path", _LISTED + "- command: '%{dir}/elsewhere/../plug'\n"),
    kuberc("kuberc-empty-list", "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: []\n"),
    kuberc("kuberc-no-list", "credentialPluginPolicy: Allowlist\n"),
    kuberc("kuberc-list-without-policy", "credentialPluginAllowlist:\n- command: aws\n"),
    kuberc("kuberc-list-beside-deny", "credentialPluginPolicy: DenyAll\ncredentialPluginAllowlist:\n- command: '%{dir}/plug'\n"),
    kuberc("kuberc-unknown-key", "credentialPluginPolicy: DenyAll\nfoo: 1\n"),
    kuberc("kuberc-wrong-type", "credentialPluginPolicy: [DenyAll]\n"),
    kuberc("kuberc-old-version", "apiVersion: kubectl.config.k8s.io/v1alpha1\nkind: Preference\ncredentialPluginPolicy: DenyAll\n"),
    kuberc("kuberc-other-version", "apiVersion: kubectl.config.k8s.io/v9\nkind: Preference\ncredentialPluginPolicy: DenyAll\n"),
    kuberc(
        "kuberc-second-document",
        "---\napiVersion: v1\nkind: Config\n---\napiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: DenyAll\n",
    ),
    kuberc("kuberc-of-remarks", "# nothing\n"),
    kuberc("kuberc-no-yaml", "{{{"),
    kuberc("kuberc-missing", "credentialPluginPolicy: DenyAll\n", environ={"KUBERC": "%{dir}/gone"}),
    kuberc("kuberc-off", "credentialPluginPolicy: DenyAll\n", environ={"KUBERC": "off"}),
    kuberc("kuberc-off-and-flag", "credentialPluginPolicy: DenyAll\n", "--kuberc", "%{dir}/kuberc", environ={"KUBERC": "off"}),
    kuberc("kuberc-switched-off", "credentialPluginPolicy: DenyAll\n", environ={"KUBERC": "%{dir}/kuberc", "KUBECTL_KUBERC": "false"}),
    kuberc("kuberc-flag", "credentialPluginPolicy: DenyAll\n", "--kuberc", "%{dir}/kuberc", environ={"KUBERC": None}),
    kuberc("kuberc-flag-over-variable", "credentialPluginPolicy: DenyAll\n", "--kuberc=%{dir}/kuberc", environ={"KUBERC": "/gone"}),
    kuberc("kuberc-flag-missing", "credentialPluginPolicy: DenyAll\n", "--kuberc", "%{dir}/gone", environ={"KUBERC": None}),
    kuberc("kuberc-at-home", "credentialPluginPolicy: DenyAll\n", environ={"KUBERC": None, "HOME": "%{dir}/h"}, file="h/.kube/kuberc"),
    kuberc("kuberc-at-home-broken", "{{{", environ={"KUBERC": None, "HOME": "%{dir}/h"}, file="h/.kube/kuberc"),
    case("kuberc-nonsense-without-plugin", config(), environ={"KUBERC": "%{dir}/kuberc"}, files={
        "kuberc": "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPluginPolicy: x\n",
    }),
]
