"""`python -m serving.well`: status 0 if the service beside it is well. Told by the same environment."""

import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping


def trouble(told: Mapping[str, str]) -> str:
    """Nothing, where all is well."""
    port, secure = told.get("SERVE_PORT") or "8200", bool(told.get("SERVE_CERTIFICATE"))
    url = f"{'https' if secure else 'http'}://127.0.0.1:{port}/health"
    # A certificate is of the name that clients use; this is the same machine.
    context = ssl._create_unverified_context() if secure else None  # noqa: S323 - as said
    try:
        with urllib.request.urlopen(url, timeout=8, context=context) as answer:  # noqa: S310 - an address of our own
            answer.read()
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")
    except OSError as error:
        return f"{url}: {error}"
    return ""


if __name__ == "__main__":
    sys.exit(trouble(os.environ) or 0)
