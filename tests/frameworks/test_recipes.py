"""Every recipe of docs/embedding.md keeps the promises of a session, served by its real framework."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from sessioncore import Store
from sessioncore_io.memory import MemoryStore
from sessioncore_io.sqlite import SqliteStore

from .cases import CASES, Case
from .recipes.users import ALICE, BOB, Users
from .site import Site, Visitor


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Ask for a store on disk, and give its path."""
    return tmp_path / "sessions.db"


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give a store on disk to the tests that look at it there, and one in memory to the others."""
    if "database" not in request.fixturenames:
        yield MemoryStore()
        return
    with closing(SqliteStore(request.getfixturevalue("database"))) as on_disk:
        yield on_disk


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def site(request: pytest.FixtureRequest, store: Store) -> Iterator[Site]:
    """Serve one recipe."""
    case: Case = request.param
    users = Users()
    with case.serve(store, users) as browser, closing(Site(case, browser, users)) as served:
        yield served


@pytest.fixture
def visitor(site: Site) -> Visitor:
    """Give a browser with an empty jar."""
    return site.visitor()


def rows(database: Path) -> int:
    """Count the stored sessions."""
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM sessions").fetchone()[0])


def break_store(database: Path) -> None:
    """Take the tables away from under the store."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript("DROP TABLE sessions; DROP TABLE epochs")


def sent_to(site: Site, answer: httpx2.Response) -> str:
    """Say what the site asks of this visitor: ``login`` or ``mfa``."""
    if site.case.redirects:
        assert answer.status_code in (302, 303)
        return answer.headers["location"].rpartition("/")[2]
    assert answer.status_code == 401
    return "mfa" if "second factor" in answer.text else "login"


def varies(answer: httpx2.Response) -> bool:
    """Tell whether caches must keep an answer for each cookie."""
    return "cookie" in answer.headers.get("vary", "").lower()


# -- log in ------------------------------------------------------------------------------------------------


def test_a_right_password_signs_in(visitor: Visitor) -> None:
    answer = visitor.log_in(BOB)

    assert answer.status_code < 400
    assert visitor.account() == BOB


@pytest.mark.parametrize("name", ["bob", "nobody", ""])
def test_a_wrong_password_signs_nobody_in_and_stores_nothing(visitor: Visitor, database: Path, name: str) -> None:
    answer = visitor.post("/login", username=name, password="wrong")

    assert answer.status_code in (401, 422)
    assert "set-cookie" not in answer.headers
    assert (visitor.account(), rows(database)) == (None, 0)


def test_a_login_rotates_the_token_known_before(site: Site, visitor: Visitor) -> None:
    visitor.post("/cart", item="tea")
    known = visitor.token
    visitor.log_in(BOB)

    assert known is not None
    assert visitor.token not in (None, known)
    assert site.visitor(known).account() is None


def test_the_cookie_is_out_of_reach_and_the_answer_is_not_kept(site: Site, visitor: Visitor) -> None:
    answer = visitor.log_in(BOB)
    attributes = set(answer.headers["set-cookie"].split("; ")[1:])

    assert attributes == {"Path=/", "HttpOnly", "SameSite=Lax"} | ({"Secure"} if site.case.cookie.secure else set())
    assert answer.headers["cache-control"] == "no-store"
    assert varies(answer)


def test_a_guests_cart_survives_the_login(visitor: Visitor) -> None:
    visitor.post("/cart", item="tea")
    visitor.log_in(BOB)

    assert visitor.cart() == ["tea"]


# -- second factor -----------------------------------------------------------------------------------------


def test_who_owes_a_factor_is_not_signed_in(site: Site, visitor: Visitor) -> None:
    visitor.log_in(ALICE)

    assert sent_to(site, visitor.get("/account")) == "mfa"


def test_a_second_factor_signs_in_and_rotates(site: Site, visitor: Visitor) -> None:
    visitor.log_in(ALICE)
    owing = visitor.token
    visitor.post("/mfa", code=site.users.code_of(ALICE))

    assert visitor.account() == ALICE
    assert visitor.token not in (None, owing)
    assert site.visitor(owing).account() is None


def test_a_wrong_code_leaves_the_factor_owed(site: Site, visitor: Visitor) -> None:
    visitor.log_in(ALICE)
    answer = visitor.post("/mfa", code="none")

    assert answer.status_code == 401
    assert sent_to(site, visitor.get("/account")) == "mfa"


def test_a_code_without_a_login_proves_nothing(site: Site, visitor: Visitor) -> None:
    answer = visitor.post("/mfa", code=site.users.code_of(ALICE))

    assert sent_to(site, answer) == "login"
    assert visitor.account() is None


def test_an_anonymous_visitor_is_asked_to_log_in(site: Site, visitor: Visitor) -> None:
    answer = visitor.get("/account")

    assert sent_to(site, answer) == "login"
    assert varies(answer)
    assert "set-cookie" not in answer.headers


# -- data --------------------------------------------------------------------------------------------------


def test_a_nested_change_is_stored(visitor: Visitor, database: Path) -> None:
    visitor.post("/cart", item="tea")
    visitor.post("/cart", item="cups")

    assert visitor.cart() == ["tea", "cups"]
    assert rows(database) == 1


def test_two_browsers_share_nothing(site: Site) -> None:
    first, second = site.visitor(), site.visitor()
    first.post("/cart", item="tea")
    second.post("/cart", item="cups")

    assert (first.cart(), second.cart()) == (["tea"], ["cups"])


def test_reading_sends_no_cookie_and_varies(visitor: Visitor) -> None:
    visitor.log_in(BOB)
    answer = visitor.get("/cart")

    assert "set-cookie" not in answer.headers
    assert varies(answer)


def test_an_anonymous_reader_leaves_no_row(visitor: Visitor, database: Path) -> None:
    answer = visitor.get("/cart")

    assert answer.json() == []
    assert "set-cookie" not in answer.headers
    assert rows(database) == 0


def test_a_page_that_never_looks_at_its_session_is_the_same_for_all(visitor: Visitor) -> None:
    visitor.log_in(BOB)
    answer = visitor.get("/")

    assert (answer.status_code, varies(answer)) == (200, False)
    assert "set-cookie" not in answer.headers


# -- log out and reset -------------------------------------------------------------------------------------


def test_after_logging_out_the_cookie_is_cleared_and_every_copy_is_dead(site: Site, visitor: Visitor) -> None:
    visitor.log_in(BOB)
    token = visitor.token
    answer = visitor.post("/logout")

    assert answer.status_code < 400
    assert visitor.token is None
    assert sent_to(site, site.visitor(token).get("/account")) == "login"


def test_logging_out_without_a_session_is_fine(visitor: Visitor, database: Path) -> None:
    answer = visitor.post("/logout")

    assert answer.status_code < 400
    assert "set-cookie" not in answer.headers
    assert rows(database) == 0


def test_a_password_reset_ends_every_session_of_the_user_and_of_nobody_else(site: Site) -> None:
    laptop, phone, other = site.visitor(), site.visitor(), site.visitor()
    laptop.log_in(BOB)
    phone.log_in(BOB)
    other.log_in(ALICE)
    other.post("/mfa", code=site.users.code_of(ALICE))
    answer = site.visitor().post("/reset", link=site.users.mail_link(BOB), password="new password")

    assert answer.status_code < 400
    assert (laptop.account(), phone.account(), other.account()) == (None, None, ALICE)


def test_after_a_reset_only_the_new_password_signs_in(site: Site, visitor: Visitor) -> None:
    link = site.users.mail_link(BOB)
    visitor.post("/reset", link=link, password="new password")

    assert visitor.log_in(BOB).status_code == 401
    assert visitor.log_in(BOB, "new password").status_code < 400
    assert visitor.account() == BOB
    assert visitor.post("/reset", link=link, password="again").status_code == 400


def test_the_whole_life_of_a_session_on_disk(site: Site, visitor: Visitor, database: Path) -> None:
    visitor.post("/cart", item="tea")
    tokens = [visitor.token]
    visitor.log_in(ALICE)
    tokens.append(visitor.token)
    visitor.post("/mfa", code=site.users.code_of(ALICE))
    tokens.append(visitor.token)
    greeted_as = visitor.account()
    visitor.post("/logout")

    assert (greeted_as, len(set(tokens))) == (ALICE, 3)
    assert [site.visitor(token).account() for token in tokens] == [None, None, None]
    assert rows(database) == 1


# -- store failure -----------------------------------------------------------------------------------------


def test_without_its_store_a_site_authenticates_nobody(site: Site, visitor: Visitor, database: Path) -> None:
    visitor.log_in(BOB)
    break_store(database)

    assert visitor.get("/account").status_code == 503
    assert visitor.get("/").status_code == 200
    assert site.visitor().get("/account").status_code != 200


def test_without_its_store_a_site_promises_nothing(site: Site, database: Path) -> None:
    guest, member = site.visitor(), site.visitor()
    member.log_in(BOB)
    break_store(database)
    answers = [guest.post("/cart", item="tea"), guest.log_in(BOB), member.post("/logout")]

    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert not any("set-cookie" in answer.headers for answer in answers)
