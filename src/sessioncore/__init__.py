"""A login session is a state machine to step, not a bag of data to save.

This package is the pure core: the records, the events, the one table of transitions, the flows around a step and
the port that a store implements. It performs no I/O and knows neither clock nor randomness; the package
``sessioncore_io`` binds it to web servers and stores.
"""

from .errors import (
    Contention,
    DataTooLarge,
    ExtraMissing,
    InvalidSetting,
    LoginRequired,
    NotYours,
    Refused,
    SessionError,
    StepUpRequired,
    StoreUnavailable,
    TooLate,
    UnreadableRecord,
)
from .events import Event, LogIn, LogOut, Reauthenticate, Restamp, SatisfyMfa, Tick, Touch, Write
from .machine import Machine, begin, settle, step
from .policy import NIST_AAL1, NIST_AAL2, NIST_AAL3, Limits, Policy, moment_for
from .ports import Announcer, AsyncStore, Store, Subscription
from .records import NEVER, Epoch, Kind, Moment, Reason, Session, State
from .table import TABLE, Row
from .values import ANY_SUBJECT, Attempt, Ending, Notice, Summary, What

__all__ = [
    "ANY_SUBJECT",
    "NEVER",
    "NIST_AAL1",
    "NIST_AAL2",
    "NIST_AAL3",
    "TABLE",
    "Announcer",
    "AsyncStore",
    "Attempt",
    "Contention",
    "DataTooLarge",
    "Ending",
    "Epoch",
    "Event",
    "ExtraMissing",
    "InvalidSetting",
    "Kind",
    "Limits",
    "LogIn",
    "LogOut",
    "LoginRequired",
    "Machine",
    "Moment",
    "NotYours",
    "Notice",
    "Policy",
    "Reason",
    "Reauthenticate",
    "Refused",
    "Restamp",
    "Row",
    "SatisfyMfa",
    "Session",
    "SessionError",
    "State",
    "StepUpRequired",
    "Store",
    "StoreUnavailable",
    "Subscription",
    "Summary",
    "Tick",
    "TooLate",
    "Touch",
    "UnreadableRecord",
    "What",
    "Write",
    "begin",
    "moment_for",
    "settle",
    "step",
]
