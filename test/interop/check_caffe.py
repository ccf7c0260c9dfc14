"""Loads a .caffemodel and its .prototxt with OpenCV's reader of Caffe networks, runs them, and compares the logits and the blobs."""
import cv2
import numpy as np

from agreement import logits_agree, same_arrays


def load(path):
    return cv2.dnn.readNetFromCaffe(path.removesuffix(".caffemodel") + ".prototxt", path)


def arrays(net):
    """OpenCV keeps its own copies of the blobs: by the layer's name and the blob's number."""
    found = {}
    for name in net.getLayerNames():
        for k, blob in enumerate(net.getLayer(net.getLayerId(name)).blobs):
            found[f"{name}.{k}"] = blob
    return found


def check(path, input_file, logits_file, options):
    net = load(path)
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    said = ""
    if "reference" in options:
        theirs = cv2.dnn.readNetFromCaffe(options["reference"].removesuffix(options["reference"].split("/")[-1]) + "deploy.prototxt", options["reference"])
        said = ", " + same_arrays(arrays(net), arrays(theirs))
    # One picture at a time: the prototxt asks for a batch of one.
    pictures = np.load(input_file)
    rows = []
    for k in range(len(pictures)):
        net.setInput(pictures[k : k + 1])
        rows.append(net.forward(options.get("layer", "fc8")).reshape(-1))
    return f"OpenCV {cv2.__version__}: {logits_agree(np.stack(rows), logits_file)}{said}"
