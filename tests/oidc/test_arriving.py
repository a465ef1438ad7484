"""A request as far as the protocol goes: who asks, where the answer goes, and what is refused, to the letter."""

import json
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc.jwk import ECKey

from sessioncore_io.oidc import Client, Keys
from sessioncore_io.oidc.arriving import Arrived, Unanswerable, arrive, granting
from sessioncore_io.oidc.pending import LARGEST
from sessioncore_io.oidc.protocol import Protocol
from sessioncore_io.oidc.web import Params, Reply

OP: Final = "https://op.example"
BACK: Final = "https://rp.example/cb"
WEB: Final = Client(client_id="web", redirect_uris=BACK, secret="s" * 16, scopes=("openid", "email"))
SPA: Final = Client(client_id="spa", redirect_uris=BACK, response_types=("code", "id_token", "id_token token"))
APP: Final = Client(client_id="app", redirect_uris=BACK)
PROTOCOL: Final = Protocol(OP, {"web": WEB, "spa": SPA, "app": APP}, Keys([ECKey.generate_key("P-256")]))
PKCE: Final = {"code_challenge": "c" * 43, "code_challenge_method": "S256"}


def params(**other: str | None) -> Params:
    """Write a good request, or nearly."""
    good: dict[str, str | None] = {
        "client_id": "web",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "openid",
        "state": "s",
        "nonce": "n",
        **PKCE,
    }
    return Params(tuple((name, value) for name, value in (good | other).items() if value is not None))


def arrived(**other: str | None) -> Arrived:
    """Let it arrive."""
    return arrive(PROTOCOL, params(**other))


def refused(call: Any) -> Reply:
    """Give the reply to what cannot be answered otherwise."""
    with pytest.raises(Unanswerable) as unanswerable:
        call()
    assert str(unanswerable.value) == str(unanswerable.value.reply.status)
    return unanswerable.value.reply


def told(reply: Reply, part: str = "query") -> dict[str, str]:
    """Read what a redirect tells the client."""
    location = urlsplit(dict(reply.headers)["location"])
    assert location._replace(query="", fragment="").geturl() == BACK
    return dict(parse_qsl(getattr(location, part), keep_blank_values=True))


# -- where nothing may be sent -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "why", "status"),
    [
        (params(client_id="nobody"), "Its client_id is not registered here.", 400),
        (params(client_id=None), "Its client_id is not registered here.", 400),
        (params(redirect_uri=BACK + "/"), "Its redirect_uri is not one that its client has registered.", 400),
        (params(redirect_uri=None), "Its redirect_uri is not one that its client has registered.", 400),
        (
            Params((*params().pairs, ("client_id", "web"))),
            "It names its client or its redirect_uri twice.",
            400,
        ),
        (
            Params((*params().pairs, ("redirect_uri", BACK))),
            "It names its client or its redirect_uri twice.",
            400,
        ),
        (params(nonce="n" * LARGEST), "It is too long.", 414),
    ],
)
def test_who_is_not_known_is_sent_nowhere(given: Params, why: str, status: int) -> None:
    reply = refused(lambda: arrive(PROTOCOL, given))

    assert reply.status == status
    assert f"<p>{why}</p>".encode() in reply.body
    assert "location" not in dict(reply.headers)


def test_the_longest_request_that_is_kept_is_taken() -> None:
    room = LARGEST - len(json.dumps(params(nonce="").pairs))

    assert arrived(nonce="n" * room).params["nonce"] == "n" * room
    assert refused(lambda: arrived(nonce="n" * (room + 1))).status == 414


# -- the way back ------------------------------------------------------------------------------------------------


def test_a_good_request_is_held_with_its_client_and_its_way_back() -> None:
    request = arrived(scope="email openid address openid", response_type="code")

    assert (request.issuer, request.client, request.redirect_uri, request.mode) == (OP, WEB, BACK, "query")
    assert (request.scopes, request.response_type) == (("email", "openid"), "code")
    assert "nonce" not in repr(request)


@pytest.mark.parametrize(
    ("response_type", "asked", "mode"),
    [
        ("code", None, "query"),
        ("code", "form_post", "form_post"),
        ("id_token", None, "fragment"),
        ("token id_token", None, "fragment"),
        ("id_token token", "form_post", "form_post"),
        ("nonsense", None, "query"),
        (None, None, "query"),
        (None, "fragment", "fragment"),
    ],
)
def test_an_answer_goes_the_way_that_was_asked_for_or_the_usual_one(
    response_type: str | None, asked: str | None, mode: str
) -> None:
    request = arrived(client_id="spa", response_type=response_type, response_mode=asked)

    assert request.mode == mode
    assert request.response_type == " ".join(sorted((response_type or "").split()))


@pytest.mark.parametrize(("response_type", "part"), [("code", "query"), ("id_token", "fragment")])
def test_a_way_that_is_none_is_refused_by_the_usual_one(response_type: str, part: str) -> None:
    reply = refused(lambda: arrived(client_id="spa", response_type=response_type, response_mode="jwt"))

    assert told(reply, part) == {
        "error": "invalid_request",
        "error_description": "response_mode: not one for this response_type",
        "state": "s",
        "iss": OP,
    }


def test_what_came_more_than_once_is_refused() -> None:
    reply = refused(lambda: arrive(PROTOCOL, Params((*params().pairs, ("nonce", "m")))))

    assert told(reply)["error"] == "invalid_request"
    assert told(reply)["error_description"] == "a parameter came more than once"


@pytest.mark.parametrize("name", ["request", "request_uri", "registration"])
def test_what_is_not_supported_is_refused_by_its_own_name(name: str) -> None:
    assert told(refused(lambda: arrived(**{name: "x"}))) == {"error": f"{name}_not_supported", "state": "s", "iss": OP}


def test_an_answer_names_the_server_and_has_the_state_if_there_was_one() -> None:
    assert told(arrived().answer(("code", "x"))) == {"code": "x", "state": "s", "iss": OP}
    assert told(arrived(state=None).answer()) == {"iss": OP}


def test_an_errors_words_are_plain() -> None:
    """RFC 6749, 4.1.2.1: printable ASCII without quotes and backslashes."""
    assert told(arrived().error("bad", 'a"b\\c\n\xe9d e'))["error_description"] == "abcd e"
    assert told(arrived().error("bad")) == {"error": "bad", "state": "s", "iss": OP}
    assert "error_description" not in told(arrived().error("bad", '"'))


# -- Authlib's part ----------------------------------------------------------------------------------------------


def refusal(**other: str | None) -> dict[str, str]:
    """Give what Authlib's refusal tells the client."""
    part = "fragment" if other.get("response_type") == "id_token" else "query"
    return told(refused(lambda: granting(PROTOCOL, arrived(**other))), part)


def test_a_good_request_is_granted_by_the_grant_of_its_type() -> None:
    asked, grant = granting(PROTOCOL, arrived(response_mode="form_post"))

    assert (asked.method, asked.form["client_id"], grant.client) == ("GET", "web", WEB)
    assert "response_mode" not in asked.form
    assert type(granting(PROTOCOL, arrived(client_id="spa", response_type="id_token"))[1]).__name__ == "Implicit"


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "invalid_client"),  # the implicit flow is for public clients
        ({"client_id": "app", "response_type": "id_token"}, "unauthorized_client"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"client_id": "spa", "code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"client_id": "spa", "response_type": "id_token", "nonce": None}, "invalid_request"),
        ({"scope": "email"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
    ],
)
def test_what_the_protocol_does_not_allow_is_told_the_client(other: dict[str, str | None], error: str) -> None:
    found = refusal(**other)

    assert (found["error"], found["state"], found["iss"]) == (error, "s", OP)


def test_a_refusal_says_which_parameter_and_what_to_do() -> None:
    assert refusal(scope="email")["error_description"] == "scope: ask for openid"
    assert refusal(code_challenge_method="plain")["error_description"] == "code_challenge_method: use S256"
    bare = refusal(client_id="spa", code_challenge=None, code_challenge_method=None)
    assert bare["error_description"] == "code_challenge: a public client has to send one"
    assert refusal(scope=None).keys() == {"error", "error_description", "state", "iss"}


def test_a_client_with_a_secret_need_not_send_a_challenge() -> None:
    _, grant = granting(PROTOCOL, arrived(code_challenge=None, code_challenge_method=None))

    assert grant.client is WEB
