"""Single sign-on, the pure part: what three layers of sessions say to each other.

``decide`` answers an authentication request from the server's session, ``accept`` judges the token that comes of it
for the application's; ``plan_logout`` and ``ends`` carry ends from layer to layer. Each is a table of rows with the
clause of OpenID Connect that says so. Nothing here speaks HTTP, signs or verifies: that is an OpenID library's part.
"""

from .accepting import ACCEPTING, accept
from .answers import GRANTED, Answer, ErrorCode, Grant, Granted, Interact, Interaction, Refuse
from .cascade import CASCADE, Cascade, Cell, Fate, Happening, Layer, cascade_of
from .case import Case, moment_for, moment_of
from .decision import DECISIONS, Decision, decide
from .logout import AskUpstream, EndAll, EndSession, LogoutEffect, NotifySession, NotifySubject, plan_logout
from .logout_request import LOGOUT_REQUESTS, LogoutAnswer, LogoutRequest, LogoutStep, decide_logout
from .matching import LogoutToken, ends
from .naming import client_sid, subject_of
from .request import INVALID_HINT, NO_HINT, AuthenticationRequest, Hint, HintStanding, read_request
from .server import Level, ServerPolicy
from .silent import SILENT_RESULTS, AfterSilence, on_silent_result
from .token import Acceptance, Claims, Expected, Verdict
from .transaction import Transaction, recorded_as

__all__ = [
    "ACCEPTING",
    "CASCADE",
    "DECISIONS",
    "GRANTED",
    "INVALID_HINT",
    "LOGOUT_REQUESTS",
    "NO_HINT",
    "SILENT_RESULTS",
    "Acceptance",
    "AfterSilence",
    "Answer",
    "AskUpstream",
    "AuthenticationRequest",
    "Cascade",
    "Case",
    "Cell",
    "Claims",
    "Decision",
    "EndAll",
    "EndSession",
    "ErrorCode",
    "Expected",
    "Fate",
    "Grant",
    "Granted",
    "Happening",
    "Hint",
    "HintStanding",
    "Interact",
    "Interaction",
    "Layer",
    "Level",
    "LogoutAnswer",
    "LogoutEffect",
    "LogoutRequest",
    "LogoutStep",
    "LogoutToken",
    "NotifySession",
    "NotifySubject",
    "Refuse",
    "ServerPolicy",
    "Transaction",
    "Verdict",
    "accept",
    "cascade_of",
    "client_sid",
    "decide",
    "decide_logout",
    "ends",
    "moment_for",
    "moment_of",
    "on_silent_result",
    "plan_logout",
    "read_request",
    "recorded_as",
    "subject_of",
]
