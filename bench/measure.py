"""Runs one command and prints its wall time in seconds and its peak resident memory in bytes as JSON.

    measure.py COMMAND [ARG ...]        the command's own output is thrown away; its exit code is in the record
"""
import json
import resource
import subprocess
import sys
import time

started = time.monotonic()
code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
wall = time.monotonic() - started
print(json.dumps({"wall": wall, "peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, "code": code}))
