"""Made-up newborns the tests of the choice are run on."""

from datetime import UTC, datetime, timedelta

from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

ORIGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def baby(GA=29.0, BW=1.1, PNA=1.0, *, WT=None, flags=(), doses=(), levels=(), origin=ORIGIN, name="made-up") -> Timeline:
    """A timeline; ``PNA`` days at time 0; ``doses`` (time, mg); ``levels`` (time, mg/L) or (time, "<LOQ", loq)."""
    birth = None if origin is None else origin - timedelta(days=PNA)
    observations = tuple(
        Observation(x[0], "amikacin", x[2] if x[1] == "<" else x[1], loq=x[2] if x[1] == "<" else None, blq=x[1] == "<",
                    record=f"level {i + 1}")
        for i, x in enumerate(levels)
    )  # fmt: skip
    covariates = [Covariate(0.0, "WT", BW if WT is None else WT, "kg"), *(Covariate(0.0, f, 1.0) for f in flags)]
    if origin is None:
        covariates.append(Covariate(0.0, "PNA", PNA, "d"))
    return Timeline(
        Patient(name, birth=birth, GA=GA, BW=BW, synthetic=True),
        doses=tuple(DoseEvent(t, mg, 0.5, record=f"dose {i + 1}") for i, (t, mg) in enumerate(doses)),
        observations=observations, covariates=tuple(covariates), origin=origin,
    )  # fmt: skip


def preterm(**changes) -> Timeline:
    """29 weeks, day 2, 1.1 kg, one dose and two levels."""
    given = {"doses": ((0.0, 17.5),), "levels": ((1.0, 29.0), (23.0, 6.1))} | changes
    return baby(**given)
