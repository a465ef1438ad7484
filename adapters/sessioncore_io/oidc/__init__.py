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

**An authorization server**::

    server = AuthorizationServer(
        issuer="https://login.example/", keys=Keys.load(...),
        clients=[Client(client_id="shop", secret=..., redirect_uris="https://shop.example/callback")],
        rules=rules,      # (subject, client, scopes) -> sessioncore.sso.ServerPolicy
        claims=claims,    # (subject, scopes) -> {"name": ...}
    )
    app = SessionMiddleware(Starlette(routes=[..., Mount("/", ServerApp(server, show))]), store)

``ServerApp`` serves /authorize, /oauth/token, /userinfo, /oidc/logout, /.well-known/jwks.json and
/.well-known/openid-configuration. Where a user is needed it calls ``show(call, value)``, which gives any ASGI response:

- ``Pending``: an authentication request waits. ``kind`` is the page (``sso.Interaction``: log in, reauthenticate,
  select account, step up, satisfy MFA, consent, offer step-up), ``client`` and ``scopes`` say who asks for what,
  ``subject`` whom it has to be (empty: anybody). Redirect to a page of your own with ``pending.query`` in its address.

On that page, in the request that changes the session::

    pending = server.pending(request.session, request.query_params["transaction"])   # None: answered, or too old
    request.session.log_in(attempt, "pwd")             # or satisfy_mfa, reauthenticate (see sso.recorded_as), nothing
    server.did(request.session, pending)               # after it: says that the page was answered, by this subject
    return RedirectResponse(pending.resume, 303)       # decides again: another page, or back to the client
    return server.deny(request.session, pending)       # or: the user said no

Every verb is also there without ``ServerApp``: ``await server.authorize(await Call.read(scope, receive))`` gives a
``Reply`` (an ASGI response) or one of the values above. ``await server.bearer(token, sessions)`` gives an access
token's claims, for an API beside the server, as long as its session lives.

**Names of one's own machine**: ``RelyingParty(transport=LocalNames())`` maps ``*.localhost`` to 127.0.0.1.
"""

from .clients import Client
from .failures import BadToken, LoginFailed, ProviderUnavailable
from .keys import Keys
from .pending import Pending
from .relying import Landed, RelyingParty
from .routes import ServerApp
from .server import AuthorizationServer
from .settings import Paths
from .transport import LocalNames
from .web import Call, Params, Reply

__all__ = [
    "AuthorizationServer",
    "BadToken",
    "Call",
    "Client",
    "Keys",
    "Landed",
    "LocalNames",
    "LoginFailed",
    "Params",
    "Paths",
    "Pending",
    "ProviderUnavailable",
    "RelyingParty",
    "Reply",
    "ServerApp",
]
