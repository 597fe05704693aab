"""SMART App Launch 2.2: the page opened inside an EHR, or started from here against one, as the user the EHR knows."""
