"""Hypothesis as the domain's tests use it: no deadlines, no database; a failing case is printed so that it can be run again."""

from hypothesis import HealthCheck, settings

from tests.domain.examples import times

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

settings.register_profile(
    "domain", deadline=None, database=None, print_blob=True, suppress_health_check=_QUIET, max_examples=times(100)
)
settings.load_profile("domain")
