"""What the decisions of one turn came to."""

from collections import Counter
from dataclasses import dataclass, field

from reconciler.milestone_port import Applied
from reconciler.model import Sifted
from reconciler.reasons import Action, Reason, words
from reconciler.records import Flag


@dataclass
class Counted:
    """How many milestones for each reason, as they were decided last.

    Only those that may well be decided again are remembered one by one: a turn may decide any number.
    """

    verdicts: Counter[Reason] = field(default_factory=Counter)
    opened: list[Flag] = field(default_factory=list)
    closed: list[Flag] = field(default_factory=list)
    _reasons: dict[str, Reason] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Whether any is on hold."""
        return any(words(reason).action is Action.HOLD for reason in +self.verdicts)

    def leave_held(self) -> None:
        """Forget what is held: all of it is decided again, since it stays marked."""
        held = {reason for reason in self.verdicts if words(reason).action is Action.HOLD}
        for reason in held:
            del self.verdicts[reason]
        self._reasons = {key: reason for key, reason in self._reasons.items() if reason not in held}

    def add(self, sifted: Sifted, applied: Applied) -> None:
        """Count these, as far as they were kept, and what keeping them came to."""
        overtaken = set(applied.overtaken)
        for known in sifted.known:
            keys = set(known.keys) - overtaken
            for key in self._reasons.keys() & keys if self._reasons else ():
                self.verdicts[self._reasons[key]] -= 1
                self._reasons[key] = known.reason
            self.verdicts[known.reason] += len(keys)
        for decision in sifted.news:
            if decision.case.milestone.key in overtaken:
                continue
            key, verdict = decision.case.milestone.key, decision.verdict
            before = self._reasons.get(key)
            if before is not None:
                self.verdicts[before] -= 1
            if before is not None or verdict.write is not None:
                self._reasons[key] = verdict.reason
            self.verdicts[verdict.reason] += 1
        self.opened += applied.opened
        self.closed += applied.closed
