"""A small Xero: an independent program that behaves like the real one as far as bills go.

It imports nothing from the rest of this project, so that a misreading of Xero on one side cannot cancel out on the
other. `Sandbox` runs it for the length of a `with` block; `by_hand.run` serves it for good; `rules.refusals` judges a
write without any server.
"""

from billwatch.sandbox.books import Bill, Contact, Event, Line, Payment
from billwatch.sandbox.desk import Desk
from billwatch.sandbox.handle import Org, Refused
from billwatch.sandbox.server import Sandbox
from billwatch.sandbox.webhooks import Delivery, Webhooks

__all__ = ["Bill", "Contact", "Delivery", "Desk", "Event", "Line", "Org", "Payment", "Refused", "Sandbox", "Webhooks"]
