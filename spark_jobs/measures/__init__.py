"""What use cases share that measure alike: they import nothing of ours."""
