"""A recipe being served, and the browsers that visit it."""

from typing import Any

import httpx2

from sessioncore_io import Cookie

from .cases import Browser, Case
from .recipes.users import PASSWORDS, Users


class Visitor:
    """Use a site as a browser does: forms, and a jar of cookies."""

    def __init__(self, client: httpx2.Client, cookie: Cookie) -> None:
        self.client = client
        self.cookie = cookie

    @property
    def token(self) -> str | None:
        """Give the session's cookie in the jar."""
        return self.client.cookies.get(self.cookie.name)

    def get(self, path: str) -> httpx2.Response:
        """Follow a link."""
        return self.client.get(path)

    def post(self, path: str, **form: str) -> httpx2.Response:
        """Send a form."""
        return self.client.post(path, data=form)

    def log_in(self, subject: str, password: str | None = None) -> httpx2.Response:
        """Send the login form."""
        return self.post("/login", username=subject.removeprefix("user:"), password=password or PASSWORDS[subject])

    def account(self) -> str | None:
        """Tell as whom the site's account page greets this visitor, or None."""
        answer = self.get("/account")
        return answer.text.strip('"').removeprefix("signed in as ") if answer.status_code == 200 else None

    def cart(self) -> Any:
        """Read the cart."""
        return self.get("/cart").json()


class Site:
    """Hold a served recipe."""

    def __init__(self, case: Case, browser: Browser, users: Users) -> None:
        self.case = case
        self.users = users
        self._browser = browser
        self._clients: list[httpx2.Client] = []

    def visitor(self, token: str | None = None) -> Visitor:
        """Open a fresh browser, or a thief's that holds a copy of a cookie."""
        client = self._browser()
        self._clients.append(client)
        if token is not None:
            client.headers["Cookie"] = f"{self.case.cookie.name}={token}"
        return Visitor(client, self.case.cookie)

    def close(self) -> None:
        """Close all browsers."""
        for client in self._clients:
            client.close()
