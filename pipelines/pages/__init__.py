"""What pages have in common: one HTML file each that needs nothing else."""
