"""Inside a pod: what is taken from its service account, and what is not."""

from typing import Any

from tests.parity.case import Case, config

_ACCOUNT = {"sa/token": "%{boris}", "sa/namespace": "kube-system", "sa/ca.crt": "%{authority}"}
_AROUND = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "%{port}", "KUBECONFIG": None, "HOME": "/nonexistent"}


def inside(name: str, *flags: str, kubeconfig: Any = None, **environ: str | None) -> Case:
    files = _ACCOUNT | ({"config": kubeconfig} if kubeconfig is not None else {})
    around = _AROUND | ({"KUBECONFIG": "%{dir}/config"} if kubeconfig is not None else {}) | environ
    return Case(f"pod-{name}", files, flags, environ=around, pod=True)


_LOST = config(contexts=[{"name": "x", "context": {"cluster": "gone", "user": "u"}}])

CASES: list[Case] = [
    inside("plain"),
    inside("namespace-flag", "-n", "default"),
    inside("namespace-variable", POD_NAMESPACE="default"),
    inside("context-flag", "--context", "prod"),
    inside("user-flag", "--user", "x"),
    inside("cluster-flag", "--cluster", "x"),
    inside("server-flag", "--server", "%{server}", "--certificate-authority", "%{ca}"),
    inside("server-flag-plain", "--server", "http://127.0.0.1:%{plain}"),
    inside("server-flag-and-token", "--server", "%{server}", "--certificate-authority", "%{ca}", "--token", "%{anna}"),
    inside("token-flag", "--token", "%{anna}"),
    inside("insecure-flag", "--insecure-skip-tls-verify"),
    inside("name-flag", "--tls-server-name", "other.example"),
    inside("as-flag", "--as", "anna"),
    inside("password-flags", "--username", "a", "--password", "b"),
    inside("timeout-flag", "--request-timeout", "20s"),
    inside("kubeconfig-flag-empty-file", "--kubeconfig", "/dev/null"),
    inside("kubeconfig-variable-missing-file", KUBECONFIG="/gone"),
    inside("kubeconfig", kubeconfig=config()),
    inside("kubeconfig-without-current-context", kubeconfig=config(current_context="")),
    inside("kubeconfig-with-a-cluster-that-is-missing", kubeconfig=_LOST),
    inside("server-variable", KUBERNETES_MASTER="http://127.0.0.1:%{plain}"),
    inside("half", KUBERNETES_SERVICE_PORT=None),
]
