"""Parameters and a schedule give a trajectory; knows no drug."""
