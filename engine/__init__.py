"""The engine: one warm Spark Connect server that all jobs of a lake are clients of. It holds nothing they depend on."""
