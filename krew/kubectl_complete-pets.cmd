@kubectl-pets __complete %*
