"""Commands on coded streams, whose packets stay as they are."""
