"""Renderings for people: HTML report, figures, narrative, audit text. The only place that plots."""
