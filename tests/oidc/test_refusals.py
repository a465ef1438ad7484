"""What a wrong setting of single sign-on is answered with: which one, its value, and what to write instead."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from sessioncore import InvalidSetting
from sessioncore_io.oidc import AuthorizationServer, Client, Keys, Paths, RelyingParty
from sessioncore_io.oidc.addresses import check_address, is_local, origin_of
from sessioncore_io.oidc.logins import own_path

Refusing = Callable[[], object]

EC: Final = ECKey.generate_key("P-256", parameters={"kid": "ec"})
PUBLIC: Final = ECKey.import_key({**EC.as_dict(private=False), "kid": "public"})
ABSOLUTE: Final = "write an absolute address, such as https://example.com/callback"
HTTPS: Final = "use https; http is for localhost, *.localhost and 127.0.0.1 only"
PLAIN: Final = "leave out the fragment, the user and the password"
LOCAL_PATH: Final = "pass a path of this application, beginning with one /"


def address(text: str) -> Refusing:
    """Check an address."""
    return lambda: check_address("issuer", text)


def client(**settings: Any) -> Refusing:
    """Register a client."""
    return lambda: Client(**({"client_id": "rp", "redirect_uris": "https://rp.example/"} | settings))


def party(**settings: Any) -> Refusing:
    """Make a relying party."""
    good = {"issuer": "https://op.example", "client_id": "rp", "redirect_uri": "https://rp.example/callback"}
    return lambda: RelyingParty(**(good | settings))


def server(**settings: Any) -> Refusing:
    """Make an authorization server."""
    good: dict[str, Any] = {"issuer": "https://op.example", "clients": [], "keys": Keys([EC])}
    return lambda: AuthorizationServer(**(good | settings))


def registered(name: str = "rp", **settings: Any) -> Client:
    """Give a client that is registered well."""
    return Client(client_id=name, redirect_uris="https://rp.example/", **settings)


REFUSALS: Final[list[tuple[Refusing, str]]] = [
    (address("/callback"), f"issuer = '/callback': {ABSOLUTE}"),
    (address("https://a b/"), f"issuer = 'https://a b/': {ABSOLUTE}"),
    (address("https://rp.example:0/"), f"issuer = 'https://rp.example:0/': {ABSOLUTE}"),
    (address("http://rp.example/"), f"issuer = 'http://rp.example/': {HTTPS}"),
    (address("ftp://localhost/"), f"issuer = 'ftp://localhost/': {HTTPS}"),
    (address("https://me@rp.example/"), f"issuer = 'https://me@rp.example/': {PLAIN}"),
    (address("https://rp.example/#a"), f"issuer = 'https://rp.example/#a': {PLAIN}"),
    (client(client_id=""), "Client.client_id = '': use 1 to 128 characters, no spaces"),
    (client(client_id="a b"), "Client.client_id = 'a b': use 1 to 128 characters, no spaces"),
    (client(client_id="a\n"), "Client.client_id = 'a\\n': use 1 to 128 characters, no spaces"),
    (client(client_id="a" * 129), f"Client.client_id = '{'a' * 129}': use 1 to 128 characters, no spaces"),
    (client(redirect_uris=()), "Client.redirect_uris = (): register at least one"),
    (client(redirect_uris=["x"]), f"Client.redirect_uris = 'x': {ABSOLUTE}"),
    (
        client(post_logout_redirect_uris="http://rp.example/"),
        f"Client.post_logout_redirect_uris = 'http://rp.example/': {HTTPS}",
    ),
    (client(backchannel_logout_uri="x"), f"Client.backchannel_logout_uri = 'x': {ABSOLUTE}"),
    (
        client(auth_method="jwt"),
        "Client.auth_method = 'jwt': use one of none, client_secret_basic, client_secret_post",
    ),
    (
        client(secret="s" * 15),
        "Client.secret = '***': use at least 16 random characters and an auth_method with it",
    ),
    (
        client(secret="s" * 16, auth_method="none"),
        "Client.secret = '***': use at least 16 random characters and an auth_method with it",
    ),
    (
        client(response_types="token"),
        "Client.response_types = 'token': use some of code, id_token, id_token token",
    ),
    (
        client(origins="https://app.example/"),
        "Client.origins = 'https://app.example/': write it as browsers do: https://app.example.com",
    ),
    (
        client(origins=["https://app.example:443"]),
        "Client.origins = 'https://app.example:443': write it as browsers do: https://app.example.com",
    ),
    (lambda: Keys([]), "keys = []: pass at least one private key: Keys.generate() makes one"),
    (lambda: Keys([PUBLIC]), "keys = 'public': pass private keys: the public halves follow from them"),
    (
        lambda: Keys([OctKey.generate_key(256)]),  # type: ignore[list-item]
        "keys = 'OctKey': use RSA keys (RS256) or EC keys on P-256 (ES256)",
    ),
    (
        lambda: Keys([ECKey.generate_key("P-384")]),
        "keys = 'ECKey': use RSA keys (RS256) or EC keys on P-256 (ES256)",
    ),
    (lambda: Keys.generate("HS256"), "alg = 'HS256': use one of RS256, ES256"),
    (lambda: Keys([EC]).signer("RS256"), "id_token_alg = 'RS256': the keys sign by ES256"),
    (party(algorithms=()), "algorithms = (): name those that the provider signs with: RS256, ES256"),
    (
        party(algorithms=("RS256", "HS512")),
        "algorithms = ('RS256', 'HS512'): name those that the provider signs with: RS256, ES256",
    ),
    (party(algorithms=("none",)), "algorithms = ('none',): name those that the provider signs with: RS256, ES256"),
    (party(issuer="x"), f"issuer = 'x': {ABSOLUTE}"),
    (party(redirect_uri="/callback"), f"redirect_uri = '/callback': {ABSOLUTE}"),
    (party(post_logout_redirect_uri="x"), f"post_logout_redirect_uri = 'x': {ABSOLUTE}"),
    (party(scopes=("email",)), "scopes = ('email',): ask for openid, or there is no ID token"),
    (server(issuer="http://op.example"), f"issuer = 'http://op.example': {HTTPS}"),
    (server(clients=[registered(), registered()]), "clients = 'rp': register each client once"),
    (
        server(clients=[registered(id_token_alg="RS256")]),
        "id_token_alg = 'RS256': the keys sign by ES256",
    ),
    (lambda: Paths(token="token"), "Paths.token = 'token': begin with / and use no query"),
    (lambda: Paths(jwks="/a?b"), "Paths.jwks = '/a?b': begin with / and use no query"),
    (lambda: Paths(logout="/a#b"), "Paths.logout = '/a#b': begin with / and use no query"),
    (lambda: Paths(userinfo="/a b"), "Paths.userinfo = '/a b': begin with / and use no query"),
    (lambda: Paths(discovery="/\xe9"), "Paths.discovery = '/\xe9': begin with / and use no query"),
    (lambda: Paths(authorize="/\n"), "Paths.authorize = '/\\n': begin with / and use no query"),
    (lambda: own_path("//evil.example"), f"next = '//evil.example': {LOCAL_PATH}"),
    (lambda: own_path("/" + "a" * 2_048), f"next = '/{'a' * 2_048}': {LOCAL_PATH}"),
]


@pytest.mark.parametrize(("refusing", "text"), REFUSALS, ids=lambda part: part[:50] if isinstance(part, str) else "")
def test_a_refusal_names_the_setting_and_says_what_to_write(refusing: Refusing, text: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        refusing()

    assert str(refused.value) == text


@pytest.mark.parametrize(
    "text",
    [
        "https://rp.example/callback?a=b",
        "https://rp.example.:8443/",
        "https://under_score.example/",
        "https://[2001:db8::1]/",
        "https://[::ffff:10.0.0.1]/",
        "http://localhost:8000/callback",
        "http://shop.localhost/",
        "http://127.0.0.1:5000/",
        "http://[::1]/",
    ],
)
def test_an_address_that_is_good_comes_back_as_it_is(text: str) -> None:
    assert check_address("issuer", text) == text


def test_a_fragment_is_for_those_that_may_have_one() -> None:
    assert check_address("initiate", "https://rp.example/#/login", fragment=True) == "https://rp.example/#/login"


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("notlocalhost", False),
        ("localhost.example", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_only_ones_own_machine_is_local(host: str, local: bool) -> None:
    assert is_local(host) is local


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://App.example/path?q", "https://app.example"),
        ("https://app.example:443/", "https://app.example"),
        ("https://app.example:80/", "https://app.example:80"),
        ("http://localhost:80/", "http://localhost"),
        ("http://localhost:443/", "http://localhost:443"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(text: str, origin: str) -> None:
    assert origin_of(text) == origin


def test_the_longest_names_and_the_shortest_secret_are_taken() -> None:
    longest = registered("c" * 128, secret="s" * 16)

    assert longest.client_id == "c" * 128
    assert longest.check_client_secret("s" * 16)
    assert not longest.check_client_secret("s" * 15)
    assert own_path("/" + "a" * 2_047) == "/" + "a" * 2_047


def test_a_client_answers_what_it_was_registered_with() -> None:
    spa = registered(response_types=("id_token", "id_token token"), scopes="openid")
    web = registered(secret="s" * 16, auth_method="client_secret_post")

    assert (spa.public, web.public) == (True, False)
    assert (spa.get_client_id(), spa.get_default_redirect_uri()) == ("rp", None)
    assert spa.get_allowed_scope("openid email openid") == "openid openid"
    assert spa.get_allowed_scope(None) == ""
    assert web.get_allowed_scope("profile  address email") == "profile email"
    assert (spa.check_redirect_uri("https://rp.example/"), spa.check_redirect_uri("https://rp.example")) == (
        True,
        False,
    )
    assert (spa.check_response_type("id_token"), spa.check_response_type("code")) == (True, False)
    assert (spa.check_grant_type("authorization_code"), web.check_grant_type("authorization_code")) == (False, True)
    assert web.check_grant_type("refresh_token") is False
    methods = ("none", "client_secret_basic", "client_secret_post")
    assert [spa.check_endpoint_auth_method(method, "token") for method in methods] == [True, False, False]
    assert [web.check_endpoint_auth_method(method, "token") for method in methods] == [False, False, True]
    assert spa.check_client_secret("") is False, "one without a secret proves none"


def test_what_is_secret_does_not_show() -> None:
    assert "s" * 16 not in repr(registered(secret="s" * 16))


def test_a_key_set_is_published_without_its_private_half() -> None:
    rsa = RSAKey.generate_key(2048)
    keys = Keys([rsa, EC])
    published = keys.jwks()["keys"]

    assert [(key["use"], key["alg"], key["kid"]) for key in published] == [
        ("sig", "RS256", rsa.kid),
        ("sig", "ES256", "ec"),
    ]
    assert not any({"d", "p", "q"} & key.keys() for key in published)
    assert (keys.algorithms, repr(keys)) == (("RS256", "ES256"), f"<Keys {rsa.kid}, ec>")
    assert (keys.signer()[0], keys.signer("ES256")[0]) == ("RS256", "ES256")
    assert Keys.generate().algorithms == ("RS256",)
    assert Keys.generate("ES256").algorithms == ("ES256",)
