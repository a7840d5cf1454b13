"""Sources, outputs and where they lie."""
