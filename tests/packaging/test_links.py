"""Every link of the documentation leads to a file that is tracked and, where it says so, to a heading in it."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import pytest
from attrs import frozen
from markdown_it import MarkdownIt

ROOT: Final = Path(__file__).parents[2]
MARKDOWN: Final = MarkdownIt("commonmark").enable("table")
HTML: Final = re.compile(r"""<(?:a|img)\s[^>]*?(?:href|src)=["']?([^"'\s>]+)""")


def links(page: Path) -> Iterator[str]:
    """Give where a page leads, its pictures included; what it shows as code leads nowhere."""
    for token in MARKDOWN.parse(page.read_text("utf-8")):
        for part in (token, *(token.children or [])):
            yield from HTML.findall(part.content) if part.type.startswith("html_") else []
            yield from (str(part.attrs[name]) for name in ("href", "src") if name in part.attrs)


def anchors(page: Path) -> set[str]:
    """Give the anchors that GitHub makes of a page's headings: of two that are the same, the second has a number."""
    seen, found = Counter[str](), set[str]()
    for before, text in pairwise(MARKDOWN.parse(page.read_text("utf-8"))):
        if before.type == "heading_open":
            title = "".join(part.content for part in text.children or [])
            anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
            seen[anchor] += 1
    return found


@frozen
class Tree:
    """Hold what a reader of the repository finds there."""

    files: frozenset[Path]

    def broken(self, page: Path) -> list[str]:
        """Give the links of a page that lead nowhere; those to other sites are not followed."""
        return [link for link in links(page) if not urlsplit(link).scheme and not self._leads(page, link)]

    def _leads(self, page: Path, link: str) -> bool:
        to = urlsplit(link)
        target = (page.parent / unquote(to.path)).resolve() if to.path else page
        there = target in self.files or any(target in file.parents for file in self.files)
        return there and (not to.fragment or target.suffix != ".md" or to.fragment in anchors(target))


def tracked() -> frozenset[Path]:
    """Give what is tracked; an unpacked archive has no history to ask, and holds nothing else."""
    if not (ROOT / ".git").exists():
        return frozenset(path for path in ROOT.rglob("*") if "node_modules" not in path.parts)
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(ROOT / name for name in listed.stdout.splitlines())


HERE: Final = Tree(tracked())
PAGES: Final = sorted(path for path in HERE.files if path.suffix == ".md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert HERE.broken(page) == []


def test_every_folder_of_the_documentation_has_links() -> None:
    """A page of which none were found would pass whatever it says."""
    assert {page.parent.name for page in PAGES if any(links(page))} >= {ROOT.name, "docs", "sso", "stores", "flows"}


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[all](other.md) [is](other.md#two-words) [well](#here) [with](../README.md#again-1) ![a](folder/p.svg)", []),
        ("[a folder](folder), [another site](https://example.org/x#y) and `[code](nowhere.md)`", []),
        ("```html\n[code](nowhere.md) <a href=nowhere.md>\n```\n", []),
        ("[a page](nowhere.md)", ["nowhere.md"]),
        ("| [in](nowhere.md) | a |\n|---|---|\n| table | [b](#nowhere) |", ["nowhere.md", "#nowhere"]),
        ("[a heading](other.md#nowhere)", ["other.md#nowhere"]),
        ("[one of ours](#nowhere)", ["#nowhere"]),
        ("[by name][one]\n\n[one]: nowhere.md", ["nowhere.md"]),
        ("![a picture](folder/nowhere.svg)", ["folder/nowhere.svg"]),
        ('<img alt="a" src="nowhere.svg">', ["nowhere.svg"]),
        ("Says <a title='a' href='nowhere.md'>one</a> line", ["nowhere.md"]),
        ("[only on this machine](draft.md)", ["draft.md"]),
        ("[out of the repository](../../README.md)", ["../../README.md"]),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, text: str, broken: list[str]) -> None:
    pages = {
        "README.md": "# Again\n## Again\n",
        "docs/page.md": f"# Here\n\n{text}\n",
        "docs/other.md": "# `Two`, *words*\n",
        "docs/folder/p.svg": "<svg/>",
        "docs/draft.md": "",
    }
    for name, content in pages.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    tree = Tree(frozenset(tmp_path / name for name in pages if name != "docs/draft.md"))

    assert tree.broken(tmp_path / "docs" / "page.md") == broken
