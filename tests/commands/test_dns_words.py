"""``kubectl pets dns`` against a cluster of plain values: what is typed, what is asked, how it ends, and what is said of it."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from msgspec.structs import replace

from kubectl_pets import __main__ as door
from kubectl_pets.domain.dns.answers import ClientView, Question, Server, ServerAnswers
from kubectl_pets.domain.dns.corefile import CorefileText, read_corefile
from kubectl_pets.domain.dns.network import Network
from kubectl_pets.domain.sets.kinds import APPS_SET, SetKind
from kubectl_pets.errors import ForbiddenError, NotFoundError, ThrottledError, UnreachableError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.names import await_right_names
from kubectl_pets.ports.dns import DnsWhere
from kubectl_pets.session import Cluster, Session
from tests.domain.dns.builders import COREFILE, NOW, network, pod, statefulset
from tests.domain.dns.coredns import CoreDns
from tests.domain.dns.test_diagnosis import BEFORE, HEALTHY, JUST_READY, RESOLV
from tests.terminal import FakeTerminal

RIGHT = ("create", "pods/portforward")


class Scripted:
    """A cluster, its watch and its DNS servers. What happens is a list of (network, what each server knows); each round of
    questions brings the next, the last one stays. Time goes on by a second a round."""

    def __init__(self, *scenes: tuple[Network, Sequence[Network]], corefile: str | None = COREFILE, denied: bool = False) -> None:
        self.scenes, self._corefile, self.denied = list(scenes), corefile, denied
        self.rounds, self.reads = 0, 0
        self.asked: list[Question] = []
        self.wheres: list[DnsWhere] = []
        self.cache = ""
        self.looked: list[tuple[str, str, tuple[str, ...]]] = []
        self.view = ClientView(pod="client", resolv_conf=RESOLV)

    namespace = "prod"

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.rounds)

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> "Scripted":
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing is open."""

    def network(self, namespace: str, name: str, kind: SetKind = APPS_SET) -> Network:
        self.reads += 1
        if name != self.scenes[0][0].set.name:
            raise NotFoundError(f"no StatefulSet {name} in namespace {namespace}")
        return self.scenes[0][0]

    def watch_network(self, namespace: str, name: str, kind: SetKind = APPS_SET) -> "Scripted":
        return self

    def latest(self) -> Network:
        return self.scenes[0][0]

    def wait(self, timeout: float | None) -> bool:
        if len(self.scenes) > 1:
            del self.scenes[0]
        return True

    def trouble(self) -> str | None:
        return None

    def corefile(self, where: DnsWhere = DnsWhere()) -> CorefileText | None:
        return None if self._corefile is None else CorefileText(namespace="kube-system", name="own-coredns", text=self._corefile)

    def node_cache(self) -> str:
        return self.cache

    def resolver(self, where: DnsWhere) -> "Scripted":
        self.wheres.append(where)
        return self

    def ask(self, questions: Sequence[Question]) -> tuple[ServerAnswers, ...]:
        self.rounds += 1
        self.asked = list(questions)
        settings = read_corefile(COREFILE)
        assert settings is not None
        if self.denied:
            server = Server(name="coredns-0", namespace="kube-system")
            return (ServerAnswers(server=server, asked_at=self.now(), trouble="forbidden", missing_right=RIGHT),)
        knows = self.scenes[0][1]
        return tuple(CoreDns(each, settings).hear(questions, f"coredns-{number}", self.now()) for number, each in enumerate(knows))

    def look_from(self, namespace: str, pod: str, names: Sequence[str]) -> ClientView:
        self.looked.append((namespace, pod, tuple(names)))
        return self.view


def run(cluster: Scripted, *words: str, live: bool = False) -> tuple[int, str, str]:
    terminal = FakeTerminal()
    terminal.live = live
    code = door.run(["dns", *words], Session(terminal=terminal, connect=lambda flags: cast(Cluster, cluster)))
    return code, terminal.stdout_text, terminal.stderr_text


def well() -> Scripted:
    return Scripted((HEALTHY, (HEALTHY, HEALTHY)))


def ill() -> Scripted:
    return Scripted((JUST_READY, (JUST_READY, BEFORE)))


# --- one look ----------------------------------------------------------------------------------------------------------------


def test_all_is_right() -> None:
    code, out, err = run(well(), "web")
    assert code == 0 and out.splitlines()[0].split()[-2:] == ["VERDICT", "REASON"]
    assert [line.split()[0] for line in out.splitlines()[1:4]] == ["web-0", "web-1", "web-2"]
    assert err == "8 of 8 names right at 2 servers; cluster domain cluster.local, from the Corefile\n"
    assert run(well(), "statefulset/web", "--check")[0] == 0


def test_findings_are_an_exit_code_only_where_it_was_asked_for() -> None:
    assert run(ill(), "web")[0] == 0
    assert run(ill(), "web", "--check")[0] == 7
    assert "cached" in run(ill(), "web")[1]


def test_what_was_not_resolved_is_a_finding() -> None:
    for cluster in (Scripted((HEALTHY, ())), Scripted((HEALTHY, (HEALTHY,)), denied=True)):
        code, out, err = run(cluster, "web", "--check")
        assert code == 7 and "not resolved" in out and "right" not in [line.split()[-2] for line in out.splitlines()[1:]]
    assert "not checked: needs create pods/portforward" in err


def test_only_some_pods() -> None:
    cluster = well()
    code, out, _ = run(cluster, "web", "2", "web-1", "pod/web-2", "--no-headers")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == ["web-1", "web-2", "PTR"]
    assert not any("web-0" in question.name for question in cluster.asked)
    assert run(ill(), "web", "0", "--check")[0] == 0
    code, _, err = run(well(), "web", "3")
    assert code == 2 and "ordinals 0 to 2" in err
    code, _, err = run(Scripted((network(owner=statefulset(replicas=0)), ())), "web", "0")
    assert code == 2 and "no pods" in err


def test_documents() -> None:
    document = json.loads(run(ill(), "web", "-o", "json")[1])
    assert document["kind"] == "DnsDiagnosis" and document["right"] is False
    assert "kind: DnsDiagnosis" in run(ill(), "web", "-o", "yaml")[1]
    assert "web-1.nginx.prod.svc.cluster.local" in run(well(), "web", "-o", "wide")[1]


def test_no_such_set() -> None:
    code, _, err = run(well(), "db")
    assert code == 1 and "no StatefulSet db" in err


def test_whom_to_ask() -> None:
    cluster = well()
    run(cluster, "web", "--dns-selector", "dns/app=dns")
    run(cluster, "web", "--dns-server", "10.0.0.1:53")
    assert cluster.wheres == [DnsWhere(selector="dns/app=dns"), DnsWhere(server="10.0.0.1:53")]
    assert run(well(), "web", "--dns-server", "10.0.0.1", "--dns-selector", "dns/app=dns")[0] == 2


def test_a_cache_on_the_nodes_is_told_where_it_was_not_asked() -> None:
    cluster = well()
    cluster.cache = "kube-system/k8s-app=node-local-dns"
    _, _, err = run(cluster, "web")
    assert "NodeLocal DNSCache (kube-system/k8s-app=node-local-dns)" in err and "was not asked" in err
    cluster.view = ClientView(pod="client", resolv_conf="nameserver 10.0.0.2\n", getent={"web-0.nginx": ("10.0.0.7",)})
    _, _, err = run(cluster, "web", "--from", "client")  # which asks its node's servers
    assert "was not asked" in err
    cluster.view = ClientView(pod="client", resolv_conf=RESOLV, trouble="no shell")
    _, _, err = run(cluster, "web", "--from", "client")
    assert "was not asked" in err
    for conf in (RESOLV, "nameserver 169.254.20.10\n"):
        cluster.view = ClientView(pod="client", resolv_conf=conf, getent={"web-0.nginx": ("10.0.0.7",)})
        _, _, err = run(cluster, "web", "--from", "client")
        assert "was asked through client, on its node; those of other nodes were not" in err and "which was not asked" not in err
    _, _, err = run(cluster, "web", "--dns-selector", "kube-system/k8s-app=node-local-dns")
    assert "NodeLocal" not in err


def test_the_port_of_the_dns_pods() -> None:
    cluster = well()
    run(cluster, "web", "--dns-port", "1053")
    assert cluster.wheres == [DnsWhere(port=1053)]
    assert run(cluster, "web", "--dns-port", "1053", "--dns-server", "10.0.0.1")[0] == 2


def test_a_hint_names_the_config_map_that_was_read() -> None:
    cluster = well()
    cluster._corefile = COREFILE.replace("ttl 30", "namespaces kube-system")
    cluster.scenes = [(HEALTHY, [network()])]  # nothing is known to the server
    _, out, _ = run(cluster, "explain", "web", "0")
    assert "kubectl get configmap own-coredns -o yaml -n kube-system" in out


def test_a_server_that_was_named_need_not_have_the_cluster_s_corefile() -> None:
    hidden = COREFILE.replace("ttl 30", "namespaces other")
    cluster = Scripted((BEFORE, (BEFORE,)), corefile=hidden)
    links = {link["check"]: link for link in json.loads(run(cluster, "web", "--dns-server", "10.0.0.1", "-o", "json")[1])["names"][1]["links"]}
    assert links["corefile"]["state"] == "skipped"


def test_the_cluster_s_domain() -> None:
    cluster = well()
    run(cluster, "web", "--cluster-domain", "example.org")
    assert cluster.asked[0].name == "web-0.nginx.prod.svc.example.org"
    unread = Scripted((HEALTHY, (HEALTHY,)), corefile=None)
    unread.view = ClientView(pod="client", resolv_conf=RESOLV.replace("cluster.local", "k8s.org"))
    run(unread, "web", "--from", "client")
    assert unread.asked[0].name == "web-0.nginx.prod.svc.k8s.org"
    assert unread.looked[0] == ("prod", "client", ())


def test_the_client_s_side() -> None:
    cluster = well()
    full = "web-0.nginx.prod.svc.cluster.local"
    cluster.view = ClientView(pod="client", resolv_conf="nameserver 1.1.1.1\n", getent={full: ()})
    code, out, _ = run(cluster, "web", "0", "--from", "other/client", "--check")
    assert code == 7 and "not seen" in out and "does not search" in out
    assert cluster.looked == [("other", "client", ()), ("other", "client", (full, "web-0.nginx.prod"))]  # first the zone that it asks in
    run(cluster, "web", "0", "--from", "pod/client")
    assert cluster.looked[-1][0] == "prod"


# --- explain -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("explain", "web", "1"), ("-o", "table", "explain", "statefulset/web", "web-1"), ("-n", "prod", "explain", "web", "pod/web-1")])
def test_explain(words: tuple[str, ...]) -> None:
    code, out, _ = run(ill(), *words)
    assert code == 0 and out.startswith("prod/web-1  missing") and "✘ servers" in out


def test_explain_for_programs() -> None:
    document = json.loads(run(ill(), "explain", "web", "1", "-o", "json")[1])
    assert [name["kind"] for name in document["names"]] == ["pod", "reverse"]


def test_a_set_that_is_called_explain() -> None:
    found = replace(network(pod(0, name="explain"), owner=statefulset(name="explain", replicas=1)))
    cluster = Scripted((found, (found,)))
    code, out, _ = run(cluster, "statefulset/explain")
    assert code == 0 and "explain-0" in out and out.startswith("NAME")
    assert run(cluster, "explain", "explain", "0")[1].startswith("prod/explain-0  right")
    assert run(cluster, "explain")[0] == 2
    assert run(well(), "-w", "explain", "web", "0")[0] == 2  # a flag that explain does not have
    assert run(cluster, "-n", "explain", "statefulset/explain")[0] == 0  # the value of a flag is no verb


# --- watching ----------------------------------------------------------------------------------------------------------------


def converging() -> Scripted:
    return Scripted((BEFORE, (BEFORE, BEFORE)), (JUST_READY, (JUST_READY, BEFORE)), (JUST_READY, (JUST_READY, JUST_READY)))


def test_it_ends_when_everything_resolves() -> None:
    cluster = converging()
    code, out, err = run(cluster, "web", "-w")
    assert code == 0 and cluster.reads == 1  # it was read once more before it was called right
    told = [line.split(" ", 1)[1] for line in out.splitlines() if "web-1.nginx.prod.svc" in line and "leaves out" not in line]
    assert told[0].startswith("web-1.nginx.prod.svc.cluster.local missing: the pod is not Ready")
    assert told[1].startswith("web-1.nginx.prod.svc.cluster.local missing: kube-system/coredns-1: may have cached")
    assert told[2] == "web-1.nginx.prod.svc.cluster.local right after 4s"
    assert err.startswith("prod/web: every name resolves\n")


def test_a_picture_on_a_terminal_has_the_times() -> None:
    code, out, _ = run(converging(), "web", "-w", live=True)
    assert code == 0 and "AFTER" in out and "4s" in out


def test_what_was_right_before_may_be_wrong_by_the_time_it_is_read_again() -> None:
    cluster = well()
    real = cluster.network
    cluster.network = lambda *words: BEFORE if cluster.reads == 0 and real(*words) else HEALTHY  # type: ignore[method-assign]
    code, out, _ = run(cluster, "web", "-w")
    assert code == 0 and "is not Ready" in out and cluster.rounds == 4


def test_time_runs_out() -> None:
    code, _, err = run(ill(), "web", "-w", "--timeout", "1ms")
    assert code == 5 and err.startswith("timed out: prod/web: web-1 is missing: ")
    assert run(ill(), "web", "--timeout", "1s")[0] == 2


def test_nobody_waits_for_a_right() -> None:
    code, _, err = run(Scripted((HEALTHY, (HEALTHY,)), denied=True), "web", "-w")
    assert code == 3 and "not resolved" in err
    assert run(Scripted((HEALTHY, (HEALTHY,)), denied=True), "web", "-w", "--check")[0] == 7


def test_a_document_at_the_end() -> None:
    code, out, _ = run(converging(), "web", "-w", "-o", "json")
    assert code == 0 and json.loads(out)["right"] is True


def test_interrupted_while_it_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(timeout: float | None) -> Any:
        raise KeyboardInterrupt

    cluster = ill()
    monkeypatch.setattr(cluster, "wait", interrupt)
    assert run(cluster, "web", "-w")[0] == 130


def test_an_outage_is_ridden_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before everything is called right it is read again, and then the server is away."""
    cluster = converging()
    real, away = cluster.network, [UnreachableError("no route"), ThrottledError("busy", retry_after=2)]

    def network(namespace: str, name: str, kind: SetKind = APPS_SET) -> Network:
        if away:
            raise away.pop(0)
        return real(namespace, name, kind)

    monkeypatch.setattr(cluster, "network", network)
    code, out, _ = run(cluster, "web", "-w", live=True)
    assert code == 0 and not away and "no route" in out and "busy" in out
    away.append(UnreachableError("no route"))
    assert run(cluster, "web")[0] == 1


def test_whoever_waits_for_names_to_be_right_rides_out_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """As between the steps of a rollout: nobody could say whether they are, so it is no reason to stop."""
    cluster = converging()
    time = [0.0]

    def sleep(seconds: float) -> None:
        time[0] += seconds
        if time[0] % 1 < 0.05:  # a round of questions later
            cluster.wait(None)

    monkeypatch.setattr("kubectl_pets.flows.engine.waiting.sleep", sleep)
    for name in ("deadline.monotonic", "waiting.monotonic"):
        monkeypatch.setattr(f"kubectl_pets.flows.engine.{name}", lambda: time[0])
    real, away = cluster.network, [UnreachableError("no route"), ThrottledError("busy", retry_after=2)]

    def network(namespace: str, name: str, kind: SetKind = APPS_SET) -> Network:
        if away:
            raise away.pop(0)
        return real(namespace, name, kind)

    monkeypatch.setattr(cluster, "network", network)
    assert await_right_names(cast(Cluster, cluster), "prod", "web", 60, Deadline(None)) == "" and not away
    assert "may have cached" in await_right_names(cast(Cluster, ill()), "prod", "web", 0, Deadline(None))
    assert "may have cached" in await_right_names(cast(Cluster, ill()), "prod", "web", 60, Deadline(0))
    assert "is missing" in await_right_names(cast(Cluster, Scripted((HEALTHY, (HEALTHY,)), denied=True)), "prod", "web", 60, Deadline(None))
    away.append(UnreachableError("no route"))
    with pytest.raises(UnreachableError):
        await_right_names(cast(Cluster, cluster), "prod", "web", 60, Deadline(0))


def test_a_right_that_is_taken_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(namespace: str, name: str) -> Network:
        raise ForbiddenError("no right to get statefulsets.apps")

    cluster = well()
    monkeypatch.setattr(cluster, "network", refuse)
    assert run(cluster, "web")[0] == 1
