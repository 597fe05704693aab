"""The made-up people of the demo, one per role; they exist nowhere else. Password: the user's own name."""

import hmac

from dosetwin.serve.auth.principal import EVERY_WARD, Principal, Role

WARDS = "NICU-demo MED-demo"
_PEOPLE: tuple[tuple[str, str, Role, str], ...] = (
    ("viewer", "Vera Viewer (made up)", "viewer", WARDS),
    ("prescriber", "Pat Prescriber (made up)", "prescriber", WARDS),
    ("pharmacist", "Phil Pharmacist (made up)", "pharmacist", WARDS),
    ("model-admin", "Mo Models (made up)", "model-admin", EVERY_WARD),
    ("auditor", "Audrey Audit (made up)", "auditor", EVERY_WARD),
    ("elsewhere", "Ellis Elsewhere (made up, another ward)", "prescriber", "other-ward"),
)
USERS = {
    name: Principal(f"demo:{name}", full, frozenset({role}), frozenset(ward.split()), "demo")
    for name, full, role, ward in _PEOPLE
}


def check(name: str, password: str) -> Principal | None:
    """The user, or None."""
    user = USERS.get(name)
    return user if user is not None and hmac.compare_digest(password.encode(), name.encode()) else None
