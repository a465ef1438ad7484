"""Prove the table: the guards and acts that run in production, called on terms of a theorem prover (extra ``proof``).

Every session, event and moment there can be is covered, with unbounded integer time; a claim that does not hold
comes back with a concrete session, event and moment that breaks it.
"""

from ..extras import Extra

with Extra("proof"):
    from .claims import CLAIMS
    from .prover import Claim, Machinery, Obligation, Result, Step, answered, obligations, prove
    from .report import PROVED, told
    from .sso import decisions
    from .whole import SESSIONS, total

__all__ = [
    "CLAIMS",
    "PROVED",
    "SESSIONS",
    "Claim",
    "Machinery",
    "Obligation",
    "Result",
    "Step",
    "answered",
    "decisions",
    "obligations",
    "prove",
    "told",
    "total",
]
