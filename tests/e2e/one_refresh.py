"""A program that refreshes the tokens of a configuration, and is killed between Xero's answer and our commit.

python one_refresh.py CONFIG SECONDS_AHEAD
"""

import datetime as dt
import sys
from pathlib import Path

from one_turn import arm

from billwatch.config import load
from billwatch.connecting.listing import every
from billwatch.wiring import House
from storage.tokens import Tokens


def main(path: str, ahead: str) -> None:
    offset = dt.timedelta(seconds=float(ahead))
    arm(Tokens, "put", True, 1)
    with House(load(Path(path)), clock=lambda: dt.datetime.now(dt.UTC) + offset) as house:
        for connection in every(house.config).values():
            house.connections.tenants(connection)


if __name__ == "__main__":
    main(*sys.argv[1:])
