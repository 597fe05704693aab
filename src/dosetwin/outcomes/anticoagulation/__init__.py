"""What an INR leads to: time in range, clots and bleeding."""
