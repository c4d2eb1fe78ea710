"""Rollouts that are killed, cut off, meddled with and left by their nodes, on the real control plane.

Everything here is real but the faults, and those happen outside of the program: a process that gets SIGKILL, a proxy between it and
the API server, an API server that is stopped, another person's kubectl, a node that falls silent. What came of it is never taken
from the program: pods are watched and the audit log is read independently.

`make faults` plays it all and prints the figures; `test_faults.py` is a short run of the same. A round is known by the seed, its
scenario and its number: `python -m tests.faults kills --seed 7 --only 12` plays that one again (the cluster's own timing differs).
"""
