"""Methods are those of RFC 8176, and two of one kind are one factor."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessioncore import InvalidSetting, Kind
from sessioncore.factors import KIND_OF, factors_of, kind_of, names_of

KNOWN = {
    Kind.KNOWLEDGE: {"pwd", "pin", "kba"},
    Kind.POSSESSION: {"otp", "sms", "hwk", "swk", "sc", "pop"},
    Kind.INHERENCE: {"fpt", "face", "iris", "vbm"},
}
METHODS = st.lists(st.sampled_from(sorted(KIND_OF)), min_size=1, max_size=4)
NOTHING = (Kind.NONE, ())


def test_every_method_of_rfc_8176_that_proves_a_factor_has_its_kind() -> None:
    assert {kind: {name for name, of in KIND_OF.items() if of is kind} for kind in KNOWN} == KNOWN


@pytest.mark.parametrize(
    ("methods", "first", "second"),
    [
        ("pwd", (Kind.KNOWLEDGE, ("pwd",)), NOTHING),
        (("pwd",), (Kind.KNOWLEDGE, ("pwd",)), NOTHING),
        (["pwd", "otp"], (Kind.KNOWLEDGE, ("pwd",)), (Kind.POSSESSION, ("otp",))),
        (["otp", "pwd"], (Kind.POSSESSION, ("otp",)), (Kind.KNOWLEDGE, ("pwd",))),
        (("hwk", "pin"), (Kind.POSSESSION, ("hwk",)), (Kind.KNOWLEDGE, ("pin",))),
        (("hwk", "fpt"), (Kind.POSSESSION, ("hwk",)), (Kind.INHERENCE, ("fpt",))),
        (("pwd", "pin"), (Kind.KNOWLEDGE, ("pwd", "pin")), NOTHING),
        (("otp", "sms", "hwk"), (Kind.POSSESSION, ("otp", "sms", "hwk")), NOTHING),
        (("pwd", "pwd"), (Kind.KNOWLEDGE, ("pwd",)), NOTHING),
        ("mfa", (Kind.KNOWLEDGE, ("mfa",)), (Kind.POSSESSION, ("mfa",))),
    ],
)
def test_methods_are_sorted_into_two_factors(methods: Any, first: Any, second: Any) -> None:
    assert (first, second) == factors_of(methods)


@given(METHODS)
def test_two_factors_are_never_of_one_kind(methods: list[str]) -> None:
    (first, _), (second, _) = factors_of(methods)

    assert Kind.NONE != first != second
    assert (second is not Kind.NONE) == (len({KIND_OF[name] for name in methods}) > 1)


@given(METHODS, st.sampled_from(sorted(KIND_OF)))
def test_another_method_of_the_first_kind_is_no_second_factor(methods: list[str], other: str) -> None:
    alone = [name for name in methods if KIND_OF[name] is KIND_OF[methods[0]]]

    assert factors_of([*alone, *[other] * (KIND_OF[other] is KIND_OF[methods[0]])])[1] == NOTHING


@pytest.mark.parametrize("name", ["", "password", "PWD", "totp", "user", "pwd otp", None, 1])
def test_an_unknown_method_is_refused_by_name(name: Any) -> None:
    for read in (lambda: names_of([name]), lambda: factors_of(["pwd", name]), lambda: kind_of(name)):
        with pytest.raises(InvalidSetting, match=r"^method = .*RFC 8176.*pwd"):
            read()


@pytest.mark.parametrize("none", [(), [], iter(())])
def test_no_method_is_refused(none: Any) -> None:
    with pytest.raises(InvalidSetting, match="name at least one method"):
        factors_of(none)


def test_a_name_that_vouches_for_two_kinds_is_no_single_factor() -> None:
    with pytest.raises(InvalidSetting, match="for one factor"):
        kind_of("mfa")


@pytest.mark.parametrize("name", sorted(KIND_OF))
def test_one_method_has_one_kind(name: str) -> None:
    assert KIND_OF[name] is kind_of(name)
    assert (name,) == names_of(name) == names_of([name])
