"""Applications with one mistake each, of the kind that session libraries and their users make."""

from datetime import timedelta

from tests.product.handmade import HandMade, Jar, Login

from sessioncore.testing.contracts.driving import During


class SavesTheBag(HandMade):
    """Write the session back as it was read: whoever ended it meanwhile is overruled."""

    def save(self, token: str, login: Login) -> None:
        login.seen = self.now
        self.logins[token] = login


class ClearsTheCookieOnly(HandMade):
    """Log out by taking the cookie away, as sessions that live in the cookie must."""

    def log_out(self, jar: Jar) -> bool:
        jar.token = ""
        return True


class ResetsThePasswordOnly(HandMade):
    """Store the new hash and leave it at that."""

    def end_all(self, user: str) -> None:
        pass


class ResetsEverybody(HandMade):
    """Clear the table."""

    def end_all(self, user: str) -> None:
        self.logins = {}


class KeepsTheToken(HandMade):
    """Sign a guest in under the token that the guest came with."""

    def replace(self, jar: Jar, user: str) -> None:
        if jar.token in self.logins:
            self.logins[jar.token] = Login(user, self.now, self.now)
        else:
            super().replace(jar, user)


class AdoptsTokens(HandMade):
    """Begin a session under whatever unknown token the browser brings."""

    def replace(self, jar: Jar, user: str) -> None:
        if jar.token and jar.token not in self.logins:
            self.logins[jar.token] = Login(user, self.now, self.now)
        else:
            super().replace(jar, user)


class SlidesForEver(HandMade):
    """Know an idle limit only."""

    def outlived(self, login: Login) -> bool:
        return self.now - login.seen >= self.idle


class NeverIdle(HandMade):
    """Know a lifetime only."""

    def outlived(self, login: Login) -> bool:
        return self.now - login.since >= self.lifetime


class OneTickLate(HandMade):
    """Take the deadline itself for alive."""

    def outlived(self, login: Login) -> bool:
        return self.now - login.seen > self.idle or self.now - login.since > self.lifetime


class LeavesTooEarly(HandMade):
    """End sessions in half the time that was promised."""

    def outlived(self, login: Login) -> bool:
        return self.now - login.seen >= self.idle / 2 or super().outlived(login)


class DoesNotSlide(HandMade):
    """Count the idle limit from the login."""

    def save(self, token: str, login: Login) -> None:
        pass


class ComparesWithTheClockOnly(HandMade):
    """Say that a session is over without writing it down."""

    def bury(self, token: str) -> None:
        pass

    def open(self, jar: Jar) -> Login:
        token = jar.token
        login = super().open(jar)
        if token in self.logins:
            jar.token = token
        return login


class RevivesTheExpired(HandMade):
    """Prolong a session at the end of a request that began while it lived."""

    def save(self, token: str, login: Login) -> None:
        if self.logins.get(token) is login:
            login.seen = self.now


class BelievesTheOldPassword(HandMade):
    """Check the password, take one's time, and let in."""

    def revoked(self, user: str, was: int | None) -> bool:
        return False


class ChecksNoPassword(HandMade):
    """Let in who names a user."""

    def log_in(self, jar: Jar, user: str, password: str, during: During) -> bool:
        return super().log_in(jar, user, self.passwords.get(user, ""), during) if user in self.passwords else False


class LogsOutEverywhere(HandMade):
    """End all sessions of the user for one that logs out."""

    def log_out(self, jar: Jar) -> bool:
        login = self.logins.get(jar.token)
        if login is not None:
            self.end_all(login.user)
        return super().log_out(jar)


class FailsTheSecondLogout(HandMade):
    """Answer 401 to who is out already."""

    def log_out(self, jar: Jar) -> bool:
        known = jar.token in self.logins
        return super().log_out(jar) and known


class LeavesTheReplaced(HandMade):
    """Begin a session beside the browser's former one."""

    def replace(self, jar: Jar, user: str) -> None:
        super().replace(Jar(self), user)
        jar.token = list(self.logins)[-1]


class KeepsTheTokenAtAChange(HandMade):
    """Keep the session that changes its password under its token."""

    def keep(self, jar: Jar, login: Login) -> None:
        self.logins[jar.token] = login


class KeepsNobodyAtAChange(HandMade):
    """Sign out who changes the password."""

    def keep(self, jar: Jar, login: Login) -> None:
        pass


class ChangesWithoutEnding(HandMade):
    """Change the password for the next login only."""

    def change_password(self, jar: Jar, old: str, new: str) -> bool:
        login = self.open(jar)
        if not login.user or self.passwords[login.user] != old:
            return False
        self.passwords[login.user] = new
        self.replace(jar, login.user)
        return True


class LowersTheLifetimeByLogin(HandMade):
    """Count the lifetime from the first login of the user."""

    def replace(self, jar: Jar, user: str) -> None:
        super().replace(jar, user)
        self.logins[jar.token].since = timedelta(0)


class SaysGoodbyeOnly(HandMade):
    """Show the page."""

    def log_out(self, jar: Jar) -> bool:
        return True


class ChangesForAnybody(HandMade):
    """Trust the session alone when the password changes."""

    def change_password(self, jar: Jar, old: str, new: str) -> bool:
        return super().change_password(jar, self.passwords.get(self.open(jar).user, old), new)
