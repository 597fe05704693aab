"""Who should decide on insulin: basal and bolus, PID or look-ahead, on the virtual clinic of type 1 diabetes."""
