"""Points that Xero leaves open, or has changed over time. Each is settable; the default is the likelier reading."""

from dataclasses import dataclass, fields

from billwatch.sandbox import messages


@dataclass(slots=True)
class Switches:
    """One value for the whole sandbox; `POST /control/switches` and `Sandbox.switch` set them by name.

    - escape_slashes: dates leave as `\\/Date(…)\\/`
    - page_size_needs_page: `pageSize` without `page` has no effect
    - summarize_by_default: leaving out `summarizeErrors` behaves like `true` (observed; Xero's description says false)
    - save_good_of_bad_batch: with `summarizeErrors=true`, good elements of a batch are saved although it answers 400
    - errors_on_lines: messages about a line are put on that line only, not on the bill
    - silent_due_date: a new due date on a settled bill neither moves `UpdatedDateUTC` nor sends an event
    - merge_touches_bills: merging contacts moves `UpdatedDateUTC` of their bills and sends events
    - attaching_touches_bills: attaching a file moves `UpdatedDateUTC` of the bill and sends an event
    - old_settled_rule: any edit of a settled bill is refused, as before 19 March 2026
    - delete_drafts_in_lock: drafts and submitted bills inside a lock may be deleted
    - lock_edit_text: wording of the refusal to edit or void inside a lock; `{date}` is the lock date
    - broad_scopes: scopes such as `accounting.transactions` are granted (apps made before 2 March 2026)
    - zulu_events, title_case_events: `eventDateUtc` ends in Z; `eventType` reads `Update`
    - sparse_single: the single GET leaves out `AmountCredited`, `CreditNotes` and `Payments`, as in Xero's examples
    """

    escape_slashes: bool = True
    page_size_needs_page: bool = True
    summarize_by_default: bool = True
    save_good_of_bad_batch: bool = False
    errors_on_lines: bool = False
    silent_due_date: bool = False
    merge_touches_bills: bool = True
    attaching_touches_bills: bool = True
    old_settled_rule: bool = False
    delete_drafts_in_lock: bool = True
    lock_edit_text: str = messages.LOCKED_EDIT
    broad_scopes: bool = False
    zulu_events: bool = False
    title_case_events: bool = False
    sparse_single: bool = False

    def set(self, **values: bool | str) -> None:
        """Set switches by name; an unknown name or a value of another type is a ValueError and changes nothing."""
        known = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in values.items():
            if known.get(name) is not type(value):
                raise ValueError(f"there is no switch {name!r} that takes {value!r}")
        for name, value in values.items():
            setattr(self, name, value)
