"""Which writes have to outlive a crash of the machine: the same ones in every store that can tell them apart."""

from sessioncore import Session


def must_last(old: Session | None, new: Session) -> bool:
    """Tell a login, a rotation and an end, which nothing may undo, from a Touch or a Write."""
    return old is None or (old.state, old.proof, old.epoch) != (new.state, new.proof, new.epoch)
