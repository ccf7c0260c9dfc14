/** How to get a shared library that a GPU engine misses: the rest of a sentence behind its name. */
export function libraryHint(library: string): string {
  const major = /\.so\.(\d+)/.exec(library)?.[1];
  if (library.startsWith("libcuda.so")) return "install the NVIDIA driver, or start the container with --gpus all";
  if (library.startsWith("libcudnn")) return `install cuDNN${numbered(major)} and put its folder on LD_LIBRARY_PATH`;
  // Only these two are numbered as the toolkit is; libcufft.so.10 belongs to CUDA 11.
  if (/^lib(cudart|cublas|cublasLt)\.so/.test(library)) {
    return `install the CUDA toolkit${numbered(major)} and put its lib64 folder on LD_LIBRARY_PATH`;
  }
  if (/^lib(cufft|curand|cusolver|cusparse|nvrtc|nvJitLink)/.test(library)) {
    return "install the CUDA toolkit that docs/cuda.md names and put its lib64 folder on LD_LIBRARY_PATH";
  }
  return "install the package that has it and put its folder on LD_LIBRARY_PATH";
}

function numbered(major: string | undefined): string {
  return major === undefined ? "" : ` ${major}`;
}
