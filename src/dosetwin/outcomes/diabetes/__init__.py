"""What years of type 2 diabetes bring: events, death, quality of life and cost, from how the risk factors go (UKPDS-OM2)."""
