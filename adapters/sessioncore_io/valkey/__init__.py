"""Keep sessions in Valkey or Redis (extra ``valkey``): ``ValkeyStore`` and ``AsyncValkeyStore``.

``store`` holds both. ``calls``, ``lists`` and ``look`` say what each method asks of a server, by the ``scripts`` and
``keys`` beside them; ``talk`` how that is awaited or not; ``wire``, ``cluster``, ``route`` and ``place`` where it goes.
"""

from sessioncore.extras import Extra

with Extra("valkey"):
    from .store import AsyncValkeyStore, ValkeyStore

__all__ = ["AsyncValkeyStore", "ValkeyStore"]
