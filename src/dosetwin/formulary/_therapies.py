"""Therapies of the formulary's files: found, named, and checked once when they are asked for."""

from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from dosetwin.declare import Rule, Therapy
from dosetwin.declare.goal import judges
from dosetwin.declare.limit import check, numbers
from dosetwin.declare.menu import Settings, Situation
from dosetwin.declare.place import placed
from dosetwin.declare.rule import Facts, Sets
from dosetwin.declare.tried import parameters
from dosetwin.errors import InputError, UnknownName
from dosetwin.quantities import QUANTITIES
from dosetwin.quantities.units import plain_unit


def of_module(module: ModuleType) -> tuple[Therapy, ...]:
    """The therapies a file declares, in its order."""
    found = [x for x in vars(module).values() if isinstance(x, Therapy)]
    return tuple({id(t): t for t in found}.values())


def therapies() -> tuple[Therapy, ...]:
    """Every therapy listed, unchecked, by the name of its file. Raises InputError for two of one name."""
    from dosetwin import formulary

    found: dict[str, Therapy] = {}
    for file in formulary.files():
        for t in of_module(formulary.module(file)):
            if t.name in found and found[t.name] is not t:
                raise InputError("two therapies of one name", where=f"{placed(t, t.name)}, {placed(found[t.name], t.name)}",
                                 value=t.name, allowed="a name not taken", remedy="give one of them another name")  # fmt: skip
            found[t.name] = t
    return tuple(found.values())


def therapy(name: str) -> Therapy:
    """A therapy by its name, or by the path of its file (``./my_warfarin.py``, with ``:name`` where it holds several); checked.

    Raises UnknownName with the names there are, and InputError naming file and line for one that is half-written.
    """
    file, sign, wanted = name.partition(".py:")
    if sign or name.endswith(".py"):
        return checked(_of_file(f"{file}.py" if sign else name, wanted))
    return listed_therapy(name)


def listed_therapy(name: str) -> Therapy:
    """A therapy by its name alone, checked: a path is none, so no file is run. Raises as ``therapy`` does."""
    listed = {t.name: t for t in therapies()}
    if name not in listed:
        raise UnknownName("unknown therapy", where="therapy", value=name[:100], allowed=", ".join(_like(name, listed)),
                          remedy="see 'dosetwin therapies'")  # fmt: skip
    return checked(listed[name])


def _like(name: str, listed: dict[str, Therapy]) -> list[str]:
    """The therapies of a drug of this name, else those of like names, else all."""
    word = name.lower()
    near = [n for n, t in listed.items() if t.drug.name == word or n.startswith(word)] if word else []
    return near or get_close_matches(word, listed, 5, 0.7) or list(listed)


def _of_file(path: str, wanted: str) -> Therapy:
    from dosetwin import formulary

    listed = therapies()  # one that the file imports to change it is not the file's own
    found: dict[str, Therapy] = {}
    for t in of_module(formulary.module(path)):
        if any(t is x for x in listed):
            continue
        if t.name in found:
            raise InputError("two therapies of one name", where=f"{placed(t, path)}, {placed(found[t.name], path)}", value=t.name,
                             allowed="a name not taken", remedy="give one of them another name")  # fmt: skip
        found[t.name] = t
    if not found:
        raise InputError("a file without a therapy", where=path, remedy="declare one: THERAPY = Therapy(...)")
    if len(found) > 1 and not wanted:
        raise InputError("a file of several therapies", where=path, value=", ".join(found), remedy=f"name one: {path}:NAME")
    if wanted and wanted not in found:
        raise UnknownName("unknown therapy", where=path, value=wanted, allowed=", ".join(found))
    chosen = found[wanted] if wanted else next(iter(found.values()))
    if any(t.name == chosen.name for t in listed):
        raise InputError("two therapies of one name", where=placed(chosen, path), value=chosen.name, allowed="a name not taken",
                         remedy="give yours another name")  # fmt: skip
    if not any(chosen.drug is formulary.drug(n) for n in formulary.names()):
        formulary.include(chosen.drug, path)
    beside = Path(path).parent  # a model file of your own stands beside it
    models = tuple(str(beside / m) if m.endswith(".py") and not Path(m).is_file() else m for m in chosen.models)
    return chosen if models == chosen.models else replace(chosen, models=models)


def rules() -> dict[str, Rule]:
    """Every published rule of every therapy listed, by name. Raises InputError for two of one name."""
    found: dict[str, Rule] = {}
    for t in therapies():
        for r in t.rules:
            if found.setdefault(r.name, r) is not r:
                raise InputError("two rules of one name", where=placed(r, f"therapy {t.name}"), value=r.name)
    return found


def rule(name: str) -> Rule:
    """A published rule by name. Raises UnknownName."""
    found = rules()
    if name not in found:
        raise UnknownName("unknown standard rule", where="rule", value=name, allowed=", ".join(found))
    return found[name]


def about(drug: str) -> tuple[Therapy, ...]:
    """The therapies of a drug, checked."""
    return tuple(checked(t) for t in therapies() if t.drug.name == drug)


_sound: dict[int, Therapy] = {}


def checked(therapy: Therapy) -> Therapy:
    """The therapy, if everything it needs is there and goes together. Raises InputError, UnknownName naming file and line."""
    if _sound.get(id(therapy)) is not therapy:
        for look in (_said, _units, _names, _place, _menu, _rules):
            look(therapy)
        _sound[id(therapy)] = therapy
    return therapy


def _said(t: Therapy) -> None:
    where = placed(t, f"therapy {t.name}")
    for what, value, remedy in (
        ("a source", t.source, 'write source="..."'),
        ("a rule", t.rules, "give the published rule that patients are dosed by without a twin: rules=(Rule(...),)"),
        ("an everyday dose", t.everyday or isinstance(t.menu, Settings), 'write everyday=Everyday(amount, "mg", ...)'),
        ("a model", t.models, 'name one: models=("drug_author_year",)'),
    ):
        if not value and t.kind == "patient":
            raise InputError(f"a therapy needs {what}", where=where, remedy=remedy)


def _units(t: Therapy) -> None:
    from dosetwin import models

    where = placed(t, f"therapy {t.name}")
    for name in t.models:
        model = models.load(name)
        if model.drug != t.drug.name:
            raise InputError("model and therapy are about different drugs", where=where, value=f"{name}: {model.drug}",
                             allowed=t.drug.name)  # fmt: skip
        judges(t.goals, (model,), t.drug.name)


def _names(t: Therapy) -> None:
    """Every fact that rules, bars and the ordinary patient name is a quantity or a covariate of the models."""
    from dosetwin import models

    read = {c for name in t.models for c in models.load(name).covs}
    varies = {p for name in t.models for p in parameters(models.load(name))._fields}
    if t.models and not isinstance(t.menu, Settings) and (unknown := [n for n in t.sampling.learns if n not in varies]):
        raise UnknownName("no parameter that a sample could tell of", where=placed(t, f"therapy {t.name}"), value=unknown[0],
                          allowed=", ".join(sorted(varies)), remedy="write sampling=Sampling(..., learns=(...))")  # fmt: skip
    asked = [(r, f"rule {r.name}", n) for r in t.rules for n in r.needs]
    asked += [(b, f"bar {b.code}", b.fact) for b in t.bars]
    asked += [(t, f"therapy {t.name}", n) for n in (*t.typical, *(a.name for a in t.assumed))]
    asked += [(g, f"goal {g.code}", n) for g in t.goals for n in (g.reading.over, g.reading.multiple_of) if n]
    for record, what, name in asked:
        if name not in QUANTITIES and name not in read and name not in FACTS:
            raise UnknownName("unknown trait or quantity", where=placed(record, what), value=name,
                              allowed=", ".join(sorted({*QUANTITIES, *read, *FACTS})))  # fmt: skip


FACTS = ("SEX", "BSA", "MIC", "LOAD", "STAY", "TARGET_INR", "DAY", "LAST_DOSE", "WEEK", "DOSE_1", "DOSE_2", "DOSE_3", "DOSE_4")
"""Facts that records hold in another way than as a quantity: who the patient is, what follows from others, what is treated, what
was given; of a place how many beds would be taken if there were no end of them."""


def _rules(t: Therapy) -> None:
    """Every rule whose facts the ordinary patient has says an order, or why it has none. Raises InputError as the rule does."""
    for rule in t.rules:
        if all(n in t.typical for n in rule.needs):
            rule.advise(Facts(dict(t.typical)))


def _place(t: Therapy) -> None:
    """Goals of a place are about what its pool is read for, in its unit; menu and rules set what the pool is of."""
    pool, facts = t.pool, Facts(dict(t.typical))
    if pool is None:
        return
    reads = pool.reads()
    for r in t.readings:
        if r.what not in reads:
            raise UnknownName("the pool is not read for this", where=placed(r, f"reading {r.key}"), value=r.what,
                              allowed=", ".join(reads))  # fmt: skip
    for goal in t.goals:
        unit = goal.reading.unit(reads[goal.reading.what][0])
        if plain_unit(goal.unit) != plain_unit(unit):
            raise InputError("the unit is not that of what is judged", where=placed(goal, f"goal {goal.code}"), value=goal.unit,
                             allowed=unit or "1", remedy="give the borders in that unit")  # fmt: skip
    where = placed(t, f"therapy {t.name}")
    if isinstance(t.menu, Settings) and (other := sorted({*t.menu.per, *t.menu.steps} - {pool.of})):
        raise UnknownName("the menu does not set this", where=where, value=other[0], allowed=pool.of)
    orders = t.menu.orders(Situation(0.0, facts=facts)) if isinstance(t.menu, Settings) else ()
    if not orders or any([n for n, _ in o.values] != [pool.of] or o[pool.of] % 1 or o[pool.of] < 0 for o in orders):
        raise InputError(f"the menu of a pool sets whole numbers of {pool.of}", where=where,
                         value=orders[0].words() if orders else type(t.menu).__name__,
                         remedy=f'menu=Settings({{"{pool.of}": ...}}, steps={{"{pool.of}": 1.0}})')  # fmt: skip
    for rule in t.rules:
        said = rule.advise(facts)
        if not isinstance(said, str) and (not isinstance(said, Sets) or set(said.values) != {pool.of}):
            raise InputError(f"a rule of a pool sets {pool.of}", where=placed(rule, f"rule {rule.name}"), value=str(said),
                             remedy=f'return Sets({{"{pool.of}": ...}}, "why")')  # fmt: skip


def _menu(t: Therapy) -> None:
    """At least one order of the menu is inside all limits for an ordinary patient."""
    if isinstance(t.menu, Settings):
        return
    facts = Facts(dict(t.typical))
    where = Situation(0.0, facts.number("WT"), facts=facts)
    orders, limits = t.menu.orders(where), [x for x in t.limits if x.binds(facts)]
    broken: dict[str, int] = {}
    for order in orders:
        found = check(numbers(order, where, t.menu, limits), limits)  # type: ignore[arg-type]
        if not found:
            return
        broken |= {r.code: broken.get(r.code, 0) + 1 for r in found}
    worst = max(broken, key=lambda code: broken[code]) if broken else "no order at all"
    raise InputError("a menu that holds no order within the limits", where=placed(t, f"therapy {t.name}"),
                     value=f"{len(orders)} orders, most outside '{worst}'", remedy="widen the menu or the limit")  # fmt: skip
