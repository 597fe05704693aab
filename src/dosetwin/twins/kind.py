"""What every kind of twin promises: the protocol, as a contract; tests/conformance/test_twins.py holds every kind to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from dosetwin.records import Order
    from dosetwin.twins.trajectory import How, Trajectory


@dataclass(frozen=True)
class Readable:
    """One thing a trajectory holds: ``name`` it is read by, ``unit``, what it is (``text``), and ``measures``, the word records
    use for it ("": nothing measures it). ``how``: the ways in which it can be read.
    """

    name: str
    unit: str
    text: str
    how: "tuple[How, ...]"
    measures: str = ""


@runtime_checkable
class Twin(Protocol):
    """A living copy of one patient, place or population. Immutable: whatever is told or tried gives something new.

    Laws, for every kind:

    - ``told()`` is the twin itself; ``told(a).told(b)``, ``told(b).told(a)`` and ``told(a, b)`` believe the same, bit for bit.
    - ``play`` to t and on from there (``after``) is playing through.
    - The same twin, orders, ``draws`` and ``seed`` give the same trajectory, bit for bit, for any number of workers.
    - ``from_json(to_json())`` plays the same, bit for bit.
    - Facts in other units (amounts, or the clock's origin) give the same trajectory in those units.
    - No clock and no global randomness is read, no file but those of the twin's models.
    """

    def told(self, *facts: Any) -> Self:
        """The twin that knows these facts too: it infers again, or steps a filter.

        Parameters
        ----------
        facts : records of the kinds the twin understands (a patient's doses, measurements and covariates; a place's comings and
            goings), in any order. None: the twin itself.

        Raises
        ------
        InputError : a fact of a kind this twin cannot be told, or one that contradicts what was told before.
        """
        ...

    def play(
        self, orders: "Sequence[Order]", until: float, *, draws: int, seed: int, at: Sequence[float] = (),
        after: "Trajectory | None" = None,
    ) -> "Trajectory":  # fmt: skip
        """What would follow each order, on the same draws of what is not known (common random numbers).

        Parameters
        ----------
        orders : at least one; each is played by itself from what is known now.
        until : h on the twin's clock; later than what was told, or than the end of ``after``.
        draws : how many draws of the belief, at least 1.
        seed : of the draws and of whatever chance plays with.
        at : further moments (h, up to ``until``) at which values must be exact and not interpolated, in any order.
        after : a trajectory of this twin with as many orders, draws and the same seed: row k goes on from the end of its row k,
            under ``orders[k]``. None: from what was told.

        Returns
        -------
        Trajectory : rows are orders, columns are draws; draw k is the same for all orders. A draw that could not be played under
            some order is left out of all (``failed`` counts them).

        Raises
        ------
        InputError : no order, an order this twin cannot carry out, ``until`` not later, ``draws`` < 1, or an ``after`` of others.
        SimulationError : no draw could be played.
        """
        ...

    def reads(self) -> Mapping[str, Readable]:
        """What a trajectory of this twin holds, by name; never empty. The first is what is meant where nothing is named."""
        ...

    def menu(self) -> Any:
        """What may be ordered now; None where the twin was made without a therapy that says it."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain data from which the class's ``from_json`` makes the same twin."""
        ...
