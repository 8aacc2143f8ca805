"""What all nouns have in common."""

from msgspec import Struct


class Value(Struct, frozen=True, gc=False):
    """A value: two with equal attributes are equal, and none ever changes; `msgspec.structs.replace` makes another one.

    A value is made of what was there before it, so it is never part of a ring, for which the garbage collector looks.
    """
