"""A use case that ends in tables, to be made one's own."""
