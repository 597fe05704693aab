"""The whole OpenAPI document driven by schemathesis: no 5xx, no answer the document does not describe."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from service.conftest import Running, course, new_patient, record, settings_for  # noqa: E402

pytestmark = pytest.mark.slow
EXAMPLES = 8
# What a document can promise. That every schema-valid request is accepted it cannot: a patient may not exist, a moment lie ahead.
NAMES = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
         "response_schema_conformance")  # fmt: skip
CHECKS = schemathesis.checks.load_all_checks() or [schemathesis.checks.CHECKS.get_one(n) for n in NAMES]
ROLES = ("pharmacist", "prescriber", "auditor", "model-admin", "feed", "viewer")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, jwks_file: Path, token: Callable[..., str]) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("openapi")
    words = settings_for(f"sqlite:///{folder / 's.sqlite3'}", jwks_file, folder, workers=1, draws=100, max_body_mb=1)
    with Running(words, token, background=False) as running:
        running.service.touched = lambda ids, **_: None
        yield running


def operations() -> list[tuple[str, str]]:
    """(method, path) of everything the API offers, read from the routers themselves."""
    from fastapi import FastAPI

    from dosetwin.serve.routes import routers

    app = FastAPI()
    for router, prefix in routers():
        app.include_router(router, prefix=prefix)
    # the provider of a login is not there, so 503 is the right answer; test_security.py drives it against one that is
    return [(m.upper(), p) for p, item in app.openapi()["paths"].items() for m in item if p != "/auth/login"]


@pytest.mark.parametrize(("method", "path"), operations(), ids=lambda x: x)
def test_no_request_makes_a_server_error_or_an_undocumented_answer(
    service: Running, token: Callable[..., str], method: str, path: str
) -> None:
    document = service.app.openapi()
    schema = schemathesis.openapi.from_dict(document)
    pharmacist = service.as_("pharmacist")
    patient = new_patient(pharmacist)
    record(pharmacist, patient, course())
    held: dict[str, Any] = {"patient": patient}
    bearer = {"Authorization": f"Bearer {token(*ROLES, wards=['*'])}"}
    operation = schema[path][method]

    @given(case=operation.as_strategy(), known=st.booleans())
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    def run(case: Any, known: bool) -> None:
        if known:
            case.path_parameters.update({k: v for k, v in held.items() if k in case.path_parameters})
        case.call_and_validate(base_url=service.url, headers=bearer, timeout=60, checks=CHECKS)

    run()
