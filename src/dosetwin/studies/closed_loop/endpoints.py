"""What a trial of insulin counts: on glucose as it was, not as the monitor showed it."""

from dosetwin.trial.study import Endpoint

_ALL = (
    Endpoint("tir", "glucose in 70-180 mg/dL", "%", "high"),
    Endpoint("below70", "glucose < 70 mg/dL", "%", "low"),
    Endpoint("below54", "glucose < 54 mg/dL", "%", "low"),
    Endpoint("above180", "glucose > 180 mg/dL", "%", "low"),
    Endpoint("above250", "glucose > 250 mg/dL", "%", "low"),
    Endpoint("gri", "glycaemia risk index", "", "low"),
    Endpoint("lbgi", "low blood glucose index", "", "low"),
    Endpoint("hbgi", "high blood glucose index", "", "low"),
    Endpoint("mean", "mean glucose", "mg/dL", "neither"),
    Endpoint("cv", "coefficient of variation", "%", "low"),
    Endpoint("all_targets", "time in range > 70 %, < 70 mg/dL below 4 % and < 54 mg/dL below 1 %", "", "high", "share"),
    Endpoint("insulin", "insulin", "U/d", "neither"),
    Endpoint("rescued", "carbohydrate eaten to end a low", "g/d", "low"),
)
ENDPOINTS = {e.name: e for e in _ALL}
MAIN = ("tir", "below70", "below54", "above180", "gri", "all_targets", "rescued")
SHOWN = ("tir", "below70", "below54", "gri")
GROUPED = ("tir", "below70")
WHO = ("person", "people", "people with type 1 diabetes")
COMPARED = "glucose in 70-180 mg/dL"
