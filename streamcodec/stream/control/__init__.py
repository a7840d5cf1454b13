"""Which quality a frame gets: a given one, or what reaches a target."""
