"""``make demo``: the main job on an embedded control plane, for somebody who watches it for the first time."""
