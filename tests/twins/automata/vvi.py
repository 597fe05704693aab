"""Somebody else's pacemaker, VVI, as a callable and as a process of JSON lines; ``LATE`` ms it fires after its interval."""

import json
import sys

LATE = float(sys.argv[1]) if len(sys.argv) > 1 and __name__ == "__main__" else 0.0


def make(programme):
    LRI, VRP, last = programme["LRI"] + LATE, programme["VRP"], [0.0]

    def logic(t, event):
        if event == "A":
            return {"marks": []}
        if event == "V":
            if t < last[0] + VRP:
                return {"marks": ["VR"]}
            last[0] = t
            return {"marks": ["VS"], "wake": t + LRI}
        if event == "wake":
            last[0] = t
        return {"marks": ["VP"] if event == "wake" else [], "wake": last[0] + LRI}

    return logic


if __name__ == "__main__":
    logic = make({"LRI": 1000.0, "VRP": 200.0})
    for line in sys.stdin:
        said = json.loads(line)
        logic = make(said["programme"]) if said["event"] == "start" else logic
        print(json.dumps(logic(said["t"], said["event"])), flush=True)
