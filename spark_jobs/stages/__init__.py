"""One module per stage, each with `run(work) -> Result`."""
