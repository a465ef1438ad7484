"""A bag is a dict whose changes are told: whatever is done to it, what is stored afterwards is what it shows."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessioncore import InvalidSetting
from sessioncore_io.bag import Bag

KEYS: Final = st.sampled_from("abc")
STEPS: Final = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, st.integers(0, 2)),
        st.tuples(st.just("drop"), KEYS, st.none()),
        st.tuples(st.just("get"), KEYS, st.none()),
        st.tuples(st.just("store"), st.none(), st.none()),
    ),
    max_size=12,
)


def text(value: object) -> str:
    """Write a value as it is stored."""
    return json.dumps(value, separators=(",", ":"))


OF_BAG: Final[dict[str, Any]] = {
    "set": Bag.set,
    "drop": lambda bag, key, _: bag.drop(key),
    "get": lambda bag, key, _: bag.get(key),
}
OF_DICT: Final[dict[str, Any]] = {
    "set": dict.__setitem__,
    "drop": lambda model, key, _: model.__delitem__(key),
    "get": lambda model, key, _: model[key],
}


def done(verbs: dict[str, Any], shown: object, step: Any) -> object:
    """Do one step to a bag or to a dict; say what it gives, or that the key is not there."""
    what, key, value = step
    try:
        return verbs[what](shown, key, value)
    except KeyError as missing:
        return missing.args


def stored(before: dict[str, str], changes: Any) -> dict[str, str]:
    """Give what a store holds after the changes."""
    after = before | dict(changes)
    return {key: value for key, value in after.items() if value is not None}


@given(at_first=st.dictionaries(KEYS, st.integers(0, 2)), steps=STEPS)
def test_a_bag_is_a_dict_and_its_changes_make_the_store_the_same(at_first: dict[str, int], steps: list[Any]) -> None:
    kept = {key: text(value) for key, value in at_first.items()}
    bag, model = Bag(tuple(kept.items())), dict[str, Any](at_first)
    for step in steps:
        if step[0] == "store":
            kept = stored(kept, bag.take_changes())
            assert bag.changes() == (), "what was taken is written, and not told twice"
        else:
            assert done(OF_BAG, bag, step) == done(OF_DICT, model, step)
        wanted = {key: text(value) for key, value in model.items()}

        assert sorted(bag) == sorted(model)
        assert stored(kept, bag.changes()) == wanted
        assert bag.size() == sum(len(key) + len(value) for key, value in wanted.items())


def test_what_was_dropped_comes_back_when_the_drop_is_lost_to_what_is_stored_now() -> None:
    """Rebased on data without the key, there is nothing left to drop; on data with it, the drop stands."""
    bag = Bag((("a", "1"), ("b", "2")))
    bag.drop("a")
    bag.drop("b")
    bag.rebase((("a", "3"),))

    assert bag.changes() == (("a", None),)


@pytest.mark.parametrize("key", ["", "x" * 257])
def test_a_key_of_no_or_too_many_characters_is_refused(key: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        Bag(()).set(key, 1)

    assert (refused.value.name, refused.value.value) == ("session key", key)


@pytest.mark.parametrize("key", ["x", "x" * 256])
def test_the_shortest_and_the_longest_key_are_taken(key: str) -> None:
    bag = Bag(())
    bag.set(key, [1, {"a": None}])

    assert bag.changes() == ((key, '[1,{"a":null}]'),)


def nested(levels: int) -> Any:
    """Nest dicts and lists by turns, one within the other."""
    value: Any = 1
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


def test_a_hundred_levels_are_stored_and_one_more_is_refused() -> None:
    """However many lists stand side by side: only depth is what another page could not read."""
    bag = Bag(())
    bag.set("deep", nested(100))
    bag.set("deep and broad", [nested(99), [], []])
    bag.set("broad", [[] for _ in range(300)])
    bag.set("text", "[{" * 300)
    with pytest.raises(InvalidSetting) as refused:
        bag.set("deeper", nested(101))
    with pytest.raises(InvalidSetting):
        bag.set("deeper", [nested(100)])

    assert sorted(bag) == ["broad", "deep", "deep and broad", "text"]
    assert str(refused.value) == (
        "session['deeper'] = 'list': store what JSON can hold"
        " (at most 100 levels, or it could not be read back everywhere)"
    )


def test_what_was_changed_again_since_it_was_taken_stays_and_what_others_changed_comes_in() -> None:
    bag = Bag((("ours", "[1]"), ("theirs", "[1]"), ("same", "[1]")))
    ours, theirs, same = (bag.get(key) for key in ("ours", "theirs", "same"))
    bag.take_changes()
    ours.append(2)
    bag.rebase((("ours", "[1]"), ("theirs", "[7]"), ("same", "[1]")))

    assert bag.changes() == (("ours", "[1,2]"),)
    assert (bag.get("ours"), bag.get("theirs"), bag.get("same")) == ([1, 2], [7], [1])
    assert bag.get("same") is same, "what nobody changed is the object that was handed out"
    assert bag.get("theirs") is not theirs


def test_a_value_that_json_can_no_longer_hold_is_a_loss_that_is_told() -> None:
    bag = Bag((("cart", "[]"),))
    bag.get("cart").append(object())

    assert bag.lost() == (("cart", None),)
