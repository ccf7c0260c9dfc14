"""Checks a model with onnx, runs it with ONNX Runtime, and compares its logits, and its initializers with those of another model."""
import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from agreement import logits_agree, same_arrays


def arrays(path):
    """By the order of first use: a graph's names are its own, the order of its layers is the network's."""
    graph = onnx.load(path).graph
    initializers = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    used = [name for node in graph.node for name in node.input if name in initializers]
    return {str(k): initializers[name] for k, name in enumerate(dict.fromkeys(used))}


def check(path, input_file, logits_file, options):
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    outputs = session.run(["logits"], {session.get_inputs()[0].name: np.load(input_file)})
    said = logits_agree(outputs[0], logits_file)
    if "reference" in options:
        said += ", " + same_arrays(arrays(path), arrays(options["reference"]))
    return f"ONNX Runtime {onnxruntime.__version__}: {said}"
