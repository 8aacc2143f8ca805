"""Every road there is: each is known once its module has been imported."""

import roads_to_flags
import roads_to_quiet
from roads import ROADS

__all__ = ["ROADS", "roads_to_flags", "roads_to_quiet"]
