"""The study of the kidney forecasts on virtual newborns."""
