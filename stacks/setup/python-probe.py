"""Prints what a Python can do for us, as one line of JSON; runs on any Python 3."""

import importlib.util
import json
import sys
import sysconfig

print(
    json.dumps(
        {
            "version": "%d.%d.%d" % sys.version_info[:3],
            "platform": sysconfig.get_platform(),
            "venv": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
        }
    )
)
