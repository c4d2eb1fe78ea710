"""Real kubectl and kubectl-pets on the same kubeconfigs, flags and surroundings: they end alike and are the same user to the server."""
