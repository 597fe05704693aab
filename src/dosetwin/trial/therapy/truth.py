"""One virtual patient: what a chart holds at the start, and what is true: parameters, levels under any doses, what is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.errors import SimulationError
from dosetwin.records import Covariate, DoseEvent, Observation, Timeline
from dosetwin.streams import normals

if TYPE_CHECKING:
    from dosetwin.trial.therapy.design import TherapyDesign

MOST_SAMPLES = 400
"""Measurements of a patient that have noise of their own."""


@dataclass(frozen=True, eq=False)
class VirtualPatient:
    """``number`` in the population; ``record`` the whole chart, also what it will hold later; ``effects`` the full random vector
    of the truth; ``noise`` [MOST_SAMPLES] normal scores of measurements, the k-th sample's in every arm;
    ``first`` what twins of (model, draws) ordered before anything was given, which is the same in every arm."""

    design: "TherapyDesign"
    number: int
    record: Timeline
    effects: np.ndarray
    noise: np.ndarray
    first: dict[tuple[str, int], Any] = field(default_factory=dict)

    def true(
        self, doses: Sequence[DoseEvent], times: np.ndarray, sets: Sequence[Covariate] = ()
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Outputs [n_times, n_outputs] at ``times`` (h, ascending; at the moment of a dose: before it), and their areas, under
        what is given and ``sets`` of a device.

        Areas since the start, where the engine has them: of outputs without a part of their own. Raises SimulationError.
        """
        from dosetwin.simulate import predict_courses, schedule_for
        from dosetwin.simulate.settings import with_settings

        design, model = self.design, self.design.true_model
        starts = tuple(np.arange(design.occasion_h, design.horizon_h, design.occasion_h)) if model.kappa_names else ()
        lived = replace(self.record, doses=tuple(doses), occasions=starts, drug=design.of.drug.name)
        schedule = schedule_for(model, with_settings(lived, sets, model, "locf"), times)
        found = predict_courses(model, schedule, self.effects[None], auc=model.solver == "exact" and model.linear_in_dose)[0]
        if not found.ok[0]:
            raise SimulationError(f"{model.name}: the truth of patient {self.number} could not be simulated")
        return found.value[0], None if found.auc is None else found.auc[0]

    def measured(self, doses: Sequence[DoseEvent], time: float, k: int, sets: Sequence[Covariate] = ()) -> list[Observation]:
        """What the ``k``-th sample (from 0), drawn at ``time`` h, measures; the border of quantification is that of the first."""
        design, model = self.design, self.design.true_model
        true = self.true(doses, np.array([time]), sets)[0][0]
        asked, found = (design.measured, *design.schedule.also), []
        for j, of in enumerate(asked):
            output = model.measured_by(of) or ""
            declared = model.outputs[output]
            level, noise = true[list(model.outputs).index(output)], self.noise[(k * len(asked) + j) % MOST_SAMPLES]
            value = max(float(declared.residual.measured(np.array(level), noise)), 0.0)
            loq = design.schedule.loq or None if j == 0 else None
            below = loq is not None and value < loq
            found.append(
                Observation(time, of, loq if below and loq else value, declared.unit, loq, below, record=f"sample {k + 1}")
            )
        return found


def patients(design: "TherapyDesign", first: int, n: int) -> list[VirtualPatient]:
    """Patients ``first`` .. ``first + n - 1`` of a design."""
    people = design.drawn_from.people(n, design.seed, design.first + first)
    model = design.true_model
    occasions = 1 + len(np.arange(design.occasion_h, design.horizon_h, design.occasion_h)) if model.kappa_names else 0
    # by effect and then by occasion, so that a longer horizon does not move the numbers of the occasions before
    scores = normals(design.seed, "trial/effects", people.number, len(model.eta_names) + occasions * len(model.kappa_names))
    root = np.linalg.cholesky(model.omega) if len(model.omega) else model.omega
    sd = np.sqrt([model.etas[k].variance for k in model.kappa_names] * occasions)
    split = len(model.eta_names)
    effects = np.concatenate([scores[:, :split] @ root.T, scores[:, split:] * sd], axis=1)
    noise = normals(design.seed, "trial/measurements", people.number, MOST_SAMPLES)
    return [VirtualPatient(design, int(people.number[i]), people.record(i, design.asked), effects[i], noise[i]) for i in range(n)]
