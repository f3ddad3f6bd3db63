"""A file of rows in, the same rows with what a version says of them out. Nothing in the lake is read or written."""
