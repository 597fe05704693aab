"""A place: people come, take what there is or wait, and go: discrete events, and Bayes' rule for what drives them."""

from dosetwin.declare.pool import Arrivals, Exponential, Lognormal, Pool
from dosetwin.twins.place.facts import Known, Seen, Watched
from dosetwin.twins.place.place import Place
from dosetwin.twins.place.twin import BedPool

__all__ = ["Arrivals", "BedPool", "Exponential", "Known", "Lognormal", "Place", "Pool", "Seen", "Watched"]
