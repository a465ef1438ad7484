"""Go through the four flows in a real browser and draw what the recorders heard.

What differs from run to run is drawn by its name alone, so the same flow gives the same drawing.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen
from examples.storezero.common.sites import Sites
from examples.storezero.stage import mermaid, sequence
from examples.storezero.stage.hops import Hop
from playwright.sync_api import Browser, expect, sync_playwright

from .app_user import AppUser
from .conftest import QUIET, emptied, opened
from .find_chromium import find_headless
from .people import Town

DOCS: Final = Path(__file__).parents[2] / "docs" / "state-diagrams" / "flows"

STYLE: Final = """<style>
svg { --ink: #23211d; --faint: #6d675c; --paper: #fffdf9; --warm: #93620f; --bad: #a03a2b; background: var(--paper);
  --shop: #23594a; --auth: #2d4f83; --idp: #74407d; --app: #8a5a12;
  font-family: system-ui, "Liberation Sans", sans-serif; }
@media (prefers-color-scheme: dark) { svg { --ink: #ece7dd; --faint: #a39c8f; --paper: #171614; --warm: #e9c27a;
  --bad: #f0a08f; --shop: #8ecbb4; --auth: #9fbfec; --idp: #d5aade; --app: #e2bb74; } }
.shop { --layer: var(--shop) } .auth { --layer: var(--auth) } .idp { --layer: var(--idp) }
.orders, .reviews { --layer: var(--app) } .browser { --layer: var(--faint) }
text { font-size: 11.5px; fill: var(--ink) } .part text { text-anchor: middle; font-weight: 600; fill: var(--paper) }
.part rect { fill: var(--layer) } .lifeline { stroke: var(--layer); stroke-opacity: .5; fill: none }
.what, .said { paint-order: stroke; stroke: var(--paper); stroke-width: 4px }
.said { font: 10px ui-monospace, "DejaVu Sans Mono", monospace; fill: var(--faint) }
path.message { fill: none; stroke: var(--ink); stroke-opacity: .75; stroke-width: 1.2 }
.answer path.message { stroke-dasharray: 4 4; stroke-opacity: .5 } .back path.message { stroke: var(--warm) }
g.message path.message { stroke: var(--app); stroke-dasharray: 1 3; stroke-linecap: round; stroke-width: 2 }
marker path { fill: var(--ink); fill-opacity: .75 } marker.back path { fill: var(--warm) }
marker.message path { fill: var(--app) }
.happened rect { fill: var(--paper); stroke: var(--shop); stroke-opacity: .5 }
.happened text { text-anchor: middle; fill: var(--shop) }
.happened.ends rect { stroke: var(--bad) } .happened.ends text { fill: var(--bad) }
</style>"""


@frozen(kw_only=True)
class Flow:
    """Hold one flow: a name, what it shows, and how somebody goes through it."""

    name: str
    title: str
    text: str
    go: Callable[[AppUser, Town], object]


def password_login(user: AppUser, town: Town) -> None:
    """Log in as somebody who owes a code."""
    user.give_password("carol")
    user.give_code()
    expect(user.menu).to_have_text("Carol")


def friendbook_login(user: AppUser, town: Town) -> None:
    """Log in by the identity provider."""
    user.log_in_with_friendbook()


def implicit(user: AppUser, town: Town) -> None:
    """Log in to the single-page app, the classic way."""
    user.log_in("alice", "implicit")
    expect(user.page.locator("#orders li")).to_be_visible()


def silently(user: AppUser, town: Town) -> None:
    """Renew by a hidden frame; what led there is another flow's story."""
    user.log_in("alice", "code")
    expect(user.page.locator("#orders li")).to_be_visible()
    forget(town)
    with user.page.expect_response("**/api/orders"):
        user.renew()
    expect(user.said).to_contain_text("Renewed, without a page")


FLOWS: Final = (
    Flow(
        name="password-login",
        title="Password login",
        text="Two sessions. The server creates its own before anybody is signed in, and updates the same one: "
        "first by the password, then by the code. The shop believes nothing but the token that it fetches itself.",
        go=password_login,
    ),
    Flow(
        name="identity-provider-login",
        title="Login by an identity provider",
        text="Three sessions: begun from the shop outwards, signed in from the provider inwards.",
        go=friendbook_login,
    ),
    Flow(
        name="implicit",
        title="Single-page app, implicit grant",
        text="No session of its own: the tokens come in the address, behind the #, which no server sees. The classic "
        "way; RFC 9700 advises against it.",
        go=implicit,
    ),
    Flow(
        name="silent-authentication",
        title="Silent authentication",
        text="A hidden frame asks with prompt=none, and only the server's session decides. The answer comes as a "
        "message between windows.",
        go=silently,
    ),
)


def forget(town: Town) -> None:
    """Begin a new drawing."""
    for visitor in town.stage.trace.visitors.everybody():
        visitor.hops.clear()


def executed(flow: Flow, browser: Browser) -> list[Hop]:
    """Go through a flow in a town of its own, and give what was recorded."""
    with emptied() as data, opened(data, lambda port: Sites(port=port)) as town:
        context = browser.new_context(base_url=town.url)
        flow.go(AppUser(context, town.sites), town)
        context.close()
        (visitor,) = [one for one in town.stage.trace.visitors.everybody() if one.hops]
        return list(visitor.hops)


def documents(browser: Browser) -> Iterator[tuple[str, str]]:
    """Give each file's name and text."""
    chapters = []
    for flow in FLOWS:
        hops = executed(flow, browser)
        yield f"{flow.name}.svg", sequence.draw(hops, values=False, style=STYLE) + "\n"
        chapters.append(_chapter(flow, hops))
    yield "README.md", HEADING + "\n".join(chapters)


HEADING: Final = """# The four flows

Drawn by `make diagrams` from what the recorders of `examples/storezero/` heard while a real browser went through each
flow; a test compares. Nothing here is drawn by hand. Of secrets, codes and tokens only the names are shown.

"""


def _chapter(flow: Flow, hops: Sequence[Hop]) -> str:
    picture = f"![{flow.title}, message by message]({flow.name}.svg)"
    source = f"<details><summary>The same in Mermaid</summary>\n\n```mermaid\n{mermaid.write(hops)}```\n\n</details>"
    return f"## {flow.title}\n\n{flow.text}\n\n{picture}\n\n{source}\n"


def main() -> None:
    """Write the documents."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    DOCS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_headless(), args=list(QUIET))
        for name, text in documents(browser):
            (DOCS / name).write_text(text)
        browser.close()


if __name__ == "__main__":
    main()
