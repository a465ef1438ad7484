"""Keep sessions in PostgreSQL (extra ``postgres``): ``PostgresStore`` and ``AsyncPostgresStore``.

``store`` holds both. ``flows`` and ``statements`` say what each method asks of the server, ``pool``, ``exchange`` and
``wire`` how it is asked; ``sql/`` and ``schema`` are the tables.
"""

from sessioncore.extras import Extra

with Extra("postgres", "psycopg[binary]"):
    from .store import AsyncPostgresStore, PostgresStore

__all__ = ["AsyncPostgresStore", "PostgresStore"]
