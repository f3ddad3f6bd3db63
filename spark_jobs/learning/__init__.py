"""What train and evaluate are made of: known rows and their parts, search, fit, comparison and verdict."""
