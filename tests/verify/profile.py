"""A Hypothesis profile between CI's and a campaign.

To use it: ``SESSIONCORE_PROFILE=verify pytest -p tests.verify.profile``.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "verify",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
