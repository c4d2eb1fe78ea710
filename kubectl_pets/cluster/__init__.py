"""The only rooms that talk to a cluster."""
