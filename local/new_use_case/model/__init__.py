"""A use case that learns, to be made one's own."""
