"""CDS Hooks 2.0.1: advice inside the prescriber's own ordering screen."""
