#!/usr/bin/env bash
# NiiVue: the last voxel of int32, uint32 and int64 images is read as 0.
#
# Expected: every voxel has the value of the file, whatever its integer type.
# Happens: with 8 and 16 bits, float32 and float64 it has; with int32, uint32 and int64 (what NumPy code and SimpleITK
#   write for label maps) the very last voxel, and so the last voxel of an MGH file of integers, is 0.
# Cause: @niivue/niivue, build/niivue/index.js, convertDataType: the loops that copy these three types into a
#   Float64Array end one short (`i < n - 1`); the loop for int8 beside them does not. Complex numbers have it too.
# Seen on 2026-11-30 with @niivue/niivue 0.69.0 and Node 20 (file of 2 x 3 x 4 voxels, all 7), the last voxel:
#   uint8 7, int16 7, float32 7, int32 0, uint32 0, int64 0
# So: one voxel is small on a screen, but whoever counts labels, volumes or minima in the browser gets a class 0 that is
#   not in the file, a CT (int32, padded with -1024) gets one voxel of 0, and checksums of voxels never agree. Write
#   label maps with 8 or 16 bits for the browser.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-fund --no-audit --prefix "$folder" @niivue/niivue@0.69.0
cat >"$folder/read.mjs" <<'JAVASCRIPT'
// The package looks for a browser when it is loaded; reading a file needs none.
globalThis.window = globalThis
globalThis.document = { createElement: () => ({ getContext: () => null, style: {} }), addEventListener() {} }
globalThis.HTMLElement = class {}
globalThis.HTMLCanvasElement = class {}
const { NVImage } = await import('@niivue/niivue')

const types = { uint8: [2, 8], int16: [4, 16], float32: [16, 32], int32: [8, 32], uint32: [768, 32], int64: [1024, 64] }
const write = {
  uint8: 'setUint8', int16: 'setInt16', float32: 'setFloat32', int32: 'setInt32', uint32: 'setUint32'
}

/** A NIfTI-1 file of 2 x 3 x 4 voxels of 1 mm, all with the value 7. */
function file(type) {
  const [code, bits] = types[type]
  const buffer = new ArrayBuffer(352 + (24 * bits) / 8)
  const view = new DataView(buffer)
  view.setInt32(0, 348, true)
  ;[3, 2, 3, 4, 1, 1, 1, 1].forEach((size, i) => view.setInt16(40 + 2 * i, size, true))
  view.setInt16(70, code, true)
  view.setInt16(72, bits, true)
  for (let i = 0; i < 4; i++) view.setFloat32(76 + 4 * i, 1, true)
  view.setFloat32(108, 352, true)
  view.setFloat32(112, 1, true)
  view.setUint8(123, 2)
  view.setInt16(254, 1, true)
  for (let row = 0; row < 3; row++) view.setFloat32(280 + 20 * row, 1, true)
  ;[0x6e, 0x2b, 0x31].forEach((letter, i) => view.setUint8(344 + i, letter))
  for (let i = 0; i < 24; i++) {
    if (type === 'int64') view.setBigInt64(352 + 8 * i, 7n, true)
    else view[write[type]](352 + (i * bits) / 8, 7, true)
  }
  return buffer
}

const seen = {}
for (const type of Object.keys(types)) {
  const image = await NVImage.loadFromUrl({ url: `${type}.nii`, name: `${type}.nii`, buffer: file(type) })
  seen[type] = [image.getValue(0, 0, 0), image.getValue(0, 2, 3), image.getValue(1, 2, 3)]
  console.info(`${type}: first ${seen[type][0]}, last but one ${seen[type][1]}, last ${seen[type][2]}`)
}
const short = Object.keys(seen).filter((type) => seen[type][2] === 0)
const whole = Object.values(seen).every((values) => values[0] === 7 && values[1] === 7)
if (!whole || short.join() !== 'int32,uint32,int64') {
  console.info(`changed: the last voxel is 0 for [${short}]`)
  process.exit(1)
}
console.info('as found: the last voxel of int32, uint32 and int64 is 0')
JAVASCRIPT
cd "$folder"
node read.mjs
