"""What plans over years share: columns of facts, and how long they look ahead."""

from dosetwin.declare import Facts
from dosetwin.declare.formula import Column

YEARS = 10.0
DAYS = 3652.0
YES_NO = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0}
AGE = Column("AGE", "age", "y", 18.0, 100.0, needed=True)
SEX = Column("SEX", "sex (1 male, 0 female)", "1", 0.0, 1.0, words={"male": 1.0, "m": 1.0, "female": 0.0, "f": 0.0}, needed=True)


def flag(name: str, text: str, needed: bool = True) -> Column:
    """A fact that is so or not."""
    return Column(name, text, "1", 0.0, 1.0, words=YES_NO, needed=needed)


def potassium_forbids(facts: Facts, begun: bool) -> bool:
    """Whether potassium forbids an ACE inhibitor or angiotensin blocker: NICE NG203 does not begin one above 5.0 mmol/L and stops
    one at 6.0 (recalled)."""
    K = facts.number("K")
    return K is not None and (K >= 6.0 if begun else K > 5.0)
