"""Where kubectl-pets ends otherwise than kubectl, on purpose: the reason, and the cases that show it. docs/installing.md has the reasons."""

DIFFERENCES: dict[str, tuple[str, ...]] = {
    "A redirect is not followed: an API server sends none, and what it leads to would get the credentials.": ("server-gateway-redirect",),
    "`--as-user-extra` without `KEY=VALUE` is an error; kubectl leaves it out and plays somebody else.": ("as-flag-extra-without-value",),
    "Who is impersonated, or a group or extra of theirs, neither begins nor ends with a blank: HTTP/1.1 would lose it on the way.": (
        "as-groups-with-blanks",
    ),
    "`--warnings-as-errors` and `--match-server-version` are not taken: they are about what kubectl itself prints and is.": (
        "flag-warnings-as-errors",
    ),
    "An escaped slash in a kubeconfig is read, as JSON has it; kubectl reads all as YAML, which did not know it.": ("file-json-with-escaped-slash",),
    "A namespace that is no DNS label is an error; kubectl asks for it and finds nothing.": ("namespace-flag-in-capitals",),
    "In a pod `--as` and `--request-timeout` are about its own cluster; kubectl then asks localhost:8080.": ("pod-as-flag", "pod-timeout-flag"),
    "In a pod `--username`, `--client-certificate` and `--client-key` without a cluster are errors; kubectl goes on as the service account.": (
        "pod-password-flags",
    ),
    "A context whose cluster is missing is an error in a pod, too; kubectl takes the pod's own.": ("pod-kubeconfig-with-a-cluster-that-is-missing",),
}
