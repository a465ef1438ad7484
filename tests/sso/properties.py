"""The properties of a decision, by name: what the tests check, and what each planted bug has to break."""

from collections.abc import Callable
from typing import Final

from attrs import evolve
from tests.sso.stories import POLICY, Beginning, Story, followed

from sessioncore import State
from sessioncore import moment_for as core_moment
from sessioncore.guards import live
from sessioncore.sso import Grant, HintStanding, Interact, Interaction, Refuse, decide, moment_for


def never_a_page_under_none(begun: Beginning) -> bool:
    """A silent request is granted or refused."""
    return not begun.request.none or not isinstance(Story(begun).decide(), Interact)


def none_needs_a_session(begun: Beginning) -> bool:
    """A silent request makes no session of none, revives none, and leaves the one it finds as it is."""
    before = repr(begun.session)
    answer = Story(begun).decide()
    session = begun.session
    alive = session is not None and session.state in (State.AUTHENTICATED, State.MFA_SATISFIED)
    alive = alive and session is not None and live(session, core_moment(session, begun.epoch, begun.at, POLICY))
    return before == repr(begun.session) and (alive or not isinstance(answer, Grant))


def an_answer_is_about_the_session_and_the_hint(begun: Beginning) -> bool:
    """Whoever a positive answer is about is signed in, and is whom the client meant."""
    story = followed(begun)
    answer, session, hint = story.answers[-1], story.sessions[-1], begun.request.hint
    if not isinstance(answer, Grant):
        return True
    meant = {hint.subject} if hint.standing is HintStanding.VALID else set()
    meant |= {begun.request.subject} if begun.request.subject else set()
    return session is not None and {session.subject, *meant} == {answer.subject}


def a_story_ends(begun: Beginning) -> bool:
    """Who answers every page gets an answer, and no page is shown twice."""
    story = followed(begun)
    pages = [answer.kind for answer in story.answers if isinstance(answer, Interact)]
    return not isinstance(story.answers[-1], Interact) and len(pages) == len(set(pages))


def a_second_factor_stays(begun: Beginning) -> bool:
    """A second factor proved in this transaction counts from then on, whatever else the same user does in it."""
    story = followed(begun)
    kinds = [answer.kind if isinstance(answer, Interact) else None for answer in story.answers]
    proved = [n for n, kind in enumerate(kinds) if kind in (Interaction.STEP_UP, Interaction.SATISFY_MFA)]
    after = story.sessions[proved[0] + 1 :] if proved else []
    own = [session for session in after if session is not None and session.subject == story.transaction.stepped_up]
    return all(session.state is State.MFA_SATISFIED for session in own)


def auth_time_is_the_session_s(begun: Beginning) -> bool:
    """Silent renewals, however late, say of the login what the first answer said."""
    answer = Story(begun).decide()
    later = evolve(begun, at=begun.at + 1_234, request=evolve(begun.request, none=True, consent=False))
    renewed = Story(later).decide()
    if not (isinstance(answer, Grant) and isinstance(renewed, Grant)) or begun.session is None:
        return True
    return {begun.session.authenticated_at // 1_000} == {answer.auth_time, renewed.auth_time}


def a_login_is_fresh_enough(begun: Beginning) -> bool:
    """Who is answered for logged in within max_age, or in this very transaction."""
    story = followed(begun)
    answer, session = story.answers[-1], story.sessions[-1]
    if not isinstance(answer, Grant) or session is None:
        return True
    in_it = story.transaction.logged_in == session.subject
    asked = begun.request.login or begun.request.max_age == 0
    return in_it or (not asked and story.at - session.authenticated_at <= begun.request.max_age)


def a_login_within_max_age_is_enough(begun: Beginning) -> bool:
    """A login that is exactly max_age old is not asked for again."""
    answer, session = Story(begun).decide(), begun.session
    if session is None or not isinstance(answer, Interact) or answer.kind is not Interaction.REAUTHENTICATE:
        return True
    return begun.at - session.authenticated_at > begun.request.max_age


def assurance_only_helps(begun: Beginning) -> bool:
    """What one factor is granted, two are granted."""
    session = begun.session
    if session is None or session.state is not State.AUTHENTICATED or not isinstance(Story(begun).decide(), Grant):
        return True
    stronger = evolve(session, state=State.MFA_SATISFIED, mfa_at=session.seen_at)
    return isinstance(Story(evolve(begun, session=stronger)).decide(), Grant)


def a_repeated_question_has_the_same_answer(begun: Beginning) -> bool:
    """A decision is a function of what it is told."""
    story = Story(begun)
    moment = moment_for(begun.session, begun.epoch, begun.at, POLICY)
    again = decide(begun.session, begun.request, story.transaction, moment, begun.policy)
    return story.decide() == again


def what_cannot_be_read_is_refused(begun: Beginning) -> bool:
    """A malformed request, or a hint of somebody else's making, gets no page and no grant."""
    hint = begun.request.hint
    foreign = hint.standing is HintStanding.VALID and hint.issuer != begun.policy.issuer
    wrong = begun.request.fault or foreign or hint.standing is HintStanding.INVALID
    return not wrong or isinstance(Story(begun).decide(), Refuse)


def consent_is_given(begun: Beginning) -> bool:
    """Nothing is granted that the user has not agreed to, lately where that was asked."""
    story = followed(begun)
    session = story.sessions[-1]
    if not isinstance(story.answers[-1], Grant) or session is None:
        return True
    standing = begun.policy.consented and not begun.request.consent
    return standing or story.transaction.consented == session.subject


PROPERTIES: Final[dict[str, Callable[[Beginning], bool]]] = {
    holds.__name__: holds
    for holds in (
        what_cannot_be_read_is_refused,
        never_a_page_under_none,
        none_needs_a_session,
        an_answer_is_about_the_session_and_the_hint,
        a_login_is_fresh_enough,
        a_login_within_max_age_is_enough,
        a_story_ends,
        a_second_factor_stays,
        auth_time_is_the_session_s,
        assurance_only_helps,
        consent_is_given,
        a_repeated_question_has_the_same_answer,
    )
}
