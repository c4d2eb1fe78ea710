"""The rooms that talk to a cluster, against a loopback server for faults and the real control plane for truth."""
