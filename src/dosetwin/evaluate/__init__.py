"""Were models, forecasts and rules right: published values, past patients, other people's decisions."""
