"""Newborns and their creatinines under truths that no forecaster has the form of."""
