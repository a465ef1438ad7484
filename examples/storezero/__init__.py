"""Storezero: a small shop, its login service and an identity provider, to show what sessions do on every page.

Read it in this order: ``app`` (six parts, one server), ``shop.signing_in`` (an application asks who somebody is),
``auth.login`` (the pages of a login), ``auth.social`` (a login by somebody else's), ``orders_app`` (tokens instead of a
session), ``stage`` (everything, live). The rest is a shop.
"""
