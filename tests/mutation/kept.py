"""Keep what became of the mutants of each file, with the hash of its text: so a picture is made part by part.

What was kept of a file that has changed since is not counted, nor what was kept of some of a file's mutants. The names
of mutants follow from the file, so they are not kept, but by their places, as in 0-7,9: there are thousands.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from .edits import edits
from .hunt import Verdict
from .kill import Verdict as OfTable
from .sources import Source

FILE: Final = Path("docs/verification/mutants.json")
_PROVED: Final = tuple(Path("src/sessioncore", name) for name in ("table.py", "guards.py", "acts.py"))
_ENDLESS, _OF = "endless", "of "


def hash_of(*paths: Path) -> str:
    """Give the hash of the text of a file, or of several."""
    return sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def hash_of_table(top: Path) -> str:
    """Give the hash of the table, its guards and its acts."""
    return hash_of(*(top / path for path in _PROVED))


@define
class Kept:
    """Hold the verdicts on the files under ``top``, and those on the table."""

    top: Path
    table: dict[str, Any] = field(factory=dict)
    files: dict[str, Any] = field(factory=dict)

    @classmethod
    def read(cls, top: Path) -> "Kept":
        """Read what was kept under ``top``, if anything was."""
        file = top / FILE
        return cls(top, **(json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}))

    def write(self) -> None:
        """Write it, a kind of verdict a line."""
        (self.top / FILE).parent.mkdir(parents=True, exist_ok=True)
        told = {"table": self.table, "files": self.files}
        (self.top / FILE).write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def add(
        self, source: Source, text: str, names: Sequence[str], tried: Sequence[str], found: Iterable[Verdict]
    ) -> None:
        """Add the verdicts found when the text of a file had this hash; ``names`` are those of all its mutants.

        A later look at some of them changes what is known of these; verdicts on another text are forgotten.
        """
        former, verdicts = self.files.get(self._key(source), {}), dict[str, str]()
        same = {"hash": text, "names": _digest(names)}
        whole = len(tried) == len(names)
        if not whole and former.items() >= same.items():
            verdicts, whole = dict(_named(names, former["verdicts"])), former["whole"]
        verdicts |= {verdict.name: _said(verdict) for verdict in found}
        self.files[self._key(source)] = same | {"whole": whole, "verdicts": _placed(names, verdicts)}
        self.files = dict(sorted(self.files.items()))

    def fits(self, source: Source) -> bool:
        """Tell whether all mutants of a file were tried, and it and they are as they were then."""
        kept = self.files.get(self._key(source), {})
        same = bool(kept.get("whole")) and kept["hash"] == hash_of(source.path)
        return same and kept["names"] == _digest(_names(source))

    def verdicts(self, source: Source) -> list[Verdict]:
        """Give the verdicts on a file, if they fit."""
        if not self.fits(source):
            return []
        names = _names(source)
        told = dict(_named(names, self.files[self._key(source)]["verdicts"]))
        return [_read(source.group, name, told[name]) for name in names if name in told]

    def _key(self, source: Source) -> str:
        return source.path.relative_to(self.top).as_posix()

    def add_table(self, text: str, found: Iterable[OfTable]) -> None:
        """Put down the verdicts on all mutants of the table, found when it had this hash."""
        said = ["; ".join((v.mutant.kind, v.layer, v.how, v.mutant.name)) for v in found]
        self.table = {"hash": text, "verdicts": said}

    def of_table(self) -> list[list[str]]:
        """Give kind, layer, how and name of each mutant of the table, if it is as it was then."""
        fits = self.table.get("hash") == hash_of_table(self.top)
        return [text.split("; ", 3) for text in self.table["verdicts"]] if fits else []


def _names(source: Source) -> list[str]:
    return [edit.name for edit in edits(source.path, source.root)]


def _digest(names: Sequence[str]) -> str:
    return sha256("\n".join(names).encode()).hexdigest()[:16]


def _placed(names: Sequence[str], verdicts: Mapping[str, str]) -> dict[str, str]:
    """Give by verdict the places of its mutants, as in 0-7,9."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        if name in verdicts:
            places[verdicts[name]].append(place)
    return {said: ",".join(_runs(found)) for said, found in sorted(places.items())}


def _runs(places: Sequence[int]) -> Iterator[str]:
    for _, run in groupby(enumerate(places), lambda pair: pair[1] - pair[0]):
        numbers = [place for _, place in run]
        yield f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else str(numbers[0])


def _named(names: Sequence[str], places: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give each mutant's name with its verdict."""
    for said, runs in places.items():
        for run in runs.split(","):
            first, _, last = run.partition("-")
            yield from ((name, said) for name in names[int(first) : int(last or first) + 1])


def _said(verdict: Verdict) -> str:
    notes = [_ENDLESS] if verdict.slow else []
    notes += [_OF + ", ".join(verdict.all_layers)] if verdict.all_layers is not None else []
    return "; ".join([verdict.layer, *notes])


def _read(group: str, name: str, text: str) -> Verdict:
    layer, *notes = text.split("; ")
    shown = next((tuple(note.removeprefix(_OF).split(", ")) for note in notes if note.startswith(_OF)), None)
    return Verdict(group, name, layer, slow=_ENDLESS in notes, all_layers=shown)
