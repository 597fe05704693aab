"""A person or machine that asks: roles, the wards it belongs to, and what each role may do."""

from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["viewer", "prescriber", "pharmacist", "model-admin", "auditor", "feed"]
ROLES: tuple[Role, ...] = ("viewer", "prescriber", "pharmacist", "model-admin", "auditor", "feed")
"""``feed`` is for machines that deliver results: it writes facts and reads nothing but what it wrote."""

Action = Literal["read", "record", "correct", "ask", "answer", "replay", "break_glass", "models", "audit", "rejected", "export",
                 "metrics"]  # fmt: skip

MAY: dict[str, frozenset[str]] = {
    "viewer": frozenset({"read", "models"}),
    "prescriber": frozenset({"read", "record", "ask", "answer", "replay", "break_glass", "models", "rejected"}),
    "pharmacist": frozenset({"read", "record", "correct", "ask", "answer", "replay", "break_glass", "models", "rejected"}),
    "model-admin": frozenset({"models", "metrics", "rejected", "export"}),
    "auditor": frozenset({"audit", "metrics", "models"}),
    "feed": frozenset({"record", "correct", "models"}),
}
EVERY_WARD = "*"


@dataclass(frozen=True)
class Principal:
    """Who asks. ``wards`` holds ``*`` for all of them; ``how`` they proved it: session, token, demo or the service itself."""

    subject: str
    name: str = ""
    roles: frozenset[str] = field(default_factory=frozenset)
    wards: frozenset[str] = field(default_factory=frozenset)
    how: str = ""

    def may(self, action: Action) -> bool:
        """Whether one of the roles allows it."""
        return any(action in MAY.get(role, ()) for role in self.roles)

    def of_ward(self, ward: str) -> bool:
        """Whether the ward is one of theirs."""
        return EVERY_WARD in self.wards or ward in self.wards

    def to_json(self) -> dict[str, Any]:
        return {"subject": self.subject, "name": self.name, "roles": sorted(self.roles), "wards": sorted(self.wards),
                "how": self.how}  # fmt: skip

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Principal":
        return cls(data["subject"], data["name"], frozenset(data["roles"]), frozenset(data["wards"]), data["how"])


THE_SERVICE = Principal("dosetwin", "the service itself", frozenset({"pharmacist", "feed"}), frozenset({EVERY_WARD}), "service")
"""Background work: refreshing twins after new facts."""
