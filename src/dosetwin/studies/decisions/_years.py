"""What plans over years share: columns of facts, and how long they look ahead."""

from dosetwin.declare.formula import Column

YEARS = 10.0
DAYS = 3652.0
YES_NO = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0}
AGE = Column("AGE", "age", "y", 18.0, 100.0, needed=True)
SEX = Column("SEX", "sex (1 male, 0 female)", "1", 0.0, 1.0, words={"male": 1.0, "m": 1.0, "female": 0.0, "f": 0.0}, needed=True)


def flag(name: str, text: str, needed: bool = True) -> Column:
    """A fact that is so or not."""
    return Column(name, text, "1", 0.0, 1.0, words=YES_NO, needed=needed)
