"""The therapies that a service follows: listed ones by name, or files that its operator installed; a client only names them.

Which of them run for a patient follows from the record: those whose drug is on it, those that were asked for, else the ward's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dosetwin import formulary
from dosetwin.errors import DosetwinError, InputError, UnknownName
from dosetwin.forecast.tells import Tells, teller_of
from dosetwin.serve.settings import PREFIX, Settings
from dosetwin.serve.store.measured import measurement
from dosetwin.serve.timeline import in_force
from dosetwin.serve.told import OPTION, watching
from dosetwin.serve.twins import (
    KeptQuestion,
    Known,
    hours,
    install_model,
    install_prepared,
    install_therapy,
    model_named,
    require_listed,
    told_for,
)

if TYPE_CHECKING:
    from dosetwin.declare import Therapy


@dataclass(frozen=True, eq=False)
class Followed:
    """One therapy as the service asks it: with which of its models, and told by which forecast (None: it could tell nothing).

    ``models``: those that may be chosen by the patient, by the therapy's word for them (none: the operator named one);
    ``setting`` who tells by the operator's word.
    """

    therapy: "Therapy"
    model: str
    told: str | None
    models: Mapping[str, str] = field(default_factory=dict)
    setting: str = ""

    def of(self, known: Known, now: datetime) -> "Followed":
        """The same, asked with the model that is about this patient; itself where the operator named a model or facts cannot be
        read. The answer says why where that is not the usual one (``model_chosen``)."""
        if len(self.models) < 2:
            return self
        from dosetwin.decide.applies import usual
        from dosetwin.decide.facts import facts_at

        try:
            timeline = known.timeline(self.drug)
            at = hours(timeline, now)
            chosen = self.models[usual(self.therapy, facts_at(timeline.until(at), at))[0]]
        except DosetwinError:  # the answer says what is wrong with the facts
            return self
        return self if chosen == self.model else replace(self, model=chosen, told=told_for(chosen, self.setting or None))

    @property
    def name(self) -> str:
        """The therapy's name."""
        return self.therapy.name

    @property
    def drug(self) -> str:
        """Name of the therapy's drug."""
        return self.therapy.drug.name

    @cached_property
    def policy(self) -> dict[str, Any]:
        """The therapy as it is kept with a question."""
        return self.therapy.to_json()

    def fits(self, years: float | None) -> bool:
        """Whether somebody of this age (None: not known) may be meant: not twice as old as anybody studied, nor half as old."""
        ages = {"AGE": 1.0, "PNA": 365.25}
        covs = model_named(self.model).covs
        if years is None:
            return True
        return all(0.5 * c.low <= years * per <= 2.0 * c.high for n, per in ages.items() if (c := covs.get(n)) is not None)

    @property
    def words(self) -> str:
        """How a screen calls it."""
        return self.name.replace("_", " ")


@dataclass(frozen=True, eq=False)
class Installed:
    """The therapies, the usual one first, and ``usual`` of each ward: ward -> names of therapies; ``prepared``: (ward, therapy)
    as that ward prepares its doses."""

    followed: tuple[Followed, ...]
    usual: Mapping[str, tuple[str, ...]]
    prepared: Mapping[tuple[str, str], Followed] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the therapies, in the operator's order."""
        return tuple(f.name for f in self.followed)

    @property
    def first(self) -> Followed:
        """The usual one where a ward names none."""
        return self.followed[0]

    @property
    def drugs(self) -> tuple[str, ...]:
        """Names of their drugs, each once."""
        return tuple(dict.fromkeys(f.drug for f in self.followed))

    @cached_property
    def watched(self) -> tuple[Tells, ...]:
        """Whoever tells one of the therapies, or has its measurement shown on the list."""
        return tuple(dict.fromkeys(t for f in self.followed for t in watching(f.told, f.therapy.listed)))

    def __getitem__(self, name: str) -> Followed:
        """A therapy by name. Raises UnknownName with the names there are: a path is none."""
        for f in self.followed:
            if f.name == name:
                return f
        raise UnknownName("unknown therapy", where="therapy", value=name[:100], allowed=", ".join(self.names))

    def of_ward(self, ward: str) -> Followed:
        """The first therapy of a ward, else the usual one."""
        return self[names[0]] if (names := self.usual.get(ward, ())) else self.first

    def of_drug(self, drug: str) -> Followed:
        """The first therapy of a drug, else the usual one."""
        return next((f for f in self.followed if f.drug == drug), self.first)

    def running(self, facts: Sequence[Mapping[str, Any]], birth: datetime | None = None) -> tuple[Followed, ...]:
        """The therapies of one patient, in the operator's order; at least one.

        Of a drug's therapies those that the ward names run, all of them where it names none of that drug; none whose models know
        nobody near the patient's age, unless it was asked for.
        """
        years = None if birth is None or not facts else (max(f["at"] for f in facts) - birth) / timedelta(days=365.25)
        ward = ward_of(facts)
        here = self.usual.get(ward, ())
        on_record = {d for f in in_force(facts) if (d := _drug_of(f)) in self.drugs}
        asked = {f["body"].get("therapy") for f in facts if f["kind"] == "advice_issued"}
        wards = {self[n].drug for n in here}
        found = [
            f for f in self.followed
            if f.name in asked or (f.drug in on_record and (f.name in here or f.drug not in wards) and f.fits(years))
        ]  # fmt: skip
        running = found or [self[here[0]] if here else self.first]
        return tuple(self.prepared.get((ward, f.name), f) for f in running)

    def on_ward(self, of: Followed, facts: Sequence[Mapping[str, Any]]) -> Followed:
        """A therapy as the patient's ward prepares its doses."""
        return self.prepared.get((ward_of(facts), of.name), of)

    def question(self, like: KeptQuestion, followed: Followed) -> KeptQuestion:
        """The service's question about another of the therapies, of the same moment."""
        return KeptQuestion(followed.model, followed.policy, like.seed, like.draws, like.now, rule=like.rule,
                            sensitivity=like.sensitivity, told=followed.told)  # fmt: skip


def ward_of(facts: Sequence[Mapping[str, Any]]) -> str:
    """The ward a patient is on; "" for none on record."""
    return next((f["body"]["ward"] for f in reversed(facts) if f["body"].get("ward")), "")


def _drug_of(fact: Mapping[str, Any]) -> str:
    """The drug that a dose or a level is about; "" for none."""
    if fact["kind"] == "dose":
        return fact["body"]["drug"]
    m = measurement(fact)
    return "" if m is None else m.quantity


def install(settings: Settings) -> Installed:
    """The therapies of the settings, checked and ready to be asked. Raises InputError naming the setting."""
    _names_only(settings)
    found = [_followed(settings, word) for word in settings.therapy_names]
    names = [f.name for f in found]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise InputError("two therapies of one name", where="DOSETWIN_THERAPIES", value=twice[0])
    if settings.told and not any(f.told for f in found):
        raise InputError("no therapy here has a model that this could tell anything", where=f"{PREFIX}{OPTION.upper()}",
                         value=f"{settings.told} for {', '.join(f.model for f in found)}", remedy="leave it out")  # fmt: skip
    usual: dict[str, tuple[str, ...]] = {}
    for ward, name in settings.usual_of_wards:
        if name not in names:
            raise UnknownName("unknown therapy", where="DOSETWIN_USUAL", value=name, allowed=", ".join(names))
        usual[ward] = (*usual.get(ward, ()), name)
    return Installed(tuple(found), usual, _prepared(settings, found))


def _prepared(settings: Settings, found: Sequence[Followed]) -> dict[tuple[str, str], Followed]:
    """The therapies as each ward of the settings prepares their doses. Raises InputError naming the file and the entry."""
    if settings.wards is None:
        return {}
    from dosetwin.io.wards import read_wards

    out: dict[tuple[str, str], Followed] = {}
    for ward in read_wards(settings.wards, settings.time_zone).values():
        for f in found:
            therapy = ward.therapy(f.therapy)
            install_prepared(therapy)
            out[ward.name, f.name] = replace(f, therapy=therapy)
    return out


def _names_only(settings: Settings) -> None:
    """The settings of before name what is listed, as ever: a file is run by ``therapies`` alone. Raises UnknownName."""
    if settings.model:
        require_listed(settings.model)
    listed = [t.name for t in formulary.therapies()]
    if settings.policy and settings.policy not in listed:
        raise UnknownName("unknown therapy", where="DOSETWIN_POLICY", value=settings.policy[:100], allowed=", ".join(listed),
                          remedy="name a file of your own in DOSETWIN_THERAPIES")  # fmt: skip


def _followed(settings: Settings, word: str) -> Followed:
    name, _, model = word.partition("@")
    therapy = formulary.therapy(name)
    if therapy.kind != "patient":
        raise InputError("the service follows patients", where="DOSETWIN_THERAPIES", value=name,
                         allowed="a therapy of patients", remedy="ask it with 'dosetwin advise'")  # fmt: skip
    install_therapy(therapy)
    models = [install_model(m) for m in therapy.models]
    may = {} if model else dict(zip(therapy.models, models, strict=True))
    model = install_model(model) if model else models[0]
    by = teller_of(settings.told)
    if by is not None and len(settings.therapy_names) == 1 and told_for(model, settings.told) is None:
        raise InputError(f"this model has no {by.channel.name} that a {by.name} could tell", where=f"{PREFIX}{OPTION.upper()}",
                         value=f"{settings.told} for {model}", remedy="leave it out")  # fmt: skip
    if model_named(model).drug != therapy.drug.name:
        raise InputError("model and therapy are about different drugs", where="DOSETWIN_THERAPIES", value=word,
                         allowed=f"a model of {therapy.drug.name}")  # fmt: skip
    return Followed(therapy, model, told_for(model, settings.told or None), may, settings.told)
