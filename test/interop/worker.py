"""Runs checks one after another in one process, so that a framework is imported once.

Reads lines of JSON from standard input, each [module, [arguments…]]; calls module.check(*arguments) and writes one line of JSON, [true, answer] or
[false, traceback]. What the frameworks print goes to standard error.
"""
import importlib
import json
import os
import sys
import traceback

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("KERAS_BACKEND", "torch")

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for line in sys.stdin:
    module, arguments = json.loads(line)
    try:
        answer = [True, importlib.import_module(module).check(*arguments)]
    except Exception:
        answer = [False, traceback.format_exc(limit=-3)]
    print(json.dumps(answer), file=answers, flush=True)
