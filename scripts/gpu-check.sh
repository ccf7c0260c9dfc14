#!/usr/bin/env bash
# Checks verify on a machine with a GPU and no network, in two steps:
#
#     scripts/gpu-check.sh pack FOLDER      here: all that the check needs, some 45 MB
#     FOLDER/scripts/gpu-check.sh run       there: prints adapter, goldens, VGG-16 at 224×224 first and warm, and what PyTorch says of it
#
# pack needs VGGTOOL_ENGINES with webgpu and @tensorflow/tfjs-backend-webgpu. run takes VK_DRIVER_FILES (the Vulkan driver's JSON) and
# CHECK_DEVICE: gpu (the default), or cpu, which tries the check itself on SwiftShader.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)

pack() {
  local out=$1 engines=${VGGTOOL_ENGINES:?names the folder with webgpu and tfjs-backend-webgpu}/node_modules
  [ ! -e "$out" ] || { echo "$out exists already" >&2; exit 2; }
  cd "$here" && npm run --silent build
  mkdir -p "$out"/{bench,scripts,fixtures,lib} "$out"/engines/node_modules/@tensorflow
  cp -r bin dist package.json "$out"
  cp -r fixtures/verify fixtures/demo "$out/fixtures"
  cp scripts/gpu-check.sh scripts/gpu-check.py "$out/scripts"
  # TypeScript and its types are left behind.
  npx esbuild bench/full-size.ts --bundle --platform=node --format=esm --log-level=error --outfile="$out/bench/full-size.mjs"
  local name
  for name in @tensorflow/tfjs-core @tensorflow/tfjs-backend-wasm; do part "node_modules/$name" "$out/node_modules/$name"; done
  for name in long seedrandom node-fetch whatwg-url tr46 webidl-conversions; do
    [ ! -d "node_modules/$name" ] || { cp -r "node_modules/$name" "$out/node_modules/"; cp -r "node_modules/$name" "$out/engines/node_modules/"; }
  done
  for name in @tensorflow/tfjs-core @tensorflow/tfjs-backend-webgpu; do part "$engines/$name" "$out/engines/node_modules/$name"; done
  # Dawn's folder for this platform alone: 21 of 132 MB.
  mkdir -p "$out/engines/node_modules/webgpu/dist"
  cp "$engines"/webgpu/{package.json,index.js} "$out/engines/node_modules/webgpu"
  cp -r "$engines/webgpu/dist/linux-x64" "$out/engines/node_modules/webgpu/dist"
  for name in "$engines/webgpu/node_modules" "$engines/debug" "$engines/ms"; do [ ! -d "$name" ] || cp -r "$name" "$out/engines/node_modules/"; done
  cp "$(command -v node)" "$out/node"
  # The Vulkan loader: Debian's libvulkan1, or the one of chromium-common.
  cp -L "$(ls /usr/lib/*/libvulkan.so.1 /usr/lib/chromium/libvulkan.so.1 2> /dev/null | head -n 1)" "$out/lib"
  xz -6 -T 0 "$out/node"
  xz -6 -T 0 "$out"/engines/node_modules/webgpu/dist/linux-x64/*.node
  du -sm "$out" | cut -f 1 | sed 's/$/ MB packed/'
}

# The part of a TensorFlow.js package that Node imports.
part() {
  mkdir -p "$2/dist"
  cp "$1/package.json" "$2"
  cp "$1"/dist/tf-*.node.js "$2/dist"
  find "$1/dist" -maxdepth 1 -name '*.wasm' -exec cp {} "$2/dist" \;
  [ ! -d "$1/wasm-out" ] || { mkdir -p "$2/wasm-out"; find "$1/wasm-out" -maxdepth 1 -name '*.wasm' -exec cp {} "$2/wasm-out" \; ; }
}

run() {
  cd "$here"
  find . -name '*.xz' -exec xz -d {} +
  chmod +x node
  local device=${CHECK_DEVICE:-gpu}
  export VGGTOOL_ENGINES=$here/engines LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  # Containers bring the driver's library, and often not the file that names it.
  if [ -z "${VK_DRIVER_FILES:-}" ] && [ ! -e /usr/share/vulkan/icd.d/nvidia_icd.json ] && [ ! -e /etc/vulkan/icd.d/nvidia_icd.json ]; then
    echo '{"file_format_version": "1.0.0", "ICD": {"library_path": "libGLX_nvidia.so.0", "api_version": "1.3"}}' > nvidia_icd.json
    export VK_DRIVER_FILES=$here/nvidia_icd.json
  fi
  echo "== doctor" && ./node bin/vggtool doctor
  echo "== goldens, against float64 and against wasm"
  local name extra
  for name in vgg16-64x96 vgg16bn-64x96; do
    extra=(); [ "$name" = vgg16-64x96 ] || extra=(--bn-epsilon 1e-5)
    ./node bin/vggtool verify "fixtures/verify/$name.npz" --engine webgpu --device "$device" --input fixtures/verify/input.npy \
      --expect "fixtures/verify/$name.logits.npy" --rtol 1e-5 "${extra[@]}" | grep -E '^engine|^fc8|^pass|^fail'
    ./node bin/vggtool verify "fixtures/verify/$name.npz" --engine wasm,webgpu --device "$device" "${extra[@]}" | grep -E '^against|^pass|^fail'
  done
  [ "${CHECK_FULL_SIZE:-yes}" = yes ] || return 0
  echo "== VGG-16 at 224×224"
  ./node bench/full-size.mjs --engine wasm --runs 1
  ./node bench/full-size.mjs --engine webgpu --device "$device" --runs 2
  echo "== PyTorch" && if command -v python3 > /dev/null; then python3 scripts/gpu-check.py ./node; else echo "there is no python3"; fi
}

case ${1:-} in
  pack) pack "${2:?pack FOLDER}" ;;
  run) run ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
