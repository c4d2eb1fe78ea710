"""Services and EndpointSlices, which names are made of: apart from the other kinds, for most verbs read neither."""

from kubectl_pets.cluster.objects.kinds import ResourceKind
from kubectl_pets.domain.dns.network import EndpointSlice, Service

SERVICES = ResourceKind(Service, "/api/v1", "services", "Service")
SLICES = ResourceKind(EndpointSlice, "/apis/discovery.k8s.io/v1", "endpointslices", "EndpointSlice")
