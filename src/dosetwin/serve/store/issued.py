"""Whether a stored advice is what the fact of its issue says."""

from collections.abc import Mapping
from typing import Any

from dosetwin.serve.canon import digest


def issued_so(row: Mapping[Any, Any], fact: Mapping[Any, Any]) -> bool:
    """True when whose advice it is, who asked and when, question, answer and the facts it knew are those of its issue.

    ``row`` of ``advice``, ``fact`` the ``advice_issued`` that names it. Facts of older programs do not say ``through_seq`` and
    ``identity_version``: there the advice must at least not know a fact after its own issue.
    """
    said = fact["body"]
    return (
        (row["patient_id"], row["asked_by"], row["asked_at"]) == (fact["patient_id"], fact["actor"], fact["at"])
        and (digest(row["answer"]), digest(row["inputs"])) == (said["answer_hash"], said["inputs_hash"])
        and row["answer_hash"] == said["answer_hash"]
        and row["through_seq"] == said.get("through_seq", row["through_seq"])
        and row["identity_version"] == said.get("identity_version", row["identity_version"])
        and row["through_seq"] < fact["seq"]
    )
