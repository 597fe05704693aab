"""A replay's figures as a Markdown page for docs/."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dosetwin.evaluate.replay import Replay

COLUMNS = (("mpe", "bias MPE %"), ("mape", "MAPE %"), ("rmse", "RMSE"), ("f20", "within 20 %"), ("f30", "within 30 %"),
           ("coverage50", "in 50 % band"), ("coverage90", "in 90 % band"))  # fmt: skip


def _row(name: str, n: int, block: dict) -> str:
    cells = " | ".join("-" if block.get(key) is None else f"{block[key]:.3g}" for key, _ in COLUMNS)
    return f"| {name} | {n} | {cells} |"


def replay_markdown(found: "Replay", *, title: str, about: str, command: str) -> str:
    """The page: who, how, headline table, levels by number. ``about`` says what is real and what is not shown."""
    body = found.to_json(forecasts=False)
    head = ["forecasts", "levels", *(f"{text} {body['unit']}" if key == "rmse" else text for key, text in COLUMNS)]
    rule = "|---" * len(head) + "|"
    lines = [
        f"# {title}", "", f"Written by `{command}`; do not edit.", "", about, "",
        f"{body['n_subjects']} patients, {body['n_levels']} levels of {body['measures']} ({body['unit']}), "
        f"model {body['model']}, covariates {body['covariates']}, {body['draws']} draws, seed {body['seed']}.",
        "Each level is forecast from the facts before it: *a priori* by the typical patient with this patient's "
        "covariates, *a posteriori* by the twin updated with the patient's own earlier levels. Errors are "
        "(forecast - measured) / measured.", "",
        f"Headline: {body['headline']}.", "", "| " + " | ".join(head) + " |", rule,
        _row("a priori", body["n_headline"], body["a_priori"]), _row("a posteriori", body["n_headline"], body["a_posteriori"]),
        _row("a priori, all levels", body["all"]["n_levels"], body["all"]["a_priori"]),
        _row("a posteriori, all levels", body["all"]["n_levels"], body["all"]["a_posteriori"]), "",
        "By level number, a posteriori (the first level has no earlier one: it is forecast a priori):", "",
        "| level number | patients | a priori MAPE % | a posteriori MAPE % | in 90 % band |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for level in body["by_level_number"]:
        before, after = level["a_priori"], level["a_posteriori"]
        lines.append(
            f"| {level['number']} | {level['n_levels']} | {before['mape']:.3g} | {after['mape']:.3g} "
            f"| {after['coverage90']:.3g} |"
        )
    return "\n".join(lines) + "\n"
