"""CoreDNS as a pure function: what its kubernetes plugin answers from Services and EndpointSlices. The rules were read in CoreDNS
v1.15 plugin/kubernetes (parseRequest, findServices, endpointHostname, serviceRecordForIP) and plugin/backend_lookup; that they are
these is shown by the tests on the real one."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from ipaddress import ip_address

from kubectl_pets.domain.dns.answers import Answer, Outcome, Question, RecordType, Server, ServerAnswers
from kubectl_pets.domain.dns.corefile import Settings
from kubectl_pets.domain.dns.network import Endpoint, EndpointSlice, Network, Service
from tests.domain.dns.builders import NOW

ServiceRecord = tuple[str, str, int]  #: label (empty: the Service itself), address, port (-1: none)


class CoreDns:
    """What one replica knows, which may be old: pass it the network of then."""

    def __init__(self, network: Network, settings: Settings) -> None:
        self.network, self.settings = network, settings

    def hear(self, questions: Iterable[Question], name: str = "coredns-1", at: datetime = NOW) -> ServerAnswers:
        return ServerAnswers(
            server=Server(name=name, namespace="kube-system"), asked_at=at, answers=tuple(self.answer(each) for each in questions)
        )

    def answer(self, question: Question) -> Answer:
        if question.type is RecordType.PTR:
            found = sorted(set(self._pointers(question.name)))
            return self._made(question, found, bool(found))
        records = self._records(question.name)
        if records is None:
            return self._made(question, [], False)
        if question.type is RecordType.SRV:
            weight = 100 // max(len(records), 1) or 1
            targets = {f"0 {weight} {port} {self._target(question.name, label)}" for label, _, port in records if port != -1}
            return self._made(question, sorted(targets), True)
        wanted = 6 if question.type is RecordType.AAAA else 4
        return self._made(question, sorted({address for _, address, _ in records if ip_address(address).version == wanted}), True)

    def _made(self, question: Question, records: list[str], exists: bool) -> Answer:
        outcome = Outcome.ANSWERED if records else Outcome.NODATA if exists else Outcome.NXDOMAIN
        return Answer(question=question, outcome=outcome, records=tuple(records), ttl=self.settings.ttl)

    def _target(self, name: str, label: str) -> str:
        service = name.split(".", 2)[2]
        return f"{label}.{service}" if label else service

    # --- names ---------------------------------------------------------------------------------------------------------------

    def _records(self, name: str) -> list[ServiceRecord] | None:
        """None: NXDOMAIN."""
        zone = next((zone for zone in self.settings.zones if name.endswith("." + zone)), None)
        if zone is None:
            return None
        labels = name.removesuffix("." + zone).split(".")
        if len(labels) < 3 or labels[-1] != "svc" or len(labels) > 5:
            return None
        *rest, wanted, namespace, _ = labels
        if self.settings.namespaces and namespace not in self.settings.namespaces or namespace != self.network.set.namespace:
            return None
        service = next((each for each in self.network.services or () if each.name.lower() == wanted), None)
        if service is None:
            return None
        endpoint = rest[0] if len(rest) == 1 else ""
        port, protocol = (rest[0].removeprefix("_"), rest[1].removeprefix("_")) if len(rest) == 2 else ("", "")
        if service.spec.type == "ExternalName":
            return None if rest else []
        if service.headless or endpoint:
            return list(self._endpoints(service, endpoint, port, protocol)) or None
        ports = [each for each in service.spec.ports if port in ("", each.name.lower()) and protocol in ("", each.protocol.lower())]
        return [("", address, each.port) for each in ports for address in service.spec.cluster_ips] or None

    def _endpoints(self, service: Service, wanted: str, port: str, protocol: str) -> Iterator[ServiceRecord]:
        if self.settings.no_endpoints:
            return
        for each in self._slices(service.name):
            ports = each.ports or ()
            numbers = [("", "", -1)] if not ports else [(one.name, one.protocol, -1 if one.port is None else one.port) for one in ports]
            for found in each.endpoints or ():
                for address in found.addresses if found.ready else ():
                    label = self._label(found, address).lower()
                    for name, its_protocol, number in numbers:
                        if port in ("", name.lower()) and protocol in ("", its_protocol.lower()) and wanted in ("", label):
                            yield label, address, number

    def _label(self, found: Endpoint, address: str) -> str:
        if found.hostname:
            return found.hostname
        if self.settings.endpoint_pod_names and found.target_ref is not None and 0 < len(found.target_ref.name) < 64:
            return found.target_ref.name
        return address.replace(".", "-").replace(":", "-")

    def _slices(self, service: str) -> Iterator[EndpointSlice]:
        return (each for each in self.network.slices or () if each.service == service)

    # --- addresses -----------------------------------------------------------------------------------------------------------

    def _pointers(self, name: str) -> Iterator[str]:
        for each in self.network.slices or ():
            for found in each.endpoints or ():
                for address in found.addresses if found.ready else ():
                    if ip_address(address).reverse_pointer == name:
                        yield f"{self._label(found, address)}.{each.service}.{each.metadata.namespace}.svc.{self.settings.zone}".lower()
