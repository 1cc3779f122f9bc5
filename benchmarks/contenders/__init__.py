"""What replay is compared with, one file for each workload, and how turns are taken."""
