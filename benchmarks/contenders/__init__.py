"""The workloads of the replay benchmark, one file each, and the contenders' turns."""
