"""An application whose sessions are made by hand, and right: the broken ones differ from it by one mistake each."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

from attrs import define, field

from sessioncore.testing.contracts.application import ALICE, BOB
from sessioncore.testing.contracts.driving import During, nothing


@define
class Login:
    """Hold one session; ``user`` is empty for a guest."""

    user: str
    since: timedelta
    seen: timedelta


@define
class Jar:
    """Hold one browser's cookie."""

    application: "HandMade"
    token: str = ""

    def act(self, during: During = nothing) -> str | None:
        return self.application.act(self, during)

    def log_in(self, user: str, password: str, during: During = nothing) -> bool:
        return self.application.log_in(self, user, password, during)

    def log_out(self) -> bool:
        return self.application.log_out(self)

    def change_password(self, old: str, new: str) -> bool:
        return self.application.change_password(self, old, new)

    def copy(self) -> "Jar":
        return Jar(self.application, self.token)


@define(slots=False)
class HandMade:
    """Keep sessions in a dict."""

    idle = timedelta(minutes=30)
    lifetime = timedelta(hours=12)
    slack = timedelta(0)

    now: timedelta = timedelta(0)
    passwords: dict[str, str] = field(factory=lambda: dict([ALICE, BOB]))
    resets: dict[str, int] = field(factory=lambda: {"alice": 0, "bob": 0})
    logins: dict[str, Login] = field(factory=dict)
    numbers: Iterator[int] = field(factory=count)

    def visitor(self) -> Jar:
        return Jar(self)

    def advance(self, span: timedelta) -> None:
        self.now += span

    def act(self, jar: Jar, during: During) -> str | None:
        login = self.open(jar)
        during()
        self.save(jar.token, login)
        return login.user or None

    def log_in(self, jar: Jar, user: str, password: str, during: During) -> bool:
        was, right = self.resets.get(user), self.passwords.get(user) == password
        during()
        if not right or self.revoked(user, was):
            return False
        self.replace(jar, user)
        return True

    def log_out(self, jar: Jar) -> bool:
        self.logins.pop(jar.token, None)
        jar.token = ""
        return True

    def reset_password(self, user: str, new: str) -> None:
        self.passwords[user] = new
        self.resets[user] += 1
        self.end_all(user)

    def change_password(self, jar: Jar, old: str, new: str) -> bool:
        login = self.open(jar)
        if not login.user or self.passwords[login.user] != old:
            return False
        self.reset_password(login.user, new)
        self.keep(jar, login)
        return True

    # -- the parts in which mistakes are made ----------------------------------------------------------------

    def open(self, jar: Jar) -> Login:
        """Give the session of a cookie, or a guest's."""
        login = self.logins.get(jar.token)
        if login is not None and self.outlived(login):
            self.bury(jar.token)
            login = None
        if login is None:
            jar.token = f"token {next(self.numbers)}"
            login = self.logins[jar.token] = Login("", self.now, self.now)
        return login

    def outlived(self, login: Login) -> bool:
        return self.now - login.seen >= self.idle or self.now - login.since >= self.lifetime

    def bury(self, token: str) -> None:
        del self.logins[token]

    def save(self, token: str, login: Login) -> None:
        if self.logins.get(token) is login and not self.outlived(login):
            login.seen = self.now

    def revoked(self, user: str, was: int | None) -> bool:
        return self.resets[user] != was

    def replace(self, jar: Jar, user: str) -> None:
        """Begin a session under a new token; the browser's former one is over."""
        self.logins.pop(jar.token, None)
        jar.token = f"token {next(self.numbers)}"
        self.logins[jar.token] = Login(user, self.now, self.now)

    def end_all(self, user: str) -> None:
        self.logins = {token: login for token, login in self.logins.items() if login.user != user}

    def keep(self, jar: Jar, login: Login) -> None:
        """Carry the session that changed its password over to a new token."""
        jar.token = f"token {next(self.numbers)}"
        self.logins[jar.token] = login
