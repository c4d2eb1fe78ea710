"""StatefulSets of OpenKruise and PingCAP count as live sets. On a control plane of their own: their types would be seen by all tests."""

import pytest

from tests import controlplane
from tests.commands.plugin import Plugin
from tests.commands.test_orphans import become, make, shrink

pytestmark = pytest.mark.real

TYPE = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: statefulsets.%(group)s}
spec:
  group: %(group)s
  scope: Namespaced
  names: {kind: StatefulSet, listKind: StatefulSetList, plural: statefulsets, singular: statefulset}
  versions:
  - name: %(version)s
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
SET = """
apiVersion: %(group)s/%(version)s
kind: StatefulSet
metadata: {name: web, annotations: %(annotations)s}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  %(more)s
  volumeClaimTemplates: [{metadata: {name: data}}]
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: "app:1"}]}}
"""
KRUISE = {"group": "apps.kruise.io", "version": "v1beta1", "annotations": "{}", "more": 'reserveOrdinals: [1, "5-6"]'}
PINGCAP = {"group": "apps.pingcap.com", "version": "v1", "annotations": "{delete-slots: '[1]'}", "more": ""}


def test_sets_of_other_groups_want_their_claims() -> None:
    """Two replicas around a hole at 1 are ordinals 0 and 2; the hole may be filled again, and 3 is beyond."""
    with controlplane.running() as plane:
        pets = Plugin(plane, "default")
        make(pets, replicas=4)
        shrink(pets, 1)
        pets.kubectl("delete", "statefulset", "web")
        gone = {f"data_web_{ordinal}": "set-gone" for ordinal in range(4)}
        become(pets, **gone)
        for kind in (KRUISE, PINGCAP):
            plane.apply(TYPE % kind)
            pets.eventually(lambda: plane.kubectl("create", "-f", "-", input=SET % kind, check=False).returncode == 0, "served")
            become(pets, data_web_0="in-range", data_web_1="will-return", data_web_2="in-range", data_web_3="scaled-down")
            plane.kubectl("delete", f"statefulsets.{kind['group']}", "web")
            become(pets, **gone)
