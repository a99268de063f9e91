#!/usr/bin/env bash
# NiiVue, nibabel and SimpleITK each choose between sform and qform by another rule.
#
# Expected: the viewer shows a NIfTI mask where the library that wrote or scored it has it.
# Happens: nibabel takes the sform whenever its code is above 0; SimpleITK takes it when its code is 1 or there is no
#   qform; NiiVue takes the qform whenever its code is the higher one. With codes (sform 1, qform 2) NiiVue stands
#   alone, with (2, 1) SimpleITK does.
# Cause: @niivue/niivue, build/niivue/index.js, calculateAffineFromQForm: the sform stays only if
#   `qform_code <= sform_code`.
# Seen on 2026-11-30 with @niivue/niivue 0.69.0 (Node 20), nibabel 5.4.2, SimpleITK 2.5.7 (the sform says that voxel 0
#   is at x = 10 mm, the qform at x = 20 mm; codes are sform, qform):
#   (1, 1): nibabel 10, SimpleITK 10, NiiVue 10     (1, 2): nibabel 10, SimpleITK 10, NiiVue 20
#   (2, 1): nibabel 10, SimpleITK 20, NiiVue 10     (1, 0): nibabel 10, SimpleITK 10, NiiVue 10
#   (2, 3): nibabel 10, SimpleITK 20, NiiVue 20     (0, 1): nibabel 20, SimpleITK 20, NiiVue 20
# So: after a registration that wrote only one of the two, mask and scan can lie on each other in Python and apart on
#   the screen, or the other way round: a reader corrects masks that were right. Write both with one code and
#   one matrix.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet nibabel==5.4.2 SimpleITK==2.5.7 numpy==2.4.6
npm install --silent --no-fund --no-audit --prefix "$folder" @niivue/niivue@0.69.0
cat >"$folder/python.py" <<'PYTHON'
import json

import nibabel
import numpy as np
import SimpleITK as sitk

seen = {}
for codes in ((1, 1), (1, 2), (2, 1), (1, 0), (2, 3), (0, 1)):
    sform, qform = np.eye(4), np.eye(4)
    sform[0, 3], qform[0, 3] = 10, 20
    image = nibabel.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), sform)
    image.set_sform(sform, codes[0])
    image.set_qform(qform, codes[1])
    name = f"{codes[0]}{codes[1]}.nii"
    nibabel.save(image, name)
    # SimpleITK's x points the other way (LPS).
    seen[name] = [float(nibabel.load(name).affine[0, 3]), -float(sitk.ReadImage(name).GetOrigin()[0])]
with open("seen.json", "w") as file:
    json.dump(seen, file)
print("versions: nibabel", nibabel.__version__, "SimpleITK", sitk.Version.VersionString())
PYTHON
cat >"$folder/read.mjs" <<'JAVASCRIPT'
// The package looks for a browser when it is loaded; reading a file needs none.
globalThis.window = globalThis
globalThis.document = { createElement: () => ({ getContext: () => null, style: {} }), addEventListener() {} }
globalThis.HTMLElement = class {}
globalThis.HTMLCanvasElement = class {}
const { readFileSync } = await import('fs')
const { NVImage } = await import('@niivue/niivue')
const seen = JSON.parse(readFileSync('seen.json', 'utf8'))
const lines = []
for (const [name, others] of Object.entries(seen)) {
  const buffer = new Uint8Array(readFileSync(name)).buffer
  const image = await NVImage.loadFromUrl({ url: name, name, buffer })
  const all = [...others, image.vox2mm([0, 0, 0], image.matRAS)[0]]
  lines.push(`(${name[0]}, ${name[1]}): nibabel ${all[0]}, SimpleITK ${all[1]}, NiiVue ${all[2]}`)
}
lines.forEach((line) => console.info(line))
const expected = ['10,10,10', '10,10,20', '10,20,10', '10,10,10', '10,20,20', '20,20,20']
const found = lines.map((line) => line.match(/: .*/)[0].match(/\d+/g).join())
if (found.join(' ') !== expected.join(' ')) {
  console.info('changed: the readers choose otherwise')
  process.exit(1)
}
console.info('as found: three readers, three rules')
JAVASCRIPT
cd "$folder"
venv/bin/python python.py
node read.mjs
