"""A furnished gateway for clients in other languages: `stand.py COMMAND…` runs the command with FARTHING_URL, FARTHING_TOKEN and
UPSTREAM_URL in its environment, then stops the gateway and checks its books as the Python tests do."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from gateway import Gateway, binary, furnish
from upstream import Upstream


def run(command):
    upstream = Upstream()
    with tempfile.TemporaryDirectory() as home:
        gateway = Gateway(binary(), Path(home))
        try:
            furnish(gateway, upstream)
            found = {"FARTHING_URL": gateway.url, "FARTHING_TOKEN": gateway.token, "UPSTREAM_URL": upstream.origin}
            status = subprocess.run(command, env={**os.environ, **found}).returncode
            gateway.stop()
            return status
        finally:
            gateway.process.kill()
            gateway.process.wait()
            upstream.stop()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
