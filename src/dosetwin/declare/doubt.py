"""What a therapy says for itself: what could be otherwise of its records, and sentences that its facts call for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from dosetwin.declare.fields import right_kinds
from dosetwin.declare.place import placed, stamp
from dosetwin.declare.rule import Facts
from dosetwin.errors import Finding, InputError
from dosetwin.records import Timeline


@dataclass(frozen=True)
class Doubted:
    """One thing that could be otherwise, beside what is asked of every record: ``text`` says it (``the genotype is another``).

    ``otherwise(known, now)`` gives the facts as they would then be, from those known at ``now`` (h), or None where it is no
    question of them. The answer is made anew on these facts, and told where it changes.
    """

    code: str
    text: str
    otherwise: Callable[[Timeline, float], Timeline | None]
    at: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        stamp(self)
        right_kinds(self, f"doubt {self.code}")

    def facts(self, known: Timeline, now: float) -> Timeline | None:
        """The facts as they would be. Raises InputError naming the file for whatever its function does wrong."""
        where = placed(self, f"doubt {self.code}")
        try:
            found = self.otherwise(known, now)
        except Exception as error:
            raise InputError(f"the doubt cannot be put: {type(error).__name__}: {error}", where=where) from error
        if found is not None and not isinstance(found, Timeline):
            raise InputError("a doubt gives the facts as they would be, or None", where=where, value=type(found).__name__)
        return found


@dataclass(frozen=True)
class Sentence:
    """A remark beside the answer: ``says(facts)`` is the sentence, None where these facts call for none."""

    code: str
    says: Callable[[Facts], str | None]
    severity: Literal["info", "warning"] = "info"
    at: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        stamp(self)
        right_kinds(self, f"sentence {self.code}")

    def remark(self, facts: Facts, record: str) -> Finding | None:
        """The remark on these facts. Raises InputError naming the file for whatever its function does wrong."""
        where = placed(self, f"sentence {self.code}")
        try:
            text = self.says(facts)
        except Exception as error:
            raise InputError(f"nothing can be said: {type(error).__name__}: {error}", where=where, value=dict(facts)) from error
        if text is not None and not (isinstance(text, str) and text.strip()):
            raise InputError("a sentence is a text, or None", where=where, value=text)
        return None if text is None else Finding(self.severity, self.code, record, text)
