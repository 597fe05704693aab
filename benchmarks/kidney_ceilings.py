"""What can be learned at all about a newborn's creatinine: ceilings for the bars of docs/kidney.md, and other learners.

    python benchmarks/kidney_ceilings.py [--babies 27900] [--workers 2] [--json FILE]

A *ceiling* is a large network (not a candidate: it is taught by the truth it is judged on, which the learned kidney never is). A
bar beyond it asks for more than the records tell. *Other learners* are taught by the same 26,000 babies as the shipped networks.
RMSE of the noise-free value, mg/dL, at +24, +48, +72 h after a creatinine, on 4,000 babies of development seeds. Needs PyTorch
(extra ``learn``; a GPU is used when there is one: minutes, else hours) and, for boosting, scikit-learn.
"""

import argparse
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from dosetwin.calibrate.kidney_training import plain_babies, training_babies
from dosetwin.forecast.kidney.filter import FilterParameters
from dosetwin.forecast.kidney.learned import SPREAD_LEAST, load
from dosetwin.forecast.kidney.training.loop import CLIP, Settings
from dosetwin.forecast.kidney.training.targets import lessons, teachable
from dosetwin.forecast.kidney.vandonge import VanDonge, typical
from dosetwin.populations.newborn_kidney.cohort import KidneyCohort, cohort
from dosetwin.populations.newborn_kidney.neither import neither
from dosetwin.populations.newborn_kidney.randomise import randomised
from dosetwin.populations.newborn_kidney.records import records

SHARDS, TEST = 12, 4000
PLAIN, STRAYED = 15_600, 10_400
Table = dict[str, np.ndarray]


def made(truth: str, n: int, seed: int) -> KidneyCohort:
    """Babies of a truth; R: of A, astray."""
    if truth in ("D", "E"):
        return neither(n, seed, injured=truth == "E")
    return randomised(n, seed) if truth == "R" else cohort(truth, n, seed)  # pyright: ignore[reportArgumentType]


def shard(job: tuple[str, int, int, float]) -> Table:
    """Events and targets of some babies, by the filters of the shipped kidney."""
    truth, n, seed, masked = job
    card = load().card
    plain, wide = (FilterParameters.from_json(card["filters"][k]) for k in ("plain", "wide"))
    babies = [b for b in training_babies(made(truth, n, seed)) if teachable(b.record)]
    other = FilterParameters.from_json(card["second"]["parameters"])
    found = lessons(babies, plain, wide, np.random.default_rng([seed, 9]), masked=masked, other=other)
    e = found.events
    assert e.other is not None
    parts = {"x": e.x, "base": e.base, "spread": np.maximum(e.spread, SPREAD_LEAST), "plain": e.plain, "other": e.other,
             "latent": found.latent, "line": found.line}  # fmt: skip
    return {k: v.astype(np.float32) for k, v in parts.items()} | {"measured": e.measured, "length": np.diff(e.ptr)}


def joined(parts: list[Table]) -> Table:
    """Several shards as one."""
    return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}


def split(table: Table, share: float) -> tuple[Table, Table]:
    """The first ``share`` of the babies and the rest."""
    n = int(len(table["length"]) * share)
    row = int(table["length"][:n].sum())
    return tuple(  # type: ignore[return-value]
        {k: v[part] if k == "length" else v[rows] for k, v in table.items()}
        for part, rows in ((slice(n), slice(row)), (slice(n, None), slice(row, None)))
    )


def rmse(median: np.ndarray, table: Table, h: int) -> float:
    """mg/dL on the own assay, after a creatinine; ``median`` [m] of log creatinine."""
    own = [np.maximum((np.exp(v) - table["line"][:, 1]) / table["line"][:, 0], 0.1) for v in (median, table["latent"][:, h])]
    known = table["measured"] & np.isfinite(table["latent"][:, h])
    return float(np.sqrt(np.mean((own[0] - own[1])[known] ** 2)))


class Learner:
    """A recurrent network as ``forecast/training/network.py`` has it, of any size, on whatever device there is."""

    def __init__(self, taught: Table, seed: int, *, cell: str = "lstm", hidden: int = 32, head: int = 24, epochs: int = 6,
                 batch: int = 128, rate: float = 3e-3, decay: float = 1e-4, valid: Table | None = None):  # fmt: skip
        import torch  # pyright: ignore[reportMissingImports]

        from dosetwin.forecast.kidney.training.loop import _both
        from dosetwin.forecast.kidney.training.network import Architecture, Network

        self.torch, self.device = torch, "cuda" if torch.cuda.is_available() else "cpu"
        sd = taught["x"].std(axis=0)
        self.mean, self.sd = taught["x"].mean(axis=0), np.where(sd > 1e-6, sd, 1.0)
        torch.manual_seed(seed)
        net = self.net = Network(Architecture(cell, hidden, head)).to(self.device)
        rows = self._rows(taught)
        optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=decay)
        steps = epochs * len(self._batches(taught, batch, np.random.default_rng(0)))
        warm = max(steps // 20, 1)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda k: min((k + 1) / warm, 0.5 * (1 + np.cos(np.pi * min(k / steps, 1.0))) + 1e-3)
        )
        anchors = torch.tensor(Settings().anchors, device=self.device)
        best, waited = (np.inf, net.state_dict()), 0
        for epoch in range(epochs):
            for who in self._batches(taught, batch, np.random.default_rng([seed, epoch])):
                index, inside = self._index(taught, who)
                x, base, spread, latent, weight = (r[index] for r in rows)
                known = ~torch.isnan(latent)
                w = (weight * inside)[..., None] * anchors * known
                loss = _both(base[..., None] + spread[..., None] * net(x), torch.nan_to_num(latent), 1.0)
                optimiser.zero_grad()
                ((w * loss).sum() / w.sum().clamp(min=1e-6)).backward()
                torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                optimiser.step()
                schedule.step()
            if valid is not None:
                error = rmse(self.median(valid)[:, 1], valid, 1)
                waited = 0 if error < best[0] else waited + 1
                if error < best[0]:
                    best = error, {k: v.clone() for k, v in net.state_dict().items()}
                if waited >= 4:
                    break
        if valid is not None:
            net.load_state_dict(best[1])

    def _rows(self, t: Table) -> list[Any]:
        x = np.clip((t["x"] - self.mean) / self.sd, -CLIP, CLIP).astype(np.float32)
        weight = np.where(t["measured"], 1.0, Settings().stale).astype(np.float32)
        return [self.torch.from_numpy(p).to(self.device) for p in (x, t["base"], t["spread"], t["latent"], weight)]

    def _batches(self, t: Table, size: int, rng: np.random.Generator) -> list[np.ndarray]:
        length, out = t["length"], []
        order = rng.permutation(len(length))
        order = order[length[order] > 0]
        for k in range(0, len(order), size * 24):
            some = order[k : k + size * 24]
            some = some[np.argsort(length[some], kind="stable")]
            out += [some[j : j + size] for j in range(0, len(some), size)]
        return [out[k] for k in rng.permutation(len(out))]

    def _index(self, t: Table, who: np.ndarray) -> tuple[Any, Any]:
        begin = np.cumsum(t["length"]) - t["length"]
        step = np.arange(t["length"][who].max())[:, None]
        inside = step < t["length"][who][None]
        index = np.minimum(begin[who][None] + step, len(t["x"]) - 1)
        return self.torch.from_numpy(index).to(self.device), self.torch.from_numpy(inside.astype(np.float32)).to(self.device)

    def median(self, t: Table) -> np.ndarray:
        """Median of log creatinine [m, 4] at every event."""
        rows = self._rows(t)
        out = self.torch.zeros(rows[1].shape, device=self.device)
        with self.torch.no_grad():
            for who in self._batches(t, 1024, np.random.default_rng(0)):
                index, inside = self._index(t, who)
                middle = rows[1][index] + rows[2][index] * self.net(rows[0][index])[..., 2]
                out[index[inside > 0]] = middle[inside > 0]
        return out.cpu().numpy()


def boosted(taught: Table) -> Callable[[Table], np.ndarray] | None:
    """Gradient boosting of the wide filter's error at +24 h on the same inputs, no recurrence; None without scikit-learn."""
    try:
        from sklearn.ensemble import HistGradientBoostingRegressor  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    known = taught["measured"] & np.isfinite(taught["latent"][:, 1])
    miss = (taught["latent"][:, 1] - taught["base"][:, 1]) / taught["spread"][:, 1]
    weight = taught["spread"][:, 1] * np.exp(taught["base"][:, 1])
    trees = HistGradientBoostingRegressor(
        loss="absolute_error", max_iter=400, learning_rate=0.05, max_leaf_nodes=31, l2_regularization=1.0, random_state=0
    ).fit(taught["x"][known], miss[known], sample_weight=weight[known])
    return lambda t: t["base"][:, 1] + t["spread"][:, 1] * trees.predict(t["x"])


def reconstruction(truth: str, with_vandonge: Any) -> float:
    """RMSE at +24 h of the van Donge reconstruction updated by MAP, the competitor, on the same babies and moments."""
    from dosetwin.evaluate.kidney import kernel
    from dosetwin.evaluate.kidney.batch import moments
    from dosetwin.evaluate.kidney.origins import of_cohort

    errors = []
    for job in range(2):
        babies = made(truth, TEST // 2, 839_000 + job)
        o = of_cohort(babies)["measured"]
        m, v = moments(o), with_vandonge
        found = kernel.reconstructed(
            m.ptr, m.rows, m.effect, m.marks, m.of_baby(lambda r: typical(r.GA)), m.begin, m.n_seen, np.log(m.scr),
            np.array(v.mean), np.array(v.sd), v.prop, v.add, 3,
        )  # fmt: skip
        own = np.maximum((np.exp(found[:, 0, 0]) - o.line[:, 1]) / o.line[:, 0], 0.1)
        errors.append(own - babies.hidden.latent[o.baby, o.now.astype(np.int64) + 24])
    return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))


def main() -> None:
    """Print a Markdown table as rows are found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--babies", type=int, default=27_900, help="that teach a ceiling")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    shipped_share = float(load().card["second"]["share"])
    each = round(asked.babies / 0.93) // SHARDS
    jobs = {("test", t): [(t, TEST // 2, 839_000 + k, 0.0) for k in range(2)] for t in "ABCDE"}
    jobs |= {("own", t): [(t, each, 830_000 + 100 * i + k, 0.0) for k in range(SHARDS)] for i, t in enumerate("ABC")}
    jobs |= {("taught", "A"): [("A", PLAIN // 4, 838_000 + k, 0.15) for k in range(4)]}
    jobs |= {("taught", "R"): [("R", STRAYED // 4, 838_100 + k, 0.15) for k in range(4)]}
    with ProcessPoolExecutor(asked.workers) as pool:
        parts = iter(pool.map(shard, [job for some in jobs.values() for job in some]))
        data = {key: joined([next(parts) for _ in some]) for key, some in jobs.items()}
    found: dict[str, dict[str, list[float]]] = {}
    print("| forecaster | truth | +24 h | +48 h | +72 h |\n|---|---|---|---|---|")

    def tell(name: str, truth: str, median: np.ndarray) -> None:
        errors = [rmse(median[:, h], data["test", truth], h) for h in (1, 2, 3)]
        found.setdefault(name, {})[truth] = errors
        print(f"| {name} | {truth} | " + " | ".join(f"{e:.4f}" for e in errors) + " |", flush=True)
        if asked.json is not None:
            asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

    for truth in "ABCDE":
        for name, column in (("filter", "plain"), ("filter-wide", "base"), ("filter-van-donge", "other")):
            tell(name, truth, data["test", truth][column])
    published = VanDonge.fit(records(plain_babies(60, 2000)))
    for truth in "ABCDE":
        found.setdefault("van-donge-map, +24 h alone", {})[truth] = [reconstruction(truth, published)]
        print(f"| van-donge-map, +24 h alone | {truth} | {found['van-donge-map, +24 h alone'][truth][0]:.4f} | | |", flush=True)
    for truth in "ABC":
        taught, valid = split(data["own", truth], 0.93)
        large = {"hidden": 128, "head": 64, "epochs": 16, "batch": 256, "rate": 2e-3, "decay": 1e-3}
        each_net = [Learner(taught, 100 + s, valid=valid, **large).median(data["test", truth]) for s in range(2)]
        tell(f"ceiling: taught by {len(taught['length']):,} of the same truth", truth, np.mean(each_net, axis=0))
    both = joined([data["taught", "A"], data["taught", "R"]])
    for cell in ("lstm", "gru"):
        nets = [Learner(both, s, cell=cell) for s in range(3)]
        for truth in "ABCDE":
            median = np.mean([n.median(data["test", truth]) for n in nets], axis=0)
            tell(f"{cell}, three of them", truth, median)
            if cell == "lstm":
                second = data["test", truth]["other"]
                tell(f"lstm and second structure ({shipped_share:g})", truth,
                     (1.0 - shipped_share) * median + shipped_share * second)  # fmt: skip
    trees = boosted(both)
    if trees is None:
        print("boosting left out: scikit-learn is not installed")
        return
    for truth in "ABCDE":
        median = data["test", truth]["base"].copy()
        median[:, 1] = trees(data["test", truth])
        error = rmse(median[:, 1], data["test", truth], 1)
        found.setdefault("boosting, +24 h alone", {})[truth] = [error]
        print(f"| boosting, +24 h alone | {truth} | {error:.4f} | | |", flush=True)
    if asked.json is not None:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
