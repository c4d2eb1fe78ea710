"""The only rooms that talk to a cluster: connect, read, watch, change.

Importing them loads the client library, so ``session`` does it when a cluster is first needed. What they offer is written down in
``ports.cluster.Cluster``; what goes wrong in them comes out as one of ``errors``.
"""

from kubectl_pets.cluster.access.connect import connect
from kubectl_pets.cluster.client import Client

__all__ = ["Client", "connect"]
