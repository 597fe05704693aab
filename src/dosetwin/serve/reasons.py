"""Why an advice was not followed: the codes that cards, the page and the API share, each with its words."""

from typing import Any

OVERRIDE_REASONS = (
    ("target-differs", "Another target is wanted for this patient"),
    ("clinical-judgement", "Clinical judgement: the patient's state is not what the record says"),
    ("level-not-trusted", "A level or its time is not trusted"),
    ("other-drug", "The drug is being changed or stopped"),
    ("local-rule", "The ward's own rule is followed"),
    ("other", "Another reason (please state)"),
)
REASON_CODES = tuple(code for code, _ in OVERRIDE_REASONS)


def in_words(said: dict[str, Any]) -> dict[str, Any]:
    """An answer whose reason is never empty where its code says enough; ``other`` needs words of its own."""
    code = said.get("reason_code", "")
    if code and code != "other" and not said.get("reason", "").strip():
        return said | {"reason": dict(OVERRIDE_REASONS)[code]}
    return said
