"""Ten years of one person with type 2 diabetes: plans tried on the copy, valued in events, quality years and cost."""
