"""What is measured, in ratios within one run, and in worlds and on data that are not ours: `make bench` prints it."""
