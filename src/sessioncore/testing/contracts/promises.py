"""What ``sessioncore.ports`` promises, one sentence a test."""

from attrs import evolve

from sessioncore import Epoch, Kind, Reason, Session, State, Store

from ..clock import START
from ..rows import HOUR, ISSUER, OTHER, SID, ended, guest, rotated, touched, user


def sids(rows: object) -> list[str]:
    """Give the selectors of rows, sorted."""
    return sorted(row.sid for row in rows)  # type: ignore[attr-defined]


class RowPromises:
    """What a store promises of one row."""

    def test_an_unknown_selector_is_absent(self, plain: Store) -> None:
        assert plain.load(SID) == (None, None)

    def test_a_row_comes_back_as_it_was_put_in_every_field(self, plain: Store) -> None:
        row = evolve(
            user(),
            former_proof=guest(secret="former").proof,
            state=State.MFA_SATISFIED,
            second=Kind.POSSESSION,
            mfa_methods=("otp",),
            mfa_at=START,
            needs=State.MFA_SATISFIED,
            not_after=START + 9 * HOUR,
            remembered=True,
            label="手机",
            data=(("cart", '["é","手机"]'), ("empty", '""')),
            activities=('{"what":"seen"}',),
        )

        assert plain.swap(None, row)
        assert plain.load(SID) == (row, None)

    def test_a_tombstone_comes_back_as_it_was_put(self, plain: Store) -> None:
        tombstone = ended(user(), START + 5, Reason.ADMIN)
        plain.swap(None, user())

        assert plain.swap(user(), tombstone)
        assert plain.load(SID)[0] == tombstone

    def test_a_tombstone_that_was_never_alive_is_kept_too(self, plain: Store) -> None:
        """So a logout that comes before its login is remembered."""
        tombstone = ended(guest(), START + 5, Reason.IDP)

        assert plain.swap(None, tombstone)
        assert not plain.swap(None, tombstone)
        assert plain.load(SID) == (tombstone, None)

    def test_a_row_comes_with_its_subjects_epoch(self, plain: Store) -> None:
        plain.swap(None, user())
        plain.swap(None, guest(OTHER))
        plain.mint("alice", START)

        assert plain.load(SID)[1] == Epoch(value=START)
        assert plain.load(OTHER)[1] is None

    def test_a_row_comes_with_the_epoch_of_the_subject_it_has_now(self, plain: Store) -> None:
        plain.supersede("bob", START + 7, Reason.ADMIN)
        plain.swap(None, guest())
        plain.swap(guest(), evolve(user(subject="bob"), version=2))

        assert plain.load(SID)[1] == Epoch(value=START + 7, cause=Reason.ADMIN)

    def test_an_insert_never_overwrites(self, plain: Store) -> None:
        plain.swap(None, guest())

        assert not plain.swap(None, guest(secret="another"))
        assert plain.load(SID)[0] == guest()

    def test_an_insert_never_overwrites_a_tombstone(self, plain: Store) -> None:
        plain.swap(None, guest())
        plain.swap(guest(), ended(guest(), START))

        assert not plain.swap(None, guest())
        assert plain.load(SID)[0] == ended(guest(), START)

    def test_a_swap_puts_the_new_row_where_the_old_one_is(self, plain: Store) -> None:
        plain.swap(None, guest())

        assert plain.swap(guest(), touched(guest(), START + 1))
        assert plain.load(SID)[0] == touched(guest(), START + 1)

    def test_a_swap_on_a_missing_row_brings_nothing_back(self, plain: Store) -> None:
        assert not plain.swap(guest(), touched(guest(), START + 1))
        assert plain.load(SID) == (None, None)

    def test_a_swap_on_a_changed_row_changes_nothing(self, plain: Store) -> None:
        plain.swap(None, guest())
        plain.swap(guest(), touched(guest(), START + 5))

        assert not plain.swap(guest(), touched(guest(), START + 9))
        assert plain.load(SID)[0] == touched(guest(), START + 5)

    def test_a_swap_on_a_row_with_another_proof_changes_nothing(self, plain: Store) -> None:
        theirs = rotated(guest(), "theirs")
        plain.swap(None, guest())
        plain.swap(guest(), theirs)

        assert not plain.swap(rotated(guest(), "mine"), touched(theirs, START + 1))
        assert plain.load(SID)[0] == theirs

    def test_a_swap_on_an_ended_row_changes_nothing_even_if_it_names_it_exactly(self, plain: Store) -> None:
        tombstone = ended(guest(), START)
        plain.swap(None, guest())
        plain.swap(guest(), tombstone)

        assert not plain.swap(tombstone, evolve(touched(guest(), START + 1), version=3))
        assert not plain.swap(tombstone, evolve(tombstone, version=3, reason=Reason.ADMIN))
        assert not plain.swap(guest(), touched(guest(), START + 1))
        assert plain.load(SID)[0] == tombstone

    def test_an_ended_row_stays_until_it_is_purged(self, plain: Store) -> None:
        plain.swap(None, user())
        plain.swap(user(), ended(user(), START))

        assert plain.load(SID)[0] == ended(user(), START)
        assert sids(plain.of_subject("alice")) == [SID]

    def test_a_row_past_its_deadline_is_still_there_until_somebody_ends_it(self, plain: Store) -> None:
        """The clock is the caller's: a time-to-live collects garbage and decides nothing."""
        ancient = evolve(guest(at=1_000), idle=1, lifetime=1)
        plain.swap(None, ancient)

        assert plain.load(SID)[0] == ancient
        assert plain.swap(ancient, ended(ancient, 1_001, Reason.USER))


class EpochPromises:
    """What a store promises of a subject's epoch."""

    def test_a_subject_without_an_epoch_has_none(self, plain: Store) -> None:
        assert plain.epoch("alice") is None

    def test_the_first_mint_stands(self, plain: Store) -> None:
        assert plain.mint("alice", START) == Epoch(value=START)
        assert plain.mint("alice", START + 9) == Epoch(value=START)
        assert plain.epoch("alice") == Epoch(value=START)

    def test_a_mint_after_a_reset_returns_what_the_reset_left(self, plain: Store) -> None:
        plain.supersede("alice", START, Reason.PASSWORD_RESET)

        assert plain.mint("alice", START + 9) == Epoch(value=START, cause=Reason.PASSWORD_RESET)
        assert plain.epoch("alice") == Epoch(value=START, cause=Reason.PASSWORD_RESET)

    def test_superseding_moves_on_whatever_the_clock_says(self, plain: Store) -> None:
        plain.mint("alice", START)

        assert plain.supersede("alice", START - HOUR, Reason.ADMIN) == Epoch(value=START + 1, cause=Reason.ADMIN)
        assert plain.epoch("alice") == Epoch(value=START + 1, cause=Reason.ADMIN)

    def test_superseding_moves_on_to_the_clock_where_that_is_ahead(self, plain: Store) -> None:
        plain.mint("alice", START)

        assert plain.supersede("alice", START + HOUR, Reason.USER_ALL) == Epoch(
            value=START + HOUR, cause=Reason.USER_ALL
        )

    def test_superseding_with_the_expected_epoch_moves_on(self, plain: Store) -> None:
        plain.mint("alice", START)

        moved = plain.supersede("alice", START + 5, Reason.PASSWORD_CHANGE, expected=START)

        assert moved == Epoch(value=START + 5, cause=Reason.PASSWORD_CHANGE)
        assert plain.epoch("alice") == moved

    def test_superseding_with_another_epoch_than_expected_changes_nothing(self, plain: Store) -> None:
        plain.mint("alice", START)

        for expected in (0, START - 1, START + 1):
            assert plain.supersede("alice", START + 5, Reason.ADMIN, expected=expected) is None
        assert plain.epoch("alice") == Epoch(value=START)

    def test_superseding_an_expected_epoch_that_is_not_there_creates_none(self, plain: Store) -> None:
        assert plain.supersede("alice", START, Reason.ADMIN, expected=0) is None
        assert plain.epoch("alice") is None

    def test_one_subjects_epoch_is_not_anothers(self, plain: Store) -> None:
        plain.mint("alice", START)
        plain.supersede("bob", START + 1, Reason.ADMIN)

        assert plain.epoch("alice") == Epoch(value=START)


class ListPromises:
    """What a store promises of its lists, of purging and of marks."""

    def test_the_rows_of_a_subject_are_listed_with_its_tombstones(self, plain: Store) -> None:
        plain.swap(None, user())
        plain.swap(None, user(OTHER))
        plain.swap(None, user("u" * 22, "bob"))
        plain.swap(user(OTHER), ended(user(OTHER), START))

        assert sids(plain.of_subject("alice")) == [SID, OTHER]
        assert sids(plain.of_subject("nobody")) == []

    def test_the_live_rows_of_a_subject_are_listed_without_its_tombstones(self, plain: Store) -> None:
        plain.swap(None, user())
        plain.swap(None, user(OTHER))
        plain.swap(None, user("u" * 22, "bob"))
        plain.swap(user(OTHER), ended(user(OTHER), START))

        assert sids(plain.of_subject("alice", live=True)) == [SID]
        assert sids(plain.of_subject("", live=True)) == []

    def test_a_row_is_listed_among_the_live_ones_until_it_ends(self, plain: Store) -> None:
        plain.swap(None, guest())
        plain.swap(guest(), evolve(user(), version=2))
        signed_in = touched(evolve(user(), version=2), START + 1)
        plain.swap(evolve(user(), version=2), signed_in)

        assert list(plain.of_subject("alice", live=True)) == [signed_in]

        plain.swap(signed_in, evolve(signed_in, version=4, subject="bob"))

        assert list(plain.of_subject("alice", live=True)) == []
        assert sids(plain.of_subject("bob", live=True)) == [SID]

    def test_guests_are_nobodys_rows(self, plain: Store) -> None:
        plain.swap(None, guest())

        assert sids(plain.of_subject("")) == []
        assert sids(plain.of_upstream("", "")) == []

    def test_a_row_that_changed_hands_is_listed_for_its_new_subject_only(self, plain: Store) -> None:
        plain.swap(None, user(subject="alice"))
        plain.swap(user(subject="alice"), evolve(user(subject="bob"), version=2, upstream=(ISSUER, "op-2")))

        assert sids(plain.of_subject("alice")) == []
        assert sids(plain.of_subject("bob")) == [SID]
        assert sids(plain.of_upstream(ISSUER, "op-1")) == []
        assert sids(plain.of_upstream(ISSUER, "op-2")) == [SID]

    def test_a_lost_swap_lists_nothing(self, plain: Store) -> None:
        """Indexes are hints: written before the row, verified when read."""
        plain.swap(None, guest())
        plain.swap(touched(guest(), START + 1), evolve(user(), version=3))

        assert sids(plain.of_subject("alice")) == []
        assert sids(plain.of_upstream(ISSUER, "op-1")) == []

    def test_the_rows_of_an_upstream_session_are_listed(self, plain: Store) -> None:
        plain.swap(None, user())
        plain.swap(None, evolve(user(OTHER), upstream=(ISSUER, "op-2")))

        assert sids(plain.of_upstream(ISSUER, "op-1")) == [SID]
        assert sids(plain.of_upstream("https://other.example", "op-1")) == []

    def test_overdue_rows_are_listed_from_their_deadline_on(self, plain: Store) -> None:
        plain.swap(None, guest())

        assert sids(plain.due(START + HOUR - 1, 10)) == []
        assert sids(plain.due(START + HOUR, 10)) == [SID]

    def test_the_most_overdue_rows_are_listed_first(self, plain: Store) -> None:
        for number, sid in enumerate(("u" * 22, SID, OTHER)):
            plain.swap(None, guest(sid, at=START + number))

        assert [row.sid for row in plain.due(START + HOUR + 2, 10)] == ["u" * 22, SID, OTHER]
        assert [row.sid for row in plain.due(START + HOUR + 2, 2)] == ["u" * 22, SID]

    def test_a_tombstone_is_never_due(self, plain: Store) -> None:
        plain.swap(None, guest())
        plain.swap(guest(), ended(guest(), START))

        assert list(plain.due(START + 100 * HOUR, 10)) == []

    def test_a_use_moves_the_row_back_in_the_list_of_overdue_ones(self, plain: Store) -> None:
        plain.swap(None, guest())
        plain.swap(guest(), touched(guest(), START + HOUR - 1))

        assert list(plain.due(START + HOUR, 10)) == []

    def test_a_purge_forgets_tombstones_of_before(self, plain: Store) -> None:
        plain.swap(None, user())
        plain.swap(user(), ended(user(), START))

        assert plain.purge(START, 10) == 0
        assert plain.purge(START + 1, 10) == 1
        assert plain.load(SID)[0] is None
        assert sids(plain.of_subject("alice")) == []

    def test_a_purge_never_forgets_a_live_row(self, plain: Store) -> None:
        plain.swap(None, user())

        assert plain.purge(START + 100 * HOUR, 10) == 0
        assert plain.load(SID)[0] == user()

    def test_a_purge_forgets_no_more_than_its_limit(self, plain: Store) -> None:
        rows: list[Session] = [guest(letter * 22) for letter in "abc"]
        for row in rows:
            plain.swap(None, row)
            plain.swap(row, ended(row, START))

        assert [plain.purge(START + 1, 2) for _ in range(3)] == [2, 1, 0]

    def test_a_purge_forgets_no_epoch(self, plain: Store) -> None:
        plain.supersede("alice", START, Reason.PASSWORD_RESET)
        plain.purge(START + 100 * HOUR, 10)

        assert plain.epoch("alice") == Epoch(value=START, cause=Reason.PASSWORD_RESET)

    def test_a_name_is_marked_the_first_time_only(self, plain: Store) -> None:
        assert plain.mark("jti-1", START)
        assert not plain.mark("jti-1", START)
        assert plain.mark("jti-2", START)

    def test_a_mark_is_remembered_until_the_latest_instant_that_was_asked_for(self, plain: Store) -> None:
        plain.mark("jti-1", START)
        plain.mark("jti-1", START + HOUR)
        plain.purge(START + HOUR, 10)

        assert not plain.mark("jti-1", START)
