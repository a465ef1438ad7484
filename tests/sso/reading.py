"""A second reading of OpenID Connect Core 1.0, made from the clauses and not from the table.

It speaks of words, not of values: what a cell's session, prompt and so on are called. It asks what each party wants to
know before anybody is told anything, question after question, and it has another shape than the table on purpose.
"""

from collections.abc import Iterator

from tests.sso.cells import MFA, PWD, Cell


def reading(cell: Cell) -> str:
    """Say what the specification wants done in this cell."""
    if not _can_be_understood(cell):
        return "invalid_request"
    quiet = cell.prompt == "none"
    for page, error in _open_questions(cell):
        # 3.1.2.1: under none the server "MUST NOT display any authentication or consent user interface pages".
        if quiet and error is None:
            continue
        return str(error if quiet or page is None else page)
    return f"granted {_class_in_the_token(cell)}".strip()


def _can_be_understood(cell: Cell) -> bool:
    # 3.1.2.1: "If this parameter contains none with any other value, an error is returned." 3.1.2.2: the hint is
    # validated, and its issuer has to be this server; max_age is a number of seconds.
    return cell.prompt != "none with another" and cell.max_age != "malformed" and cell.hint in _OWN_HINTS


_OWN_HINTS = ("absent", "match", "mismatch")


def _open_questions(cell: Cell) -> Iterator[tuple[str | None, str | None]]:
    """Ask what stands between the request and its answer: for each thing, the page for it and the error instead.

    No page means that asking is useless, no error that the answer may go out without.
    """
    yield from _who(cell)
    yield from _which_account(cell)
    yield from _how_sure(cell)
    yield from _may_we(cell)
    yield from _any_wishes(cell)


def _who(cell: Cell) -> Iterator[tuple[str | None, str | None]]:
    # 3.1.2.3: the server authenticates an End-User who "is not already Authenticated".
    if cell.session not in ("authenticated", "owing mfa", "mfa", "mfa lapsed"):
        yield "log_in", "login_required"
        return
    if cell.login == "not yet":
        # 3.1.2.1: prompt=login SHOULD prompt for reauthentication, and max_age=0 is the same as that.
        if cell.prompt in ("login", "several") or cell.max_age == "0":
            yield "log_in", "login_required"
        # 3.1.2.1: "If the elapsed time is greater than this value" - not when it is equal.
        if cell.max_age == "exceeded":
            yield "reauthenticate", "login_required"
        # 3.1.2.1: with a hint of somebody who is not logged in, a positive answer needs a login as them.
        if cell.hint == "mismatch":
            yield "log_in", "login_required"
    elif cell.hint == "mismatch":
        # 3.1.2.2: MUST NOT reply with a token for a different user, even one who has just authenticated.
        yield None, "login_required"


def _which_account(cell: Cell) -> Iterator[tuple[str | None, str | None]]:
    # 3.1.2.1: select_account SHOULD prompt for a choice; 3.1.2.6 names the error.
    if cell.prompt in ("select_account", "several") and cell.select == "not yet":
        yield "select_account", "account_selection_required"


def _how_sure(cell: Cell) -> Iterator[tuple[str | None, str | None]]:
    strong = cell.session == "mfa"
    if cell.acr.startswith("essential"):
        # 5.5.1.1: MUST return a matching acr; MAY ask for additional factors; else a failed authentication.
        if cell.acr == "essential mfa" and not strong:
            yield "step_up", "login_required"
        if cell.acr == "essential gold" or (cell.acr == "essential mfa, no factor" and not strong):
            yield None, "unmet_authentication_requirements"
    if not strong and (cell.server == "demands mfa" or cell.session == "owing mfa"):
        # 3.1.2.6: the server requires some End-User interaction of its own.
        yield "satisfy_mfa", "interaction_required"


def _may_we(cell: Cell) -> Iterator[tuple[str | None, str | None]]:
    # 3.1.2.4: consent is obtained before anything is released; prompt=consent asks for it anew.
    wanted = cell.consent == "missing" or cell.prompt in ("consent", "several")
    if wanted and cell.agreed == "not yet":
        yield "consent", "consent_required"


def _any_wishes(cell: Cell) -> Iterator[tuple[str | None, str | None]]:
    # 5.5.1.1: a voluntary class may stay unmet; the server may try, where it may show a page.
    if cell.acr == "voluntary mfa, offered" and cell.session != "mfa":
        yield "offer_step_up", None


def _class_in_the_token(cell: Cell) -> str:
    # 2, acr: the class "that the authentication performed satisfied"; of those asked for if one was met.
    if cell.session != "mfa" or cell.acr in ("voluntary pwd", "essential pwd"):
        return PWD
    return MFA
