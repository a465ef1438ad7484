"""Which kind of factor a method proves: the names of RFC 8176 (amr) sorted by NIST SP 800-63B-4."""

from collections.abc import Iterable
from typing import Final

from .errors import InvalidSetting
from .records import Kind

KIND_OF: Final[dict[str, Kind]] = {
    **dict.fromkeys(("pwd", "pin", "kba"), Kind.KNOWLEDGE),
    **dict.fromkeys(("otp", "sms", "hwk", "swk", "sc", "pop"), Kind.POSSESSION),
    **dict.fromkeys(("fpt", "face", "iris", "vbm"), Kind.INHERENCE),
}

# An identity provider that says only "mfa" vouches for two kinds without naming them.
_VOUCHED: Final = {"mfa": (Kind.KNOWLEDGE, Kind.POSSESSION)}

Factor = tuple[Kind, tuple[str, ...]]


def names_of(methods: str | Iterable[str]) -> tuple[str, ...]:
    """Turn one method or several into a tuple. Raises ``InvalidSetting`` for none and for an unknown name."""
    names = (methods,) if isinstance(methods, str) else tuple(methods)
    for name in names:
        if name not in KIND_OF and name not in _VOUCHED:
            raise InvalidSetting("method", name, f"use names of RFC 8176: {', '.join((*KIND_OF, *_VOUCHED))}")
    if not names:
        raise InvalidSetting("method", methods, "name at least one method that was proved")
    return names


def kind_of(method: str) -> Kind:
    """Give the kind of one factor. Raises ``InvalidSetting`` for an unknown name and for one that names two."""
    if method not in KIND_OF:
        raise InvalidSetting("method", method, f"use a name of RFC 8176 for one factor: {', '.join(KIND_OF)}")
    return KIND_OF[method]


def factors_of(methods: str | Iterable[str]) -> tuple[Factor, Factor]:
    """Sort proved methods into a first and a second factor; two methods of one kind are one factor.

    The second is ``(Kind.NONE, ())`` if only one kind was proved. A passkey with user verification is two:
    ``("hwk", "pin")`` or ``("hwk", "fpt")``.
    """
    by_kind: dict[Kind, list[str]] = {}
    for name in names_of(methods):
        for kind in _VOUCHED.get(name) or (KIND_OF[name],):
            by_kind.setdefault(kind, []).append(name)
    found: list[Factor] = [(kind, tuple(dict.fromkeys(names))) for kind, names in by_kind.items()]
    return (found[0], found[1]) if len(found) > 1 else (found[0], (Kind.NONE, ()))
