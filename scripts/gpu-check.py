"""A golden network in PyTorch on this machine's CUDA device, layer by layer, and what vggtool says of it; called by gpu-check.sh run."""

import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch
except ImportError as error:
    sys.exit(print(f"not compared: {error}"))

root = pathlib.Path(__file__).resolve().parent.parent
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
weights = numpy.load(root / "fixtures/verify/vgg16-64x96.npz")
x = torch.from_numpy(numpy.load(root / "fixtures/verify/input.npy")).to(device)
with tempfile.TemporaryDirectory() as folder, torch.no_grad():
    for block in range(1, 6):
        for n in range(1, 4):
            name = f"conv{block}_{n}"
            if f"{name}.weight" not in weights:
                continue
            kernel, bias = (torch.from_numpy(weights[f"{name}.{part}"]).to(device) for part in ("weight", "bias"))
            x = torch.relu(torch.nn.functional.conv2d(x, kernel, bias, padding=kernel.shape[-1] // 2))
            numpy.save(f"{folder}/{name}.npy", x.cpu().numpy())
        x = torch.nn.functional.max_pool2d(x, 2)
    for name in ("fc6", "fc7", "fc8"):
        kernel, bias = (torch.from_numpy(weights[f"{name}.{part}"]).to(device) for part in ("weight", "bias"))
        x = torch.nn.functional.linear(x.flatten(1), kernel.flatten(1), bias)
        x = x if name == "fc8" else torch.relu(x)
        numpy.save(f"{folder}/{name}.npy", x.cpu().numpy())
    print(f"PyTorch {torch.__version__} on {torch.cuda.get_device_name() if device == 'cuda' else 'the CPU'}")
    command = [sys.argv[1], str(root / "bin/vggtool"), "verify", str(root / "fixtures/verify/vgg16-64x96.npz")]
    sys.stdout.flush()
    subprocess.run(
        [*command, "--engine", "webgpu", "--input", str(root / "fixtures/verify/input.npy"), "--expect", folder], check=False
    )
