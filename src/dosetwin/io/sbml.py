"""SBML (Levels 2 and 3) -> a plain network: compartments, species, parameters, reactions, rules, events and their expressions.

The file is looked through before libSBML sees it: document types, entities, depth and size are bounded. A construct that is not
carried (algebraic rules, fast reactions, delays, packages other than layout, render and groups) is `Unsupported`, by name;
nothing is dropped.
Source of the semantics: Hucka et al., SBML Level 3 Version 2 Core, J Integr Bioinform 16:20190021 (2019).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from dosetwin.errors import InputError
from dosetwin.io.sbml_math import TIME, Expr, Reader, Unsupported, symbols

LARGEST = 50_000_000
"""Bytes of a file."""
DEEPEST, MOST_ELEMENTS = 200, 2_000_000
HARMLESS = frozenset({"core", "layout", "render", "groups"})
"""Packages of Level 3 that say nothing about what is computed."""
PACKAGES = "http://www.sbml.org/sbml/level3/version"
COMPARTMENT, SPECIES, PARAMETER = "compartment", "species", "parameter"


@dataclass(frozen=True)
class Symbol:
    """A compartment, species, parameter or stoichiometry: what its element says before any rule.

    ``value`` is a size, an amount (or a concentration where ``is_concentration``), a parameter's value; None where none is given.
    ``unit`` is the unit's id or text; ``resources`` are the MIRIAM identifiers of its annotation.
    """

    id: str
    kind: str
    value: float | None
    name: str = ""
    unit: str = ""
    constant: bool = True
    compartment: str = ""
    is_concentration: bool = False
    only_substance: bool = False
    boundary: bool = False
    conversion: str = ""
    dimensions: float = 3.0
    resources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """A species that a reaction takes (sign -1) or makes (+1), so many times: a number, a symbol, or an expression (Level 2)."""

    species: str
    sign: int
    times: Expr


@dataclass(frozen=True)
class Reaction:
    """``rate`` in extent per time; None where the file gives no kinetic law."""

    id: str
    name: str
    rate: Expr | None
    parts: tuple[Part, ...]
    resources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """``at_trigger``: values are those of the moment of the trigger, not of the execution (they differ with a delay)."""

    id: str
    trigger: Expr
    initial: bool
    persistent: bool
    delay: Expr | None
    priority: Expr | None
    at_trigger: bool
    assignments: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class Network:
    """A whole model, in the order of the file. ``initial``, ``assigned`` and ``rated`` are by the symbol they determine."""

    id: str
    name: str
    level: int
    version: int
    symbols: dict[str, Symbol]
    reactions: tuple[Reaction, ...]
    events: tuple[Event, ...]
    initial: dict[str, Expr] = field(default_factory=dict)
    assigned: dict[str, Expr] = field(default_factory=dict)
    rated: dict[str, Expr] = field(default_factory=dict)
    constraints: tuple[Expr, ...] = ()
    conversion: str = ""
    time_unit: str = ""
    resources: tuple[str, ...] = ()


def read_sbml(path: Path) -> Network:
    """The network of a file.

    Raises Unsupported (named construct, exit 3), InputError (not a file, not XML, not valid SBML, or unsafe XML).
    """
    where = path.name
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise InputError("the file is too large", where=where, value=f"{size} bytes", allowed=f"up to {LARGEST}")
        data = path.read_bytes()
    except OSError as error:
        raise InputError("it cannot be read", where=str(path), value=error.strerror or str(error)) from None
    _safe(data, where)
    lib = _library()
    reader = lib.SBMLReader()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("not UTF-8, the encoding of SBML", where=where) from None
    document = reader.readSBMLFromString(text)
    _sound(document, lib, where)
    return _network(document.getModel(), lib, where)


def _library() -> Any:
    try:
        import libsbml
    except ImportError:
        raise InputError("reading SBML needs the package python-libsbml", remedy="pip install 'dosetwin[sbml]'") from None
    return libsbml


def _safe(data: bytes, where: str) -> None:
    """Refuse XML that harms whoever parses it: document types, entities, depth; and packages that change what is computed."""
    parser = expat.ParserCreate()
    seen = {"depth": 0, "elements": 0}

    def no(message: str) -> None:
        raise InputError(message, where=f"{where}, line {parser.CurrentLineNumber}", remedy="SBML needs none: remove it")

    def start(name: str, attributes: dict[str, str]) -> None:
        seen["depth"] += 1
        seen["elements"] += 1
        if seen["depth"] > DEEPEST:
            no(f"elements deeper than {DEEPEST}")
        if seen["elements"] > MOST_ELEMENTS:
            no(f"more than {MOST_ELEMENTS} elements")
        if seen["elements"] == 1:
            if name.rpartition(":")[2] != "sbml":
                raise InputError("not an SBML file", where=where, value=f"<{name}>", allowed="<sbml>")
            for key, value in attributes.items():
                package = value[len(PACKAGES) :].split("/")[1:2] if key.startswith("xmlns") and value.startswith(PACKAGES) else []
                if package and package[0] not in HARMLESS:
                    raise Unsupported("a package of SBML that is not carried", where=where, value=package[0])
                if key.endswith(":required") and value.strip() in ("true", "1"):
                    raise Unsupported("a required package of SBML", where=where, value=key.partition(":")[0])

    def end(_name: str) -> None:
        seen["depth"] -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = lambda *_: no("a document type (DOCTYPE)")
    parser.EntityDeclHandler = lambda *_: no("an entity")
    parser.ExternalEntityRefHandler = lambda *_: no("an external entity")  # type: ignore[assignment]
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(
            "not well-formed XML", where=f"{where}, line {error.lineno}", value=expat.ErrorString(error.code)
        ) from None
    except (ValueError, LookupError) as error:
        raise InputError("its encoding is not known", where=where, value=str(error)) from None


def _sound(document: Any, lib: Any, where: str) -> None:
    """Refuse what libSBML finds wrong, but for units (also one that is not defined): no number depends on them."""
    if document.getLevel() < 2:
        raise Unsupported("SBML Level 1", where=where, remedy="convert it to Level 2 or 3")
    if document.getModel() is not None:
        document.setConsistencyChecks(lib.LIBSBML_CAT_UNITS_CONSISTENCY, False)
        document.setConsistencyChecks(lib.LIBSBML_CAT_MODELING_PRACTICE, False)
        document.checkConsistency()
    errors = [document.getError(i) for i in range(document.getNumErrors())]
    units = (lib.DanglingUnitReference, lib.DanglingUnitSIdRef)
    worst = [e for e in errors if e.getSeverity() >= lib.LIBSBML_SEV_ERROR and e.getErrorId() not in units]
    if worst:
        raise InputError(f"not valid SBML (rule {worst[0].getErrorId()}): {worst[0].getShortMessage()}",
                         where=f"{where}, line {worst[0].getLine()}",
                         others=[InputError(e.getShortMessage(), where=f"line {e.getLine()}") for e in worst[1:]])  # fmt: skip
    if document.getModel() is None:
        raise InputError("no model in it", where=where)


def _resources(element: Any) -> tuple[str, ...]:
    return tuple(
        term.getResources().getValue(k)
        for i in range(element.getNumCVTerms())
        for term in (element.getCVTerm(i),)
        for k in range(term.getResources().getLength())
    )


def _unit(model: Any, name: str) -> str:
    """A unit's definition in words ('mole^1 * litre^-1' as libSBML prints it) or its own name."""
    import libsbml

    found = model.getUnitDefinition(name) if name else None
    return libsbml.UnitDefinition.printUnits(found, True) if found is not None else name


def _symbols(m: Any, level: int) -> Iterator[Symbol]:
    nan = math.nan
    for c in m.getListOfCompartments():
        dims = c.getSpatialDimensionsAsDouble() if c.isSetSpatialDimensions() or level < 3 else nan
        yield Symbol(c.getId(), COMPARTMENT, c.getSize() if c.isSetSize() else None, c.getName(), _unit(m, c.getUnits()),
                     c.getConstant(), dimensions=dims, resources=_resources(c))  # fmt: skip
    for s in m.getListOfSpecies():
        concentration = s.isSetInitialConcentration()
        value = s.getInitialConcentration() if concentration else s.getInitialAmount() if s.isSetInitialAmount() else None
        yield Symbol(s.getId(), SPECIES, value, s.getName(), _unit(m, s.getSubstanceUnits() or m.getSubstanceUnits()),
                     s.getConstant(), s.getCompartment(), concentration, s.getHasOnlySubstanceUnits(), s.getBoundaryCondition(),
                     s.getConversionFactor() if level > 2 else "", resources=_resources(s))  # fmt: skip
    for p in m.getListOfParameters():
        value = p.getValue() if p.isSetValue() else None
        yield Symbol(p.getId(), PARAMETER, value, p.getName(), _unit(m, p.getUnits()), p.getConstant(), resources=_resources(p))


def _network(m: Any, lib: Any, where: str) -> Network:
    level = m.getLevel()
    if m.isSetConversionFactor() and level < 3:
        raise Unsupported("a conversion factor below Level 3", where=where)
    functions: dict[str, tuple[tuple[str, ...], Any]] = {}
    for f in m.getListOfFunctionDefinitions():
        names = tuple(f.getArgument(i).getName() for i in range(f.getNumArguments()))
        functions[f.getId()] = (names, f.getBody() if f.isSetMath() else None)
    read = Reader(lib, functions, where).read
    every = {s.id: s for s in _symbols(m, level)}
    reactions = tuple(_reaction(r, level, read, every, where) for r in m.getListOfReactions())
    rules: dict[str, dict[str, Expr]] = {"assigned": {}, "rated": {}}
    for rule in m.getListOfRules():
        if rule.isAlgebraic():
            raise Unsupported("an algebraic rule", where=where)
        of = rule.getVariable()
        if not rule.isSetMath():
            continue  # Level 3 Version 2, section 3.4.2 on missing math: the rule says nothing
        rules["rated" if rule.isRate() else "assigned"][of] = read(rule.getMath(), f"rule of {of}")
    initial = {a.getSymbol(): read(a.getMath(), f"initial assignment of {a.getSymbol()}")
               for a in m.getListOfInitialAssignments() if a.isSetMath()}  # fmt: skip
    constraints = tuple(read(c.getMath(), "constraint") for c in m.getListOfConstraints() if c.isSetMath())
    events = tuple(e for i, ev in enumerate(m.getListOfEvents()) if (e := _event(ev, i, level, read, where)) is not None)
    known = set(every) | {r.id for r in reactions}
    time = m.getTimeUnits() if level > 2 else "time" if m.getUnitDefinition("time") is not None else "second"
    network = Network(m.getId(), m.getName(), level, m.getVersion(), every, reactions, events, initial, rules["assigned"],
                      rules["rated"], constraints, m.getConversionFactor() if level > 2 else "", _unit(m, time),
                      _resources(m))  # fmt: skip
    for expr in every_expression(network):
        for name in symbols(expr):
            if name != TIME and name.removeprefix("rate of ") not in known:
                raise InputError("a symbol that is not there", where=where, value=name)
    return network


def every_expression(n: Network) -> Iterator[Expr]:
    """All expressions of a network."""
    yield from (*n.initial.values(), *n.assigned.values(), *n.rated.values(), *n.constraints)
    for r in n.reactions:
        yield from (p.times for p in r.parts)
        if r.rate is not None:
            yield r.rate
    for e in n.events:
        yield from (x for x in (e.trigger, e.delay, e.priority, *(a for _, a in e.assignments)) if x is not None)


def _reaction(r: Any, level: int, read: Any, every: dict[str, Symbol], where: str) -> Reaction:
    if r.isSetFast() and r.getFast():
        raise Unsupported("a fast reaction", where=where, value=r.getId())
    law, local = r.getKineticLaw(), {}
    if law is not None:
        for p in (*law.getListOfParameters(), *law.getListOfLocalParameters()):
            name = f"{r.getId()}__{p.getId()}"
            while name in every and name not in local.values():
                name += "_"
            local[p.getId()] = name
            every[name] = Symbol(name, PARAMETER, p.getValue() if p.isSetValue() else None, p.getName(), p.getUnits(),
                                 resources=_resources(p))  # fmt: skip
    found = []
    for sign, side in ((-1, r.getListOfReactants()), (1, r.getListOfProducts())):
        for s in side:
            times: Expr = s.getStoichiometry() if s.isSetStoichiometry() or level < 3 else None
            if level < 3 and s.isSetStoichiometryMath():
                if not s.getStoichiometryMath().isSetMath():
                    raise Unsupported("stoichiometry without math", where=where, value=r.getId())
                times = read(s.getStoichiometryMath().getMath(), f"stoichiometry in {r.getId()}")
            elif s.isSetId():
                every[s.getId()] = Symbol(s.getId(), "stoichiometry", times, s.getName(), constant=s.getConstant())
                times = s.getId()
            elif times is None:
                raise Unsupported("a stoichiometry nobody gives", where=where, value=r.getId())
            found.append(Part(s.getSpecies(), sign, times))
    rate = read(law.getMath(), f"rate of {r.getId()}", local) if law is not None and law.isSetMath() else None
    return Reaction(r.getId(), r.getName(), rate, tuple(found), _resources(r))


def _event(e: Any, number: int, level: int, read: Any, where: str) -> Event | None:
    name = e.getId() or f"event {number + 1}"
    trigger = e.getTrigger()
    if trigger is None or not trigger.isSetMath():
        return None  # Level 3 Version 2, section 4.11.2: an event without a trigger's math never happens
    delay, priority = e.getDelay(), e.getPriority() if level > 2 else None
    return Event(
        name, read(trigger.getMath(), f"trigger of {name}"),
        trigger.getInitialValue() if level > 2 else True, trigger.getPersistent() if level > 2 else True,
        read(delay.getMath(), f"delay of {name}") if delay is not None and delay.isSetMath() else None,
        read(priority.getMath(), f"priority of {name}") if priority is not None and priority.isSetMath() else None,
        e.getUseValuesFromTriggerTime() if level > 2 or e.isSetUseValuesFromTriggerTime() else True,
        tuple((a.getVariable(), read(a.getMath(), f"assignment of {name}"))
              for a in e.getListOfEventAssignments() if a.isSetMath()),
    )  # fmt: skip
