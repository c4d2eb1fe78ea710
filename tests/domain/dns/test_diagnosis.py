"""Every fault of the chain from a pod to its name, put into a network that is healthy otherwise: it is the first reason."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.dns.answers import Answer, ClientView, Outcome, RecordType, Server, ServerAnswers
from kubectl_pets.domain.dns.comparing import AnswerStanding
from kubectl_pets.domain.dns.corefile import Settings, read_corefile
from kubectl_pets.domain.dns.diagnosing import diagnose, narrowed
from kubectl_pets.domain.dns.names import NameKind, expected, questions
from kubectl_pets.domain.dns.network import Endpoint, EndpointPort, Network, ServicePort, TargetRef
from kubectl_pets.domain.dns.reasons import Check, Diagnosis, LinkSkip, NameLine, NameVerdict, Reason, State
from kubectl_pets.domain.dns.zones import cluster_zone
from tests.domain.dns.builders import COREFILE, MESH, NOW, endpoint_slice, from_afar, network, pod, service, statefulset
from tests.domain.dns.coredns import CoreDns


def settings_of(text: str = COREFILE) -> Settings:
    found = read_corefile(text)
    assert found is not None
    return found


HEALTHY = network(pod(0), pod(1), pod(2))


def look(
    found: Network,
    *,
    corefile: str | None = COREFILE,
    served: str = COREFILE,
    knows: Sequence[Network] | None = None,
    zone: str = "",
    hear: Callable[[ServerAnswers], ServerAnswers] | None = None,
    views: Sequence[ClientView] = (),
) -> Diagnosis:
    """The diagnosis of a network whose servers know ``knows`` (by default one that knows all) and serve by the Corefile ``served``."""
    settings = read_corefile(corefile) if corefile is not None else None
    wanted = expected(found, cluster_zone(zone, settings), settings)
    asked = questions(wanted.names)
    hearings = [
        CoreDns(known, settings_of(served)).hear(asked, f"coredns-{number}") for number, known in enumerate([found] if knows is None else knows)
    ]
    if hear is not None:
        hearings[-1:] = [hear(hearings[-1])]
    return diagnose(found, wanted, hearings, settings, views, NOW)


def line_of(seen: Diagnosis, pod_name: str = "web-1") -> NameLine:
    return next(line for line in seen.lines if line.name.kind is NameKind.POD and line.name.pod == pod_name)


def reason_of(seen: Diagnosis, pod_name: str = "web-1") -> Reason | None:
    found = line_of(seen, pod_name).finding
    return found.reason if found else None


def shared(seen: Diagnosis, kind: NameKind) -> NameLine:
    return next(line for line in seen.lines if line.name.kind is kind)


def link_of(line: NameLine, check: Check) -> State:
    return next(link.state for link in line.links if link.check is check)


# --- what is well ------------------------------------------------------------------------------------------------------------


def test_all_is_right() -> None:
    seen = look(HEALTHY, knows=[HEALTHY, HEALTHY])
    assert [(line.name.kind.value, line.verdict.value, line.finding) for line in seen.lines] == [
        ("pod", "right", None),
        ("pod", "right", None),
        ("pod", "right", None),
        ("service", "right", None),
        ("port", "right", None),
        ("reverse", "right", None),
        ("reverse", "right", None),
        ("reverse", "right", None),
    ]
    assert seen.right and seen.resolved
    line = line_of(seen)
    assert [link.check for link in line.links] == list(Check)
    assert {link.check for link in line.links if link.state is not State.PASSED} == {Check.CLIENT}


def test_names_and_records() -> None:
    wanted = expected(HEALTHY, cluster_zone())
    told = {name.name: name.records for name in wanted.names}
    assert told["web-1.nginx.prod.svc.cluster.local"] == ("10.0.0.11",)
    assert told["nginx.prod.svc.cluster.local"] == ("10.0.0.10", "10.0.0.11", "10.0.0.12")
    assert told["_http._tcp.nginx.prod.svc.cluster.local"] == tuple(f"8080 web-{n}.nginx.prod.svc.cluster.local" for n in range(3))
    assert told["11.0.0.10.in-addr.arpa"] == ("web-1.nginx.prod.svc.cluster.local",)
    assert [each.type for each in questions(wanted.names)].count(RecordType.AAAA) == 4


def test_dual_stack_over_several_slices() -> None:
    pods = tuple(pod(n, f"10.0.0.{n + 1}", f"fd00::{n + 1:x}") for n in range(5))
    found = network(*pods, services=(service(families=("IPv6", "IPv4")),), size=2)
    assert found.slices is not None and len(found.slices) == 6
    seen = look(found)
    assert seen.right
    assert line_of(seen).name.records == ("10.0.0.2", "fd00::2")
    assert len(line_of(seen).entries or ()) == 2


def test_unready_pods_that_are_published() -> None:
    assert look(network(pod(0, ready=False), pod(1, ready=False), services=(service(unready_too=True),))).right


def test_ordinals_do_not_start_at_zero_and_pods_beyond_the_range_do_not_matter() -> None:
    found = network(pod(3), pod(4), pod(7, leaving=True), owner=statefulset(replicas=2, start=3))
    seen = look(found)
    assert [line.name.pod for line in seen.lines if line.name.kind is NameKind.POD] == ["web-3", "web-4"]
    assert seen.right


def test_a_set_of_none_has_nothing_to_resolve() -> None:
    seen = look(network(owner=statefulset(replicas=0)))
    assert seen.right and shared(seen, NameKind.SERVICE).verdict is NameVerdict.ABSENT


def test_host_network_has_the_node_s_address() -> None:
    pods = (pod(0, "192.168.0.1", host_network=True), pod(1, "192.168.0.1", host_network=True, dns_policy="ClusterFirstWithHostNet"))
    seen = look(network(*pods))
    assert seen.right
    remarks = {remark.reason for link in line_of(seen, "web-0").links for remark in link.remarks}
    assert remarks == {Reason.HOST_NETWORK, Reason.NODE_DNS}
    assert {remark.reason for link in line_of(seen, "web-1").links for remark in link.remarks} == {Reason.HOST_NETWORK}


def test_a_second_service_over_the_same_pods_gets_a_remark() -> None:
    seen = look(network(pod(0), pod(1), services=(service(), service("web-headless"))))
    assert seen.right
    assert [(remark.reason, remark.subject) for remark in seen.remarks] == [(Reason.OTHER_SERVICE, "web-headless")]


def test_endpoints_of_others_belong_to_the_service() -> None:
    other = pod(0, "10.0.0.99", name="db")
    found = network(pod(0), pod(1), owner=statefulset(replicas=2))
    whole = replace(found, slices=network(pod(0), pod(1), other).slices)
    seen = look(whole)
    assert seen.right and "10.0.0.99" in (shared(seen, NameKind.SERVICE).name.records or ())


def test_a_service_with_an_address_is_answered_for_but_promised_by_nobody() -> None:
    found = network(pod(0), pod(1), services=(service(cluster_ip="10.96.0.5"),))
    seen = look(found)
    assert reason_of(seen) is None and seen.right
    assert shared(seen, NameKind.SERVICE).name.records == ("10.96.0.5",)
    assert [remark.reason for remark in seen.remarks] == [Reason.NOT_HEADLESS]
    assert reason_of(look(found, knows=())) is Reason.NOT_HEADLESS
    # another server than CoreDNS may know nothing of such names
    assert reason_of(look(found, served=COREFILE.replace("ttl 30", "noendpoints"))) is Reason.NOT_HEADLESS
    unready = network(pod(0), pod(1, ready=False), services=(service(cluster_ip="10.96.0.5"),))
    assert reason_of(look(unready)) is Reason.NOT_READY


def test_a_service_without_ports_and_one_with_an_unnamed_one() -> None:
    assert look(network(pod(0), pod(1), services=(service(ports=()),))).right
    seen = look(network(pod(0), pod(1), services=(service(ports=(ServicePort(port=80),)),)))
    assert seen.right and [remark.reason for remark in seen.remarks] == [Reason.PORT_UNNAMED]
    assert NameKind.PORT not in {line.name.kind for line in seen.lines}


# --- what is not -------------------------------------------------------------------------------------------------------------

NAMED_LONG = "w" * 62
WITHOUT_HOSTNAME = tuple(
    replace(each, endpoints=tuple(replace(one, hostname="") for one in each.endpoints or ())) for each in HEALTHY.slices or ()
)
OLD_SLICES = network(pod(0), pod(1, "10.0.0.91", uid="before"), pod(2)).slices or ()
BY_HAND = service(selector={})

FAULTS: dict[str, tuple[Network, Reason]] = {
    "absent": (network(pod(0), pod(2), owner=statefulset()), Reason.POD_ABSENT),
    "no address": (network(pod(0), pod(1, "", phase="Pending", ready=False), pod(2)), Reason.POD_WITHOUT_ADDRESS),
    "over": (network(pod(0), pod(1, phase="Failed"), pod(2)), Reason.POD_OVER),
    "terminating": (network(pod(0), pod(1, leaving=True), pod(2)), Reason.POD_TERMINATING),
    "no service named": (network(pod(0, service=""), pod(1, service=""), owner=statefulset(service="", replicas=2), services=()), Reason.SERVICE_NAME_EMPTY),
    "no service": (network(pod(0), pod(1), services=()), Reason.SERVICE_MISSING),
    "external name": (network(pod(0), pod(1), services=(service(kind="ExternalName", cluster_ip="", external="db.example.org"),)), Reason.EXTERNAL_NAME),
    "other label": (network(pod(0), pod(1, labels={"app": "other"})), Reason.SELECTOR_DIFFERS),
    "no selector": (network(pod(0), pod(1), services=(BY_HAND,)), Reason.NO_SELECTOR),
    "other subdomain": (network(pod(0), pod(1, service="old-name")), Reason.SUBDOMAIN_DIFFERS),
    "other hostname": (network(pod(0), pod(1, hostname="db")), Reason.HOSTNAME_DIFFERS),
    "unready": (network(pod(0), pod(1, ready=False), pod(2)), Reason.NOT_READY),
    "all unready": (network(pod(0, ready=False), pod(1, ready=False)), Reason.NOT_READY_DEADLOCK),
    "family": (network(pod(0), pod(1, "fd00::1")), Reason.FAMILY_NOT_SERVED),
    "not in a slice": (replace(HEALTHY, slices=network(pod(0), pod(2)).slices), Reason.SLICE_LACKS),
    "old slice": (replace(HEALTHY, slices=OLD_SLICES), Reason.SLICE_OLD),
    "slice not ready": (replace(HEALTHY, slices=network(pod(0), pod(1, ready=False), pod(2)).slices), Reason.SLICE_NOT_READY),
    "slice without hostname": (replace(HEALTHY, slices=WITHOUT_HOSTNAME), Reason.SLICE_NO_HOSTNAME),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_is_the_first_reason(fault: str) -> None:
    found, reason = FAULTS[fault]
    for knows in (None, [found, found], ()):
        seen = look(found, knows=knows)
        line = line_of(seen)
        assert reason_of(seen) is reason
        assert not line.right and not seen.right
        if knows == () and fault != "no service named":
            assert line.verdict is NameVerdict.NOT_RESOLVED
        else:
            assert line.verdict is (NameVerdict.WRONG if fault == "old slice" else NameVerdict.MISSING)


def test_the_others_are_right_all_the_same() -> None:
    for fault in ("absent", "terminating", "other label", "unready", "not in a slice", "family"):
        assert line_of(look(FAULTS[fault][0]), "web-0").verdict is NameVerdict.RIGHT, fault


def test_details_of_faults() -> None:
    renamed = network(pod(0), pod(1), services=(service("nginx2", selector={"app": "else"}), service("web")))
    finding = line_of(look(renamed)).finding
    assert finding is not None and (finding.subject, finding.detail) == ("nginx", "web")  # the one that selects the pods, not the nearest name
    assert line_of(look(network(pod(0), pod(1), services=(service("nginxx", selector={"app": "x"}),)))).finding == replace(finding, detail="nginxx")
    other = line_of(look(FAULTS["other label"][0])).finding
    assert other is not None and (other.subject, other.detail) == ("app=web", "app=other")


def test_names_that_are_no_labels() -> None:
    """The API server refuses a pod whose hostname or subdomain is no DNS label, so the controller can never make it."""
    for owner in (statefulset(name=NAMED_LONG, replicas=1), statefulset(name="web.db", replicas=1), statefulset(service="n" * 64, replicas=1)):
        seen = look(network(owner=owner))
        assert seen.lines[0].finding is not None and seen.lines[0].finding.reason is Reason.NAME_NO_LABEL
    assert look(network(owner=statefulset(name="w" * 61, replicas=1))).lines[0].finding != seen.lines[0].finding


def test_a_slice_by_hand() -> None:
    right = endpoint_slice("hand", "IPv4", *(Endpoint(addresses=(f"10.0.0.{10 + n}",), hostname=f"web-{n}") for n in range(2)))
    found = network(pod(0), pod(1), services=(BY_HAND,), slices=(right,))
    seen = look(found)
    assert line_of(seen).verdict is NameVerdict.RIGHT and [remark.reason for remark in seen.remarks] == [Reason.HAND_WRITTEN]
    bare = endpoint_slice("hand", "IPv4", Endpoint(addresses=("10.0.0.11",)))
    assert reason_of(look(replace(found, slices=(bare,)))) is Reason.SLICE_NO_HOSTNAME


def test_an_endpoint_on_its_way_out_is_not_held_against_its_successor() -> None:
    """A pod that is Terminating stays in the slices, not ready, while the next one of its name is there already."""
    gone = network(pod(1, "10.0.0.91", uid="before", leaving=True)).slices or ()
    both = replace(HEALTHY, slices=(*(HEALTHY.slices or ()), *(replace(each, metadata=replace(each.metadata, name="later")) for each in gone)))
    seen = look(both)
    assert seen.right and link_of(line_of(seen), Check.SLICE) is State.PASSED
    assert len(line_of(seen).entries or ()) == 2


def test_an_address_that_was_handed_out_again() -> None:
    """The slice still has the earlier pod, with what happens to be the address: it resolves, and the slice lags all the same."""
    seen = look(replace(HEALTHY, slices=network(pod(0), pod(1, uid="before"), pod(2)).slices))
    line = line_of(seen)
    assert line.verdict is NameVerdict.RIGHT and link_of(line, Check.SLICE) is State.FAILED


def test_both_addresses_of_a_service() -> None:
    vip = service(cluster_ip="10.96.0.5", families=("IPv4", "IPv6"))
    dual = replace(vip, spec=replace(vip.spec, cluster_ips=("10.96.0.5", "fd00:96::5")))
    seen = look(network(pod(0, "10.0.0.1", "fd00::1"), services=(dual,)))
    assert seen.right and shared(seen, NameKind.SERVICE).name.records == ("10.96.0.5", "fd00:96::5")


def test_a_node_s_address_has_other_names_too() -> None:
    def add(heard: ServerAnswers) -> ServerAnswers:
        more = ("x.y.elsewhere.svc.cluster.local",)
        return replace(
            heard,
            answers=tuple(replace(each, records=each.records + more) if each.question.type is RecordType.PTR else each for each in heard.answers),
        )

    assert look(network(pod(0, host_network=True)), hear=add).right
    assert shared(look(network(pod(0)), hear=add), NameKind.REVERSE).verdict is NameVerdict.WRONG


# --- the Corefile ------------------------------------------------------------------------------------------------------------

HIDING = {
    Reason.HIDDEN_NAMESPACE: COREFILE.replace("ttl 30", "namespaces default kube-system"),
    Reason.HIDDEN_ENDPOINTS: COREFILE.replace("ttl 30", "noendpoints"),
    Reason.HIDDEN_ELSEWHERE: COREFILE + "prod.svc.cluster.local {\n forward . 10.9.9.9\n}\n",
    Reason.HIDDEN_LABELS: COREFILE.replace("ttl 30", "labels exposed=true"),
}


@pytest.mark.parametrize("reason", HIDING)
def test_hidden_by_the_corefile(reason: Reason) -> None:
    text = HIDING[reason]
    blind = network(owner=statefulset(), services=())
    seen = look(HEALTHY, corefile=text, knows=[blind])
    assert reason_of(seen) is reason
    finding = shared(seen, NameKind.SERVICE).finding
    assert finding is not None and finding.reason is reason


def test_what_the_corefile_hides_elsewhere_or_undecidedly() -> None:
    shown = COREFILE.replace("ttl 30", "namespaces prod\nlabels exposed=true")
    labelled = network(pod(0), pod(1), services=(service(labels={"exposed": "true"}),))
    assert look(labelled, corefile=shown, served=shown).right
    for option in ("namespace_labels team=db", "labels tier in (a,b)"):
        line = line_of(look(HEALTHY, corefile=COREFILE.replace("ttl 30", option)))
        assert link_of(line, Check.COREFILE) is State.SKIPPED


def test_another_cluster_domain() -> None:
    assert reason_of(look(HEALTHY, zone="example.org")) is Reason.OTHER_ZONE
    served = COREFILE.replace("cluster.local", "k8s.example.org")
    seen = look(HEALTHY, corefile=served, served=served)
    assert seen.right and seen.zone.name == "k8s.example.org"


def test_a_server_that_is_right_proves_that_the_corefile_is_not_its_own() -> None:
    line = line_of(look(HEALTHY, corefile=HIDING[Reason.HIDDEN_NAMESPACE]))
    assert line.verdict is NameVerdict.RIGHT and link_of(line, Check.COREFILE) is State.SKIPPED


def test_reverse_names_that_the_corefile_does_not_serve_are_not_expected() -> None:
    text = COREFILE.replace(" in-addr.arpa ip6.arpa {", " {")
    seen = look(HEALTHY, corefile=text, served=text)
    assert seen.right and NameKind.REVERSE not in {line.name.kind for line in seen.lines}


def test_endpoint_pod_names_names_what_has_no_hostname() -> None:
    text = COREFILE.replace("ttl 30", "endpoint_pod_names")
    seen = look(FAULTS["other subdomain"][0], corefile=text, served=text)
    assert seen.right
    assert Reason.POD_NAMES in {remark.reason for link in line_of(seen).links for remark in link.remarks}
    assert look(FAULTS["slice without hostname"][0], corefile=text, served=text).right
    assert reason_of(look(FAULTS["other hostname"][0], corefile=text, served=text)) is Reason.HOSTNAME_DIFFERS


# --- servers -----------------------------------------------------------------------------------------------------------------

JUST_READY = network(pod(0), pod(1, since=NOW - timedelta(seconds=3)), pod(2))
BEFORE = network(pod(0), pod(1, ready=False), pod(2))


def test_a_negative_cache_and_until_when() -> None:
    seen = look(JUST_READY, knows=[JUST_READY, BEFORE])
    line = line_of(seen)
    assert line.finding is not None and line.finding.reason is Reason.NEGATIVE_CACHE
    assert line.finding.until == NOW + timedelta(seconds=30) and line.finding.server == "kube-system/coredns-1"
    assert [each.standing for each in line.heard] == [AnswerStanding.RIGHT, AnswerStanding.MISSING]
    assert Reason.REPLICAS_DIFFER in {remark.reason for link in line.links for remark in link.remarks}
    assert line_of(seen, "web-0").verdict is NameVerdict.RIGHT
    service_line = shared(seen, NameKind.SERVICE)  # some of its addresses are an answer, and the wrong one
    assert service_line.verdict is NameVerdict.WRONG and service_line.finding is not None
    assert (service_line.finding.subject, service_line.finding.detail) == ("10.0.0.11", "")


def test_what_was_there_for_longer_than_denials_live_is_no_cache() -> None:
    assert reason_of(look(HEALTHY, knows=[BEFORE])) is Reason.SERVER_BEHIND
    assert reason_of(look(JUST_READY, corefile=COREFILE.replace("cache 30", ""), knows=[BEFORE])) is Reason.SERVER_BEHIND
    nobody = network(pod(0, ready=False), pod(1, ready=False), pod(2, ready=False))
    finding = shared(look(HEALTHY, corefile=COREFILE.replace("cache 30", ""), knows=[nobody]), NameKind.SERVICE).finding
    assert finding is not None and finding.reason is Reason.SERVER_BEHIND and finding.until is None
    assert reason_of(look(HEALTHY, corefile=None, knows=[BEFORE])) is Reason.NEGATIVE_CACHE  # nothing tells how long they live


def test_an_answer_older_than_the_slice() -> None:
    old = network(pod(0), pod(1, "10.0.0.91", uid="before"), pod(2))
    seen = look(HEALTHY, knows=[HEALTHY, old])
    line = line_of(seen)
    assert line.verdict is NameVerdict.WRONG and line.finding is not None
    assert (line.finding.reason, line.finding.detail) == (Reason.STALE_ANSWER, "10.0.0.91")
    assert line.finding.until == NOW + timedelta(seconds=30)
    assert shared(seen, NameKind.SERVICE).verdict is NameVerdict.WRONG


def test_a_wrong_answer_that_is_not_old() -> None:
    def swap(heard: ServerAnswers) -> ServerAnswers:
        return replace(heard, answers=tuple(replace(each, records=("10.0.0.10",)) if each.records == ("10.0.0.11",) else each for each in heard.answers))

    assert reason_of(look(HEALTHY, hear=swap)) is Reason.WRONG_ANSWER
    assert reason_of(look(JUST_READY, corefile=COREFILE.replace("cache 30", ""), hear=swap)) is Reason.WRONG_ANSWER
    just = look(JUST_READY, hear=swap), look(JUST_READY, corefile=None, hear=swap)
    assert [reason_of(seen) for seen in just] == [Reason.STALE_ANSWER, Reason.STALE_ANSWER]


def test_pods_that_took_each_others_addresses_while_both_were_made_again() -> None:
    """The old answer for one is the other's address by now (seen on a real control plane after a scaling to 0 and back)."""
    made = NOW - timedelta(seconds=10)
    again = network(pod(0, "10.0.0.12", since=made), pod(1, "10.0.0.11", since=made), pod(2, "10.0.0.10", since=made))
    seen = look(again, knows=[HEALTHY])
    found = [line_of(seen, name).finding for name in ("web-0", "web-2")]
    assert [each and (each.reason, each.detail, each.until) for each in found] == [
        (Reason.STALE_ANSWER, "10.0.0.10", NOW + timedelta(seconds=30)),
        (Reason.STALE_ANSWER, "10.0.0.12", NOW + timedelta(seconds=30)),
    ]
    long_ago = network(pod(0, "10.0.0.12"), pod(1, "10.0.0.11"), pod(2, "10.0.0.10"))
    assert [reason_of(look(long_ago, knows=[HEALTHY]), name) for name in ("web-0", "web-2")] == [Reason.WRONG_ANSWER] * 2


def test_an_unready_pod_that_still_resolves_is_wrong() -> None:
    seen = look(BEFORE, knows=[HEALTHY])
    assert line_of(seen).verdict is NameVerdict.WRONG and reason_of(seen) is Reason.NOT_READY


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [(Outcome.SERVFAIL, Reason.SERVER_FAILING), (Outcome.REFUSED, Reason.SERVER_FAILING), (Outcome.SILENT, Reason.SERVER_SILENT)],
)
def test_a_server_that_fails(outcome: Outcome, reason: Reason) -> None:
    def fail(heard: ServerAnswers) -> ServerAnswers:
        return replace(heard, answers=tuple(Answer(question=each.question, outcome=outcome, detail="timed out") for each in heard.answers))

    seen = look(HEALTHY, knows=[HEALTHY, HEALTHY], hear=fail)
    assert reason_of(seen) is reason and line_of(seen).verdict is NameVerdict.FAILING and not seen.right


def test_a_replica_that_cannot_be_reached_is_not_right() -> None:
    seen = look(HEALTHY, knows=[HEALTHY, HEALTHY], hear=lambda heard: replace(heard, answers=(), trouble="connection refused"))
    assert reason_of(seen) is Reason.SERVER_SILENT and not seen.right
    assert link_of(line_of(seen), Check.SERVERS) is State.FAILED


def test_servers_that_no_pod_is_led_to_make_nothing_right() -> None:
    """kube-proxy leads to Ready endpoints only (CategorizeEndpoints), whatever the others would answer. One that is Ready is enough."""
    def lose(heard: ServerAnswers) -> ServerAnswers:
        return replace(heard, server=replace(heard.server, unready=True))

    seen = look(HEALTHY, hear=lose)
    assert not seen.right and {line.verdict for line in seen.lines} == {NameVerdict.FAILING}
    assert {line.finding.reason for line in seen.lines if line.finding} == {Reason.SERVERS_NOT_READY}
    assert link_of(line_of(seen), Check.SERVERS) is State.FAILED
    assert look(HEALTHY, knows=[HEALTHY, HEALTHY], hear=lose).right


def test_a_cut_off_hearing() -> None:
    """What came before the cut counts; what did not come is silence, never "no such name"."""
    seen = look(HEALTHY, hear=lambda heard: replace(heard, answers=heard.answers[:2], trouble="connection reset"))
    assert line_of(seen, "web-0").verdict is NameVerdict.RIGHT
    assert line_of(seen, "web-1").verdict is NameVerdict.FAILING


def test_nxdomain_for_the_other_family_is_not_right() -> None:
    """Resolvers take NXDOMAIN of either question for the name's."""

    def deny(heard: ServerAnswers) -> ServerAnswers:
        return replace(
            heard, answers=tuple(replace(each, outcome=Outcome.NXDOMAIN) if each.question.type is RecordType.AAAA else each for each in heard.answers)
        )

    assert line_of(look(JUST_READY, hear=deny)).verdict is NameVerdict.MISSING


# --- what could not be read or asked -------------------------------------------------------------------------------------------


def test_without_servers_nothing_is_right() -> None:
    right = ("create", "pods/portforward")
    denied = ServerAnswers(server=Server(name="coredns-0"), asked_at=NOW, trouble="forbidden", missing_right=right)
    settings = settings_of()
    wanted = expected(HEALTHY, cluster_zone("", settings), settings)
    for hearings in ((), (denied, denied)):
        seen = diagnose(HEALTHY, wanted, hearings, settings, (), NOW)
        assert {line.verdict for line in seen.lines} == {NameVerdict.NOT_RESOLVED} and not seen.right and not seen.resolved
        servers = next(link for link in line_of(seen).links if link.check is Check.SERVERS)
        assert (servers.state, servers.skip, servers.right) == (State.SKIPPED, LinkSkip.NOT_ASKED, right if hearings else None)
    assert seen.missing_rights == (right,)
    assert link_of(line_of(seen), Check.SLICE) is State.PASSED


def test_what_one_of_two_servers_answers_is_not_right_everywhere() -> None:
    """The other may not be asked: it has a cache of its own, and denials in it (kubernetes/kubernetes#92559)."""
    seen = look(HEALTHY)
    denied = ServerAnswers(server=Server(name="other"), asked_at=NOW, trouble="forbidden", missing_right=("create", "pods/portforward"))
    partly = replace(seen, hearings=(*seen.hearings, denied), servers=(*seen.servers, denied.server))
    assert seen.right and not seen.unasked
    assert partly.right_where_asked and partly.unasked == (denied,) and not partly.right


@pytest.mark.parametrize(("hidden", "check"), [("pods", Check.POD), ("services", Check.SERVICE), ("slices", Check.SLICE)])
def test_what_could_not_be_read_is_skipped_and_never_right(hidden: str, check: Check) -> None:
    seen = look(replace(HEALTHY, **{hidden: None}), knows=[HEALTHY])
    line = line_of(seen)
    link = next(each for each in line.links if each.check is check)
    assert (link.state, link.skip) == (State.SKIPPED, LinkSkip.UNREADABLE) and link.right is not None
    assert [right for _, right in seen.missing_rights] == [link.right[1]]
    assert line.verdict is (NameVerdict.RIGHT if hidden == "slices" else NameVerdict.UNKNOWN)  # the answers were as the pods have it
    assert not seen.right


def test_an_unread_corefile_is_skipped() -> None:
    line = line_of(look(HEALTHY, corefile=None))
    assert line.verdict is NameVerdict.RIGHT and link_of(line, Check.COREFILE) is State.SKIPPED


# --- clients -----------------------------------------------------------------------------------------------------------------

RESOLV = "search prod.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
FULL = "web-1.nginx.prod.svc.cluster.local"


@pytest.mark.parametrize(
    ("view", "state", "reason"),
    [
        (ClientView(pod="c", resolv_conf=RESOLV, getent={FULL: ("10.0.0.11",), "web-1.nginx.prod": ("10.0.0.11",)}), State.PASSED, None),
        (ClientView(pod="c", resolv_conf=RESOLV, getent={FULL: ()}), State.FAILED, Reason.CLIENT_SEES_OTHER),
        (ClientView(pod="c", resolv_conf=RESOLV, getent={FULL: ("10.0.0.11",), "web-1.nginx.prod": ()}), State.FAILED, Reason.CLIENT_SEES_OTHER),
        (ClientView(pod="c", resolv_conf="nameserver 8.8.8.8\n", getent={FULL: ()}), State.FAILED, Reason.CLIENT_NO_SEARCH),
        (ClientView(pod="c", resolv_conf="nameserver 8.8.8.8\n"), State.FAILED, Reason.CLIENT_NO_SEARCH),
        # what it can resolve with the full name it does resolve; that the short one needs a search list is a remark
        (ClientView(pod="c", resolv_conf="search corp.example\n", getent={FULL: ("10.0.0.11",), "web-1.nginx.prod": ()}), State.PASSED, None),
        # busybox' nslookup does not search
        (ClientView(pod="c", resolv_conf=RESOLV, tool="nslookup", getent={FULL: ("10.0.0.11",), "web-1.nginx.prod": ()}), State.PASSED, None),
        (ClientView(pod="c", resolv_conf=RESOLV, tool="nslookup", getent={FULL: ("10.9.9.9",)}), State.FAILED, Reason.CLIENT_SEES_OTHER),
        (ClientView(pod="c", resolv_conf=RESOLV), State.SKIPPED, None),
        (ClientView(pod="c", trouble="no shell"), State.SKIPPED, None),
    ],
)
def test_the_client_s_side(view: ClientView, state: State, reason: Reason | None) -> None:
    seen = look(HEALTHY, views=[view])
    line = line_of(seen)
    assert link_of(line, Check.CLIENT) is state and reason_of(seen) is reason
    assert line.verdict is (NameVerdict.NOT_SEEN if reason else NameVerdict.RIGHT)


def test_remarks_on_clients() -> None:
    view = ClientView(pod="c", resolv_conf=RESOLV.replace("10.96.0.10", "169.254.20.10").replace("ndots:5", "ndots:1"))
    remarks = {remark.reason for link in line_of(look(HEALTHY, views=[view])).links for remark in link.remarks}
    assert remarks == {Reason.CLIENT_NDOTS, Reason.NODE_CACHE}


def test_a_search_list_without_the_cluster_is_told_where_the_full_name_resolves() -> None:
    view = ClientView(pod="c", resolv_conf="search corp.example\noptions ndots:5\n", getent={FULL: ("10.0.0.11",)})
    [client] = [link for link in line_of(look(HEALTHY, views=[view])).links if link.check is Check.CLIENT]
    assert [(remark.reason, remark.detail) for remark in client.remarks] == [(Reason.CLIENT_NO_SEARCH, "corp.example")]


@pytest.mark.parametrize(
    "found, right",
    [
        (("10.0.0.2", "fd00::2"), True),
        (("10.0.0.2",), True),  # the pod that is looked from has no IPv6 address
        (("fd00::2",), True),
        (("10.0.0.2", "fd00::3"), False),
        ((), False),
    ],
)
def test_a_client_of_one_family(found: tuple[str, ...], right: bool) -> None:
    pods = tuple(pod(n, f"10.0.0.{n + 1}", f"fd00::{n + 1:x}") for n in range(2))
    view = ClientView(pod="c", resolv_conf=RESOLV, getent={FULL: found})
    line = line_of(look(network(*pods, services=(service(families=("IPv4", "IPv6")),)), views=[view]))
    assert line.verdict is (NameVerdict.RIGHT if right else NameVerdict.NOT_SEEN)


def test_narrowed_to_one_pod() -> None:
    wanted = narrowed(expected(HEALTHY, cluster_zone()), ["web-2"])
    assert [(name.kind, name.pod) for name in wanted.names] == [(NameKind.POD, "web-2"), (NameKind.REVERSE, "web-2")]


def test_terminating_pods_do_not_hide_their_service_s_others() -> None:
    seen = look(FAULTS["terminating"][0])
    assert shared(seen, NameKind.SERVICE).verdict is NameVerdict.RIGHT


# --- a right that is right ---------------------------------------------------------------------------------------------------


def with_another(address: str, hostname: str, pod_name: str = "", uid: str = "") -> Network:
    """HEALTHY with one more endpoint in a slice of its own."""
    target = TargetRef(kind="Pod", namespace="prod", name=pod_name, uid=uid) if pod_name else None
    extra = endpoint_slice("nginx-other", "IPv4", Endpoint(addresses=(address,), hostname=hostname, target_ref=target))
    return replace(HEALTHY, slices=(*(HEALTHY.slices or ()), extra))


def test_another_pod_with_the_same_hostname_and_subdomain_is_no_part_of_the_name() -> None:
    seen = look(with_another("10.0.0.99", "web-1", "client-0", "uid-client-0"))
    line = line_of(seen)
    assert line.verdict is NameVerdict.WRONG and line.name.records == ("10.0.0.11",)
    assert line.finding is not None
    assert (line.finding.reason, line.finding.subject, line.finding.detail) == (Reason.NAME_SHARED, "client-0", "10.0.0.99")
    assert shared(seen, NameKind.SERVICE).verdict is NameVerdict.RIGHT  # the Service does select it


def test_a_pod_of_the_set_that_was_made_with_another_s_hostname() -> None:
    seen = look(network(pod(0), pod(1), pod(2, hostname="web-1")))
    assert line_of(seen).verdict is NameVerdict.WRONG
    assert reason_of(seen) is Reason.NAME_SHARED and reason_of(seen, "web-2") is Reason.HOSTNAME_DIFFERS


@pytest.mark.parametrize(
    ("pod_name", "uid", "reason"), [("", "", Reason.SLICE_BY_HAND), ("web-1", "uid-old", Reason.SLICE_OLD)]
)
def test_another_address_under_the_name_of_a_pod_that_is_there(pod_name: str, uid: str, reason: Reason) -> None:
    """One that names no pod was never the controller's: it will not be withdrawn."""
    line = line_of(look(with_another("192.0.2.8", "web-1", pod_name, uid)))
    assert line.verdict is NameVerdict.WRONG and line.finding is not None
    assert (line.finding.reason, line.finding.subject, line.finding.detail) == (reason, "nginx-other", "192.0.2.8")


@pytest.mark.parametrize(
    ("pod_name", "uid", "reason"), [("", "", Reason.SLICE_BY_HAND), ("web-7", "uid-old", Reason.SLICE_OLD)]
)
def test_what_a_slice_holds_of_an_ordinal_that_there_is_no_more(pod_name: str, uid: str, reason: Reason) -> None:
    seen = look(with_another("192.0.2.8", "web-7", pod_name, uid))
    line = shared(seen, NameKind.SERVICE)
    assert line.verdict is NameVerdict.WRONG and line.finding is not None
    assert (line.finding.reason, line.finding.subject, line.finding.detail) == (reason, "nginx-other", "192.0.2.8")
    assert all(line_of(seen, f"web-{n}").verdict is NameVerdict.RIGHT for n in range(3))


@pytest.mark.parametrize("refers", [True, False])
def test_pods_of_another_cluster_in_slices_that_another_controller_keeps(refers: bool) -> None:
    """A set that is spread over two clusters (KEP-3335) and a Service that is one in both (cilium/cilium#31814, #32021): the ordinals
    that are elsewhere are a part of the Service. One of the same name is not meant: whoever asks gets either."""
    apart = replace(HEALTHY, slices=(*(HEALTHY.slices or ()), from_afar("10.20.0.3", "web-3", refers=refers)))
    seen = look(apart)
    assert seen.right and "10.20.0.3" in (shared(seen, NameKind.SERVICE).name.records or ())
    both = replace(apart, slices=(*(apart.slices or ()), from_afar("10.20.0.1", "web-1", refers=refers)))
    seen = look(both)
    line = line_of(seen)
    assert line.verdict is NameVerdict.WRONG and line.finding is not None
    assert (line.finding.reason, line.finding.subject, line.finding.detail) == (Reason.SLICE_OF_OTHERS, MESH, "10.20.0.1")
    assert [each.name.pod for each in seen.lines if not each.right] == ["web-1"]


def test_an_address_that_somebody_wrote_for_a_pod_which_has_another() -> None:
    byhand = service(selector={})
    pods = (pod(0), pod(1))
    written = endpoint_slice(
        "hand",
        "IPv4",
        Endpoint(addresses=("10.0.0.10",), hostname="web-0"),
        Endpoint(addresses=("10.9.9.9",), hostname="web-1"),
        Endpoint(addresses=("192.0.2.44",), hostname="legacy-db"),
    )
    seen = look(network(*pods, services=(byhand,), slices=(written,)))
    assert line_of(seen, "web-0").verdict is NameVerdict.RIGHT
    assert line_of(seen).verdict is NameVerdict.WRONG and line_of(seen).name.records == ()


def test_targets_and_names_are_compared_with_targets_and_names() -> None:
    """The slices have another port than the Service: an answer that has it is not older than they are. What another namespace calls
    an address is not known, so nothing says that it is old."""

    def meddle(heard: ServerAnswers) -> ServerAnswers:
        return replace(
            heard,
            answers=tuple(
                replace(each, records=("db-0.other.test.svc.cluster.local",)) if each.question.name == "11.0.0.10.in-addr.arpa" else each
                for each in heard.answers
            ),
        )

    slices = tuple(replace(each, ports=(EndpointPort(name="http", port=9090),)) for each in HEALTHY.slices or ())
    seen = look(replace(HEALTHY, slices=slices), hear=meddle)
    targets, pointer = shared(seen, NameKind.PORT), next(line for line in seen.lines if line.name.pod == "web-1" and line.name.kind is NameKind.REVERSE)
    assert targets.verdict is pointer.verdict is NameVerdict.WRONG
    assert targets.finding is not None and pointer.finding is not None
    assert (targets.finding.reason, targets.finding.until) == (Reason.WRONG_ANSWER, None)
    assert (pointer.finding.reason, pointer.finding.until) == (Reason.WRONG_ANSWER, None)


@pytest.mark.parametrize(
    "kept, verdict, lacking",
    [
        (("10.0.0.10", "10.0.0.11", "10.0.0.12"), NameVerdict.FAILING, ""),
        (("10.0.0.10",), NameVerdict.FAILING, "10.0.0.11, 10.0.0.12"),
        (("10.0.0.10", "10.6.6.6"), NameVerdict.WRONG, "10.0.0.11, 10.0.0.12"),
    ],
)
def test_an_answer_that_was_cut_is_never_right(kept: tuple[str, ...], verdict: NameVerdict, lacking: str) -> None:
    name = "nginx.prod.svc.cluster.local"

    def cut(heard: ServerAnswers) -> ServerAnswers:
        return replace(
            heard,
            answers=tuple(
                replace(each, records=kept, truncated=True) if (each.question.name, each.question.type) == (name, RecordType.A) else each
                for each in heard.answers
            ),
        )

    line = shared(look(HEALTHY, hear=cut), NameKind.SERVICE)
    assert line.verdict is verdict and line.finding is not None and line.finding.subject == lacking
    assert verdict is NameVerdict.WRONG or line.finding.reason is Reason.TRUNCATED


def test_records_of_another_name_are_wrong_even_where_nothing_is_expected() -> None:
    def misdirect(heard: ServerAnswers) -> ServerAnswers:
        return replace(
            heard,
            answers=tuple(
                replace(each, outcome=Outcome.MISDIRECTED, records=(), detail="a record of other.example")
                if each.question.type is RecordType.AAAA
                else each
                for each in heard.answers
            ),
        )

    seen = look(HEALTHY, hear=misdirect)
    assert line_of(seen).verdict is NameVerdict.WRONG and reason_of(seen) is Reason.OTHER_OWNER


def test_only_what_may_be_cached_is_called_old() -> None:
    def stale(ttl: int | None) -> Callable[[ServerAnswers], ServerAnswers]:
        return lambda heard: replace(
            heard,
            answers=tuple(
                replace(each, records=("10.6.6.6",), ttl=ttl)
                if each.question.name.startswith("web-1.") and each.question.type is RecordType.A
                else each
                for each in heard.answers
            ),
        )

    cached, forever = line_of(look(HEALTHY, hear=stale(9))).finding, line_of(look(HEALTHY, hear=stale(None))).finding
    assert cached is not None and forever is not None
    assert (cached.reason, cached.until) == (Reason.STALE_ANSWER, NOW + timedelta(seconds=9))
    assert (forever.reason, forever.until) == (Reason.WRONG_ANSWER, None)


# --- zones -------------------------------------------------------------------------------------------------------------------

TWO = "legacy.example:53 {\n kubernetes legacy.example\n}\n.:53 {\n kubernetes cluster.local in-addr.arpa {\n namespaces kube-system\n }\n}\n"


def test_a_first_block_of_another_zone_makes_nothing_right() -> None:
    seen = look(HEALTHY, corefile=TWO, served=TWO)
    assert seen.zone.name == "cluster.local"
    assert line_of(seen).verdict is NameVerdict.MISSING and reason_of(seen) is Reason.HIDDEN_NAMESPACE


def test_names_of_addresses_are_told_in_the_primary_zone() -> None:
    corefile = COREFILE.replace("kubernetes cluster.local", "kubernetes a.example cluster.local")
    settings = settings_of(corefile)
    wanted = expected(HEALTHY, cluster_zone("", settings), settings)
    told = {name.name: name.records for name in wanted.names}
    assert told["web-1.nginx.prod.svc.cluster.local"] == ("10.0.0.11",)
    assert told["11.0.0.10.in-addr.arpa"] == ("web-1.nginx.prod.svc.a.example",)


def test_a_revision_that_no_label_can_hold_is_the_reason() -> None:
    owner = statefulset(replicas=1, name="c" * 53)
    owner = replace(owner, status=replace(owner.status, update_revision=f"{owner.name}-5d4f8b7c6d"))
    line = line_of(look(network(owner=owner)), f"{owner.name}-0")
    assert line.finding is not None and line.finding.reason is Reason.LABEL_TOO_LONG
    assert len(line.finding.subject) == 64


# --- what else a Corefile has ------------------------------------------------------------------------------------------------


def answers_instead(name: str, kind: RecordType, **change: Any) -> Callable[[ServerAnswers], ServerAnswers]:
    return lambda heard: replace(
        heard,
        answers=tuple(
            replace(each, **change) if each.question.name.startswith(name) and each.question.type is kind else each for each in heard.answers
        ),
    )


WRONG = answers_instead("web-1.", RecordType.A, records=("192.0.2.9",))
DENIED = answers_instead("web-1.", RecordType.AAAA, outcome=Outcome.NXDOMAIN, records=())
REFUSED = answers_instead("web-1.", RecordType.A, outcome=Outcome.REFUSED, records=(), detail="REFUSED")
FAILED = answers_instead("web-1.", RecordType.A, outcome=Outcome.SERVFAIL, records=())


@pytest.mark.parametrize(
    ("directive", "told"),
    [
        ("acl {\nblock type A net 10.0.0.0/8\n}", ("acl", "block type A net 10.0.0.0/8")),
        ("acl {\nallow net 10.0.0.0/8\nblock\n}", ("acl", "allow net 10.0.0.0/8")),
        ("acl {\nblock type ANY net *\n}", None),
        ("acl {\nblock\n}", None),
        ("view pods {\nexpr incidr(client_ip(), '10.0.0.0/8')\n}", ("view", "view pods expr incidr(client_ip(), '10.0.0.0/8')")),
        ("log", None),
    ],
)
def test_answers_that_depend_on_who_asks_are_said_to(directive: str, told: tuple[str, str] | None) -> None:
    """The servers are asked by their own pods, which an acl and a view (plugin/acl, plugin/view) may treat as no other."""
    corefile = COREFILE.replace("    errors\n", f"    {directive}\n")
    found = [(each.subject, each.detail) for each in look(HEALTHY, corefile=corefile).remarks if each.reason is Reason.WHO_ASKS]
    assert found == ([told] if told else [])


@pytest.mark.parametrize(
    "directive, plugin, hear",
    [
        ("hosts {\n192.0.2.9 WEB-1.nginx.prod.svc.cluster.local.\nfallthrough\n}", "hosts", WRONG),
        ("hosts {\n192.0.2.9 web-0.nginx.prod.svc.cluster.local\nfallthrough\n}", "", WRONG),
        ("hosts {\n192.0.2.9 a.example\n}", "hosts", FAILED),
        ("template IN AAAA . {\nrcode NXDOMAIN\n}", "template", DENIED),
        ("template IN AAAA . {\nrcode NXDOMAIN\n}", "", WRONG),
        ("template IN A cluster.local {\nmatch ^web-1[.]nginx\nanswer x\n}", "template", WRONG),
        ("template IN A cluster.local {\nmatch ^web-0[.]nginx\nanswer x\n}", "", WRONG),
        ("template IN A example.org {\nanswer x\n}", "", WRONG),
        ("rewrite name exact web-1.nginx.prod.svc.cluster.local web-0.nginx.prod.svc.cluster.local answer auto", "rewrite", WRONG),
        ("rewrite name web-1.nginx.prod.svc.cluster.local web-0.nginx.prod.svc.cluster.local", "rewrite", WRONG),
        ("rewrite stop {\nname regex web-1[.](.*) web-0.{1}\nanswer auto\n}", "rewrite", WRONG),
        ("rewrite name suffix .cluster-1.local .cluster.local answer auto", "", WRONG),
        ("rewrite name prefix web-1 web-0", "rewrite", WRONG),
        ("acl {\nblock type A net 10.0.0.0/8\n}", "acl", REFUSED),
        ("acl {\nblock type AAAA net *\n}", "", REFUSED),
        ("acl example.org {\nblock\n}", "", REFUSED),
        ("acl {\nblock\n}", "", WRONG),
        ("template IN A . {\nmatch (a+)+$\n}", "template", WRONG),  # it is not tried: it could take for ever
    ],
)
def test_who_answers_instead_is_named(directive: str, plugin: str, hear: Callable[[ServerAnswers], ServerAnswers]) -> None:
    corefile = COREFILE.replace("    errors\n", f"    {directive}\n")
    line = line_of(look(HEALTHY, corefile=corefile, hear=hear))
    assert line.finding is not None and line.verdict is not NameVerdict.RIGHT
    assert (line.finding.subject if line.finding.reason is Reason.OVERRIDDEN else "") == plugin
    assert line_of(look(HEALTHY, corefile=corefile)).verdict is NameVerdict.RIGHT  # it is no fault where the answers are right
