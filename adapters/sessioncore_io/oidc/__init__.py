"""Give an authorization server, and the applications that log in by one, real session life (extra: ``oidc``).

Authlib and joserfc speak the protocol, sign and verify. ``sessioncore.sso`` decides what a session answers, what a
token means and who is told of a logout. This package is what lies between: plain ASGI, no framework needed.

**A login by an OpenID provider**, in Starlette or FastAPI behind ``sessioncore_io.asgi.SessionMiddleware``::

    provider = RelyingParty(
        issuer="https://login.example/", client_id="shop", secret=..., redirect_uri="https://shop.example/callback",
        post_logout_redirect_uri="https://shop.example/",
    )

    async def login(request):                                             # GET /login
        return RedirectResponse(await provider.begin(request.session, next="/account"))

    async def callback(request):                                          # GET /callback
        landed = await provider.finish(await Call.read(request.scope, request.receive))
        return RedirectResponse(landed.next, 303)                         # raises LoginFailed, ProviderUnavailable

    async def logout(request):                                            # POST /logout, with a CSRF token
        return RedirectResponse(await provider.log_out(request.session), 303)

    async def backchannel(request):                                       # POST /backchannel, called by the provider
        return await provider.back_channel(await Call.read(request.scope, request.receive))

``await provider.userinfo(landed)`` asks for the name and the like. A silent renewal is ``begin(..., prompt="none",
renew=True)``; ``LoginFailed.error`` says why it came to nothing, and only ``login_required`` has ended the session. A
session here ends when the provider says so (``back_channel``), also if that message overtakes the login.

**An authorization server**::

    server = AuthorizationServer(
        issuer="https://login.example/", keys=Keys.load(...),
        clients=[Client(client_id="shop", secret=..., redirect_uris="https://shop.example/callback")],
        rules=rules,      # (subject, client, scopes) -> sessioncore.sso.ServerPolicy
        claims=claims,    # (subject, scopes) -> {"name": ...}
    )
    pages = Starlette(routes=[..., Mount("/", ServerApp(server, show))])
    app = SessionMiddleware(pages, server.watching(store))                # whose sessions end is told to their clients
    asyncio.create_task(server.notices.run())                             # in the lifespan: delivers those messages

``ServerApp`` serves /authorize, /oauth/token, /userinfo, /oidc/logout, /.well-known/jwks.json and
/.well-known/openid-configuration. Where a user is needed it calls ``show(call, value)``, which gives any ASGI response:

- ``Pending``: an authentication request waits. ``kind`` is the page (``sso.Interaction``: log in, reauthenticate,
  select account, step up, satisfy MFA, consent, offer step-up), ``client`` and ``scopes`` say who asks for what,
  ``subject`` whom it has to be (empty: anybody). Redirect to a page of your own with ``pending.query`` in its address.

- ``ConfirmLogout``: some page asked to log out. Draw a form that posts ``fields`` to ``action``.
- ``LoggedOut``: done, and nowhere to go on to. With ``upstream``, log out there too, then go to ``then``.

On that page, in the request that changes the session::

    kinds = {Interaction.LOG_IN, Interaction.REAUTHENTICATE}                         # what this page proves, no other
    pending = server.pending(request.session, request.query_params["transaction"], kinds)  # None: answered, or too old
    request.session.log_in(attempt, "pwd")             # or satisfy_mfa, reauthenticate (see sso.recorded_as), nothing
    server.did(request.session, pending)               # after it: says that the page was answered, by this subject
    return RedirectResponse(pending.resume, 303)       # decides again: another page, or back to the client
    return server.deny(request.session, pending)       # or: the user said no

Put ``PAGE_HEADERS`` on such pages: nobody may frame them. A login rotates the session's secret, and with it the CSRF
token of every other tab's form: if a form's token is out of date, answer with ``pending.resume`` too. It decides again,
and usually there is nothing left to ask.

Every verb is also there without ``ServerApp``: ``await server.authorize(await Call.read(scope, receive))`` gives a
``Reply`` (an ASGI response) or one of the values above. ``await server.bearer(token, sessions)`` gives an access
token's claims, for an API beside the server, as long as its session lives.

``await server.reset_password(sessions, subject, write)`` is ``sessions.reset_password`` with the clients told at once,
and ``await server.settle(sessions, subject)`` tells them after ``session.password_changed()``; ``sessions`` is
``SessionMiddleware(...).sessions``. ``await sessions.sweep()`` now and then finds those that expired.

**Names of one's own machine**: ``RelyingParty(transport=LocalNames())`` maps ``*.localhost`` to 127.0.0.1, and
``AuthorizationServer(local=True)`` lets logout notices go there. Issuers and addresses may be http only there.
"""

from sessioncore.extras import Extra

with Extra("oidc"):
    from .clients import Client
    from .failures import BadToken, LoginFailed, ProviderUnavailable
    from .keys import Keys
    from .leaving import ConfirmLogout, LoggedOut
    from .notices import LogoutNotices
    from .pending import Pending
    from .queue import LogoutNotice, Outcome
    from .relying import Landed, RelyingParty
    from .routes import ServerApp
    from .server import AuthorizationServer
    from .settings import Paths
    from .transport import LocalNames
    from .web import PAGE_HEADERS, Call, Params, Reply

__all__ = [
    "PAGE_HEADERS",
    "AuthorizationServer",
    "BadToken",
    "Call",
    "Client",
    "ConfirmLogout",
    "Keys",
    "Landed",
    "LocalNames",
    "LoggedOut",
    "LoginFailed",
    "LogoutNotice",
    "LogoutNotices",
    "Outcome",
    "Params",
    "Paths",
    "Pending",
    "ProviderUnavailable",
    "RelyingParty",
    "Reply",
    "ServerApp",
]
