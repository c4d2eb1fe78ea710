"""The folders behind a run's PersistentVolumes, which are the one thing that a run keeps outside its directory.

The provisioner in kube-controller-manager takes no other place for them, and after a crash no API server can list them:
the database's files can.
"""

from __future__ import annotations

import contextlib
import re
import shutil

from tests.controlplane.layout import Layout

_FOLDER = re.compile(rb"/tmp/hostpath_pv/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def remove_volumes(layout: Layout) -> None:
    """Remove every folder that the run's database has ever named."""
    for path in layout.etcd_data.rglob("*"):
        if path.is_file():
            with contextlib.suppress(OSError):
                for folder in set(_FOLDER.findall(path.read_bytes())):
                    shutil.rmtree(folder.decode(), ignore_errors=True)
