"""A process that holds nothing but watches of runs, as a triggerer does."""

import asyncio
import resource
import sys

from nightshift.databricks.trigger import RunEnded


async def held(count: int, seconds: float, every: int) -> int:
    """How many ended meanwhile; the others are cancelled, as when a triggerer ends."""
    watches = [asyncio.create_task(_ended(RunEnded(n, "databricks_default", every))) for n in range(1, count + 1)]
    done, still_open = await asyncio.wait(watches, timeout=seconds)
    for watch in still_open:
        watch.cancel()
    await asyncio.gather(*still_open, return_exceptions=True)
    return len(done)


async def _ended(trigger: RunEnded) -> None:
    async for _ in trigger.run():
        return


if __name__ == "__main__":
    ended = asyncio.run(held(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
    print(ended, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
