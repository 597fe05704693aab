"""A planned operation as a timeline of steps: drugs by target, blood lost, when the patient wakes, what scores say of harm.

Scope: no anatomy and no technique. What varies is what a plan can vary: how long, how much blood, which targets. Chances of
complications are published scores' and nothing else's; depth, pressure and waking are of models (`models/propofol_...`,
`models/remifentanil_...`) with their own spread.
"""

from dosetwin.outcomes.operation.plan import TARGETS, Operation, Part, read_plan, varied
from dosetwin.outcomes.operation.played import SCOPE, Course, play

__all__ = ["SCOPE", "TARGETS", "Course", "Operation", "Part", "play", "read_plan", "varied"]
