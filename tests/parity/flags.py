"""kubectl's flags, and the ways to write them."""

from tests.parity.case import Case, case, config


def typed(name: str, *flags: str) -> Case:
    return case(f"flag-{name}", config(), *flags)


CASES: list[Case] = [
    typed("timeout-bare", "--request-timeout", "5"),
    typed("timeout-zero", "--request-timeout=0"),
    typed("timeout-fraction", "--request-timeout=1.5s"),
    typed("timeout-of-words", "--request-timeout=abc"),
    typed("timeout-in-microseconds", "--request-timeout=9000000us"),
    typed("timeout-in-microseconds-greek", "--request-timeout=9000000µs"),
    typed("timeout-with-sign", "--request-timeout=+9"),
    typed("timeout-negative", "--request-timeout=-1ns"),
    typed("timeout-negative-without-unit", "--request-timeout=-1"),
    typed("timeout-empty", "--request-timeout="),
    typed("timeout-composed", "--request-timeout=1m0.5s"),
    typed("timeout-without-digit-before-the-point", "--request-timeout=.5m"),
    typed("timeout-without-unit-after-one", "--request-timeout=1m5"),
    case("flag-timeout-over", config({"server": "https://127.0.0.1:1"}), "--request-timeout", "1s"),
    typed("cache-dir", "--cache-dir", "/tmp/x"),
    typed("disable-compression", "--disable-compression"),
    typed("disable-compression-false", "--disable-compression=false"),
    typed("disable-compression-of-words", "--disable-compression=perhaps"),
    typed("v-6", "-v", "6"),
    typed("v-equals-6", "-v=6"),
    typed("v-6-joined", "-v6"),
    typed("v-long", "--v=6"),
    typed("v-of-words", "--v=loud"),
    typed("kuberc", "--kuberc", "off"),
    typed("profile", "--profile", "none"),
    typed("profile-output", "--profile-output", "/tmp/x"),
    typed("log-flush-frequency", "--log-flush-frequency", "5s"),
    typed("vmodule", "--vmodule", "a=1"),
    typed("match-server-version", "--match-server-version"),
    typed("warnings-as-errors", "--warnings-as-errors"),
    typed("underscore", "--request_timeout=9s"),
    typed("no-headers-false", "--no-headers=false"),
    typed("all-namespaces-true", "-A=true"),
    typed("all-namespaces-false", "-A=false"),
    typed("unknown", "--no-such-flag"),
]
