"""Hypothesis as the domain's tests use it: no deadlines, no database; a failing case is printed so that it can be run again."""

from hypothesis import HealthCheck, settings

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

settings.register_profile("domain", deadline=None, database=None, print_blob=True, suppress_health_check=_QUIET)
settings.load_profile("domain")
