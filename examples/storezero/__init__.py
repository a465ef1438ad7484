"""Storezero: a small shop that shows what sessioncore does, on every page.

Read it in this order: ``app`` (the wiring), ``login`` (a login's life), ``account`` (what a user may do about
their sessions), ``checkout`` (step-up), ``panel`` (the session, live). The rest is a shop.
"""
