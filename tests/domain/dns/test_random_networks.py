"""Random networks against a simulated CoreDNS: what is healthy is judged right, a fault put in is the first reason, and nothing that
was not answered exactly or not read is ever called right or passed."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.dns.answers import Answer, Outcome, Server, ServerAnswers
from kubectl_pets.domain.dns.comparing import AnswerStanding
from kubectl_pets.domain.dns.corefile import Settings
from kubectl_pets.domain.dns.diagnosing import diagnose
from kubectl_pets.domain.dns.names import NameKind, expected, questions
from kubectl_pets.domain.dns.network import EndpointSlice, Network, Service, ServicePort
from kubectl_pets.domain.dns.reasons import Check, Diagnosis, LinkSkip, NameVerdict, Reason, State
from kubectl_pets.domain.dns.zones import cluster_zone
from kubectl_pets.domain.model import Pod
from tests.domain.dns.builders import COREFILE, NOW, from_afar, network, pod, service, statefulset
from tests.domain.dns.coredns import CoreDns
from tests.domain.dns.test_diagnosis import line_of, settings_of
from tests.domain.examples import cases

SETTINGS = settings_of()
SEEDS = st.integers(0, 2**64)
PORTS = (
    ServicePort(name="http", port=80, target_port=8080),
    ServicePort(name="db", port=5432),
    ServicePort(name="db", protocol="UDP", port=5432),
    ServicePort(port=1),
)


def judged(found: Network, hearings: tuple[ServerAnswers, ...], corefile: Settings | None = SETTINGS) -> Diagnosis:
    wanted = expected(found, cluster_zone("", corefile), corefile)
    return diagnose(found, wanted, hearings, corefile, (), NOW)


def asked(found: Network, *known: Network, corefile: Settings = SETTINGS) -> tuple[ServerAnswers, ...]:
    wanted = questions(expected(found, cluster_zone("", corefile), corefile).names)
    return tuple(CoreDns(each, corefile).hear(wanted, f"coredns-{number}") for number, each in enumerate(known))


class Maker:
    """Healthy networks of all kinds, by seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def addresses(self, number: int, families: tuple[str, ...]) -> tuple[str, ...]:
        both = {"IPv4": f"10.0.{number}.1", "IPv6": f"fd00::{number + 1:x}"}
        return tuple(both[family] for family in families)

    def services(self, families: tuple[str, ...]) -> tuple[Service, ...]:
        ports = tuple(self.random.sample(PORTS, self.random.randint(0, len(PORTS))))
        served = self.random.choice((families, ())) if len(families) == 2 else families
        made = [service(ports=ports, unready_too=self.chance(0.3), families=served)]
        if self.chance(0.3):
            made.append(service("another", families=families))
        if self.chance(0.2):
            made.append(service("vip", cluster_ip="10.96.0.7", families=families))
        return tuple(made)

    def healthy(self, least: int = 0) -> Network:
        families = self.random.choice((("IPv4",), ("IPv6",), ("IPv4", "IPv6"), ("IPv6", "IPv4")))
        services = self.services(families)
        start = self.random.choice((0, 0, 5))
        count = self.random.randint(least, 6)
        unready_too = services[0].spec.publish_not_ready_addresses
        pods = [
            pod(
                start + number,
                *self.addresses(number, families),
                ready=not (unready_too and self.chance(0.3)),
                leaving=unready_too and self.chance(0.1),
                host_network=self.chance(0.1),
            )
            for number in range(count)
        ]
        owner = statefulset(replicas=count, start=start)
        others = [pod(number, f"10.1.0.{number + 1}", name="other") for number in range(self.random.choice((0, 0, 2)))] if "IPv4" in families else []
        surplus = [pod(start + count + 3, *self.addresses(200, families), leaving=True)] if self.chance(0.2) else []
        self.random.shuffle(pods)
        size = self.random.choice((1, 2, 100))
        whole = network(*pods, *surplus, *others, owner=owner, services=services, size=size)
        afar = self.afar(start + count, families, services[0]) if self.chance(0.3) else ()
        return replace(whole, pods=tuple((*pods, *surplus)), slices=(*(whole.slices or ()), *afar))

    def afar(self, ordinal: int, families: tuple[str, ...], wanted: Service) -> tuple[EndpointSlice, ...]:
        """The part of the set that is in another cluster, in slices that another controller keeps."""
        refers = self.chance(0.5)
        served = wanted.spec.ip_families or families
        return tuple(from_afar(each, f"web-{ordinal}", refers=refers) for each in self.addresses(220, families[:1]) if families[0] in served)


def changed(found: Network, at: int, change: Callable[[Pod], Pod]) -> Network:
    """With one pod otherwise, and the slices that follow."""
    pods = list(found.pods or ())
    pods[at] = change(pods[at])
    return network(*pods, owner=found.set, services=found.services)


def without(found: Network, at: int) -> tuple[Pod, ...]:
    return tuple(each for number, each in enumerate(found.pods or ()) if number != at)


FAULTS: tuple[tuple[Reason, Callable[[Network, int], Network]], ...] = (
    (Reason.POD_ABSENT, lambda found, at: network(*without(found, at), owner=found.set, services=found.services)),
    (Reason.POD_OVER, lambda found, at: changed(found, at, lambda each: replace(each, status=replace(each.status, phase="Failed")))),
    (Reason.POD_WITHOUT_ADDRESS, lambda found, at: changed(found, at, lambda each: replace(each, status=replace(each.status, pod_ip="", pod_ips=())))),
    (Reason.SERVICE_MISSING, lambda found, at: network(*(found.pods or ()), owner=found.set, services=(found.services or ())[1:])),
    (
        Reason.EXTERNAL_NAME,
        lambda found, at: network(*(found.pods or ()), owner=found.set, services=(service(kind="ExternalName", cluster_ip="", external="a.org"),)),
    ),
    (Reason.SELECTOR_DIFFERS, lambda found, at: changed(found, at, lambda each: replace(each, metadata=replace(each.metadata, labels={})))),
    (Reason.SUBDOMAIN_DIFFERS, lambda found, at: changed(found, at, lambda each: replace(each, spec=replace(each.spec, subdomain="old")))),
    (Reason.HOSTNAME_DIFFERS, lambda found, at: changed(found, at, lambda each: replace(each, spec=replace(each.spec, hostname="old")))),
    (
        Reason.SLICE_LACKS,
        lambda found, at: replace(
            found, slices=network(*without(found, at), owner=found.set, services=found.services).slices
        ),
    ),
    (
        Reason.SLICE_OF_OTHERS,
        lambda found, at: replace(found, slices=(*(found.slices or ()), from_afar("10.20.0.1", (found.pods or ())[at].name, refers=at % 2 == 0))),
    ),
)


@given(SEEDS)
@cases(400)
def test_what_is_healthy_is_right(seed: int) -> None:
    found = Maker(seed).healthy()
    replicas = 1 + seed % 3
    seen = judged(found, asked(found, *[found] * replicas))
    assert [(line.name.name, line.finding) for line in seen.lines if not line.right] == []
    assert seen.right
    for line in seen.lines:
        assert {link.check for link in line.links if link.state is not State.PASSED} <= {Check.CLIENT}


@given(SEEDS, st.sampled_from(range(len(FAULTS))))
@cases(400)
def test_an_injected_fault_is_the_first_reason(seed: int, fault: int) -> None:
    reason, break_it = FAULTS[fault]
    made = Maker(seed)
    whole = made.healthy(least=1)
    in_range = [at for at, each in enumerate(whole.pods or ()) if not each.terminating]
    if not in_range:
        return
    at = made.random.choice(in_range)
    name = (whole.pods or ())[at].name
    broken = break_it(whole, at)
    for known in ((), (broken,), (broken, broken)):
        seen = judged(broken, asked(broken, *known))
        finding = line_of(seen, name).finding
        assert finding is not None and finding.reason is reason
        assert not line_of(seen, name).right and not seen.right


@given(SEEDS)
@cases(200)
def test_a_replica_that_knows_another_network_is_found_out(seed: int) -> None:
    """One replica knows what was there before one pod got its address."""
    made = Maker(seed)
    found = made.healthy(least=1)
    in_range = [at for at, each in enumerate(found.pods or ()) if not each.terminating]
    if not in_range:
        return
    at = made.random.choice(in_range)
    name = (found.pods or ())[at].name
    young = changed(found, at, lambda each: replace(each, status=replace(each.status, conditions=tuple(
        replace(one, last_transition_time=NOW - timedelta(seconds=1)) for one in each.status.conditions
    )), metadata=replace(each.metadata, creation_timestamp=NOW - timedelta(seconds=1))))
    before = FAULTS[0][1](young, at)
    seen = judged(young, asked(young, young, before))
    line = line_of(seen, name)
    assert line.finding is not None and line.finding.reason is Reason.NEGATIVE_CACHE
    assert [each.standing for each in line.heard] == [AnswerStanding.RIGHT, AnswerStanding.MISSING]


# --- whatever there is -------------------------------------------------------------------------------------------------------


def garbled(maker: Maker, hearing: ServerAnswers) -> ServerAnswers:
    """Some answers lost, some others', some failures."""
    answers = []
    for answer in hearing.answers:
        if maker.chance(0.2):
            continue
        if maker.chance(0.2):
            answer = replace(answer, outcome=maker.random.choice(list(Outcome)))
        if maker.chance(0.2):
            answer = Answer(question=answer.question, outcome=Outcome.ANSWERED, records=("10.9.9.9",), ttl=maker.random.choice((None, 0, 30)))
        answers.append(answer)
    trouble = "cut off" if maker.chance(0.2) else ""
    right = ("create", "pods/portforward") if trouble and maker.chance(0.5) else None
    return replace(hearing, answers=tuple(answers), trouble=trouble, missing_right=right)


def odd(seed: int) -> tuple[Network, tuple[ServerAnswers, ...], Settings | None]:
    maker = Maker(seed)
    found = maker.healthy()
    if found.pods and maker.chance(0.7):
        found = maker.random.choice(FAULTS)[1](found, maker.random.randrange(len(found.pods)))
    corefile = None if maker.chance(0.2) else SETTINGS
    hearings = asked(found, *[found] * maker.random.randint(0, 3))
    if maker.chance(0.5):
        hearings = tuple(garbled(maker, each) for each in hearings)
    if maker.chance(0.3):
        hearings = tuple(replace(each, server=replace(each.server, unready=maker.chance(0.7))) for each in hearings)
    for hidden in ("pods", "services", "slices"):
        if maker.chance(0.1):
            found = replace(found, **{hidden: None})
    return found, hearings, corefile


@given(SEEDS)
@cases(500)
def test_right_means_answered_exactly_by_everybody_who_was_asked(seed: int) -> None:
    found, hearings, corefile = odd(seed)
    for line in judged(found, hearings, corefile).lines:
        if line.verdict is not NameVerdict.RIGHT:
            assert line.verdict is NameVerdict.NOT_RESOLVED or line.name.records is None or line.finding is not None or line.right
            continue
        assert line.finding is None
        heard = [each for each in line.heard if each.standing is not AnswerStanding.NOT_ASKED]
        assert heard and not all(each.hearing.server.unready for each in heard)
        for each in heard:
            for one in each.compared:
                answer = each.hearing.answer(one.expectation.question)
                given_records = set(answer.records) if answer else set()
                if line.name.kind is NameKind.POD:
                    assert one.expectation.records is not None and given_records == set(one.expectation.records)
                assert answer is not None and answer.outcome in (Outcome.ANSWERED, Outcome.NODATA)


@given(SEEDS)
@cases(500)
def test_nothing_passes_that_was_not_read(seed: int) -> None:
    found, hearings, corefile = odd(seed)
    unread = {
        Check.POD: found.pods is None,
        Check.SERVICE: found.services is None,
        Check.HEADLESS: found.services is None,
        Check.SELECTOR: found.services is None or found.pods is None,
        Check.IDENTITY: found.services is None or found.pods is None,
        Check.READY: found.services is None or found.pods is None,
        Check.FAMILY: found.services is None or found.pods is None,
        Check.SLICE: found.slices is None or found.services is None,
        Check.COREFILE: corefile is None,
        Check.SERVERS: not any(hearing.answers for hearing in hearings),
        Check.CLIENT: True,
    }
    seen = judged(found, hearings, corefile)
    for line in seen.lines:
        for link in line.links:
            if unread.get(link.check):
                assert link.state is not State.PASSED, link
            assert (link.skip is not None) == (link.state is State.SKIPPED)
            assert bool(link.findings) == (link.state is State.FAILED)
            if link.skip is LinkSkip.UNREADABLE:
                assert link.right is not None
    if None in (found.pods, found.services):
        assert not seen.right or not seen.lines


@given(SEEDS)
@cases(200)
def test_it_is_deterministic_and_in_order(seed: int) -> None:
    found, hearings, corefile = odd(seed)
    seen = judged(found, hearings, corefile)
    mixed = Random(seed)
    shuffled = replace(
        found,
        pods=None if found.pods is None else tuple(mixed.sample(found.pods, len(found.pods))),
        slices=None if found.slices is None else tuple(mixed.sample(found.slices, len(found.slices))),
    )
    again = judged(shuffled, hearings, corefile)
    assert again.lines == seen.lines
    ordinals = [line.name.ordinal for line in seen.lines if line.name.kind is NameKind.POD]
    assert ordinals == list(range(found.set.start, found.set.start + found.set.spec.replicas))
    for line in seen.lines:
        if line.links:
            assert [link.check for link in line.links] == list(Check)


def test_the_simulation_denies_what_is_hidden() -> None:
    found = network(pod(0))
    blind = settings_of(COREFILE.replace("ttl 30", "namespaces other"))
    hearing = CoreDns(found, blind).hear(questions(expected(found, cluster_zone()).names[:1]))
    assert {answer.outcome for answer in hearing.answers} == {Outcome.NXDOMAIN}
    assert hearing.server == Server(name="coredns-1", namespace="kube-system")
