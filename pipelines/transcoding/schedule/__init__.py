"""Which task goes to which worker, and what is done when one dies."""
