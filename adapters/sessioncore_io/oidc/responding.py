"""The ways back to the client: query, fragment, form post, and a message to the window that asked.

Authlib offers some of these for some answers. Here every answer, granted or not, goes the way that was asked for.
"""

import json
from collections.abc import Iterable
from html import escape
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from .addresses import origin_of
from .clients import CODE
from .web import Pairs, Reply, html, new_nonce, redirect

QUERY: Final = "query"
FRAGMENT: Final = "fragment"
FORM_POST: Final = "form_post"
WEB_MESSAGE: Final = "web_message"

# Tokens never travel in a query: servers log it (OAuth 2.0 Multiple Response Types, section 3).
_MODES_OF_CODE: Final = (QUERY, FRAGMENT, FORM_POST, WEB_MESSAGE)
_MODES_OF_TOKENS: Final = (FRAGMENT, FORM_POST, WEB_MESSAGE)
RESPONSE_MODES: Final = _MODES_OF_CODE


def mode_of(response_type: str, asked: str) -> str | None:
    """Give the way back that was asked for, or the usual one of the response type; None for one that is not allowed."""
    modes = _MODES_OF_CODE if response_type == CODE else _MODES_OF_TOKENS
    return modes[0] if not asked else asked if asked in modes else None


def respond(mode: str, redirect_uri: str, params: Iterable[tuple[str, str]]) -> Reply:
    """Send the parameters to the client by this way. The address has been compared with the registered ones."""
    pairs = tuple((name, str(value)) for name, value in params)
    return _WAYS[mode](redirect_uri, pairs)


def _by_query(redirect_uri: str, pairs: Pairs) -> Reply:
    parts = urlsplit(redirect_uri)
    query = "&".join(filter(None, (parts.query, urlencode(pairs))))
    return redirect(urlunsplit(parts._replace(query=query)))


def _by_fragment(redirect_uri: str, pairs: Pairs) -> Reply:
    return redirect(f"{redirect_uri}#{urlencode(pairs)}")


def _by_form(redirect_uri: str, pairs: Pairs) -> Reply:
    """Let the browser post (OAuth 2.0 Form Post Response Mode 1.0)."""
    nonce = new_nonce()
    inputs = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in pairs)
    body = (
        f'<body><form method="post" action="{escape(redirect_uri)}">{inputs}'
        "<noscript><button>Continue</button></noscript></form>"
        f'<script nonce="{nonce}">document.forms[0].submit()</script></body>'
    )
    target = origin_of(redirect_uri)
    policy = f"default-src 'none'; script-src 'nonce-{nonce}'; form-action {target}; frame-ancestors 'none'"
    return html(body, title="Back to the application", headers=_page(policy))


def _by_message(redirect_uri: str, pairs: Pairs) -> Reply:
    """Post the answer to the window that asked, if it is of the client's origin: the browser compares, for both ways.

    Source: draft-sakimura-oauth-wmrm-00, section 4.1.
    """
    nonce, origin = new_nonce(), origin_of(redirect_uri)
    message = _script({"type": "authorization_response", "response": dict(pairs)})
    body = (
        f'<body><script nonce="{nonce}">(function () {{ var asked = window.opener || window.parent; '
        f"if (asked !== window) asked.postMessage({message}, {_script(origin)}); }})();</script></body>"
    )
    policy = f"default-src 'none'; script-src 'nonce-{nonce}'; frame-ancestors {origin}"
    return html(body, title="Authorization response", headers=_page(policy))


def _page(policy: str) -> Pairs:
    return (("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("content-security-policy", policy))


def _script(value: object) -> str:
    """Write a value for use inside of a script: nothing in it ends the script."""
    text = json.dumps(value)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


_WAYS: Final = {QUERY: _by_query, FRAGMENT: _by_fragment, FORM_POST: _by_form, WEB_MESSAGE: _by_message}
