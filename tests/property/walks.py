"""The shortest steps to some bugs, so that no search has to find them."""

from datetime import timedelta

from tests.property.searching import ALICE, BROWSE, FINISH, LOG_IN, MFA, RESET, Step, Walk, live_until, race

from sessioncore.policy import MINUTE
from sessioncore.testing.clock import START

BOUND: Step = ("come_to_a_limit", {"pick": 0, "which": 3, "off": 0})
BOUNDED = (ALICE[0], ("log_in", ["pwd"], False, "authenticated", START + 5 * MINUTE))

WALKS: dict[str, Walk] = {
    "an identity provider's bound that nobody keeps": (("log_in", {"browser": 0, "verbs": BOUNDED}), BOUND, BROWSE),
    "an idle limit that is one millisecond late": (
        LOG_IN,
        ("come_to_a_limit", {"pick": 0, "which": 0, "off": 0}),
        BROWSE,
    ),
    "a lifetime that is one millisecond late": (LOG_IN, live_until(1)),
    "a cap that nobody enforces": tuple(("log_in", {"browser": browser, "verbs": ALICE}) for browser in range(3)),
    "a second factor that is never forgotten": (LOG_IN, MFA, live_until(2)),
    "an epoch that nobody compares": (LOG_IN, RESET, BROWSE),
    "an epoch read after the password check": (
        ("begin_slow_request", {"browser": 0, "verbs": ALICE, "where": 1}),
        RESET,
        FINISH,
    ),
    "a session that changes hands": (LOG_IN, MFA),
    "a creation that is rewritten": (
        ("write", {"browser": 0, "verbs": (("set", "theme", 1),)}),
        ("write", {"browser": 0, "verbs": (("set", "theme", 2),)}),
    ),
    "a factor of the same kind taken as a second one": (
        LOG_IN,
        ("satisfy_mfa", {"browser": 0, "method": "pwd"}),
    ),
    "a secret that is drawn twice": (
        ("write", {"browser": 0, "verbs": (("set", "theme", 1),)}),
        ("write", {"browser": 1, "verbs": (("set", "theme", 2),)}),
    ),
    "Reviving": (LOG_IN, race((("log_out",),))),
    "Careless": (LOG_IN, race((("set", "page", 1),))),
    "Lenient": (LOG_IN, RESET, BROWSE),
    "Idle": (
        ("write", {"browser": 0, "verbs": (("set", "theme", 1),)}),
        ("come_to_a_limit", {"pick": 0, "which": 0, "off": 0}),
        ("sweep", {}),
    ),
    "LivePurging": (
        LOG_IN,
        ("come_to_a_limit", {"pick": 0, "which": 0, "off": -1}),
        ("purge", {"keep": timedelta(0)}),
    ),
    "a commit whose failure is hidden": (
        LOG_IN,
        ("begin_slow_request", {"browser": 0, "verbs": (("reauthenticate", "pwd"),), "where": 0}),
        ("log_out", {"browser": 0}),
        FINISH,
    ),
    "a cookie cleared by a stale answer": (
        LOG_IN,
        ("end_any", {"pick": 0}),
        BROWSE,
    ),
    "a store that is down": (LOG_IN, ("lose_the_store", {"browser": 0})),
}
