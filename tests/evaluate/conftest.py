"""The models that inference is tested with also serve the replay of past patients."""

from tests.infer.conftest import baby, bench, nonlinear, occasions, two_outputs

__all__ = ["baby", "bench", "nonlinear", "occasions", "two_outputs"]
