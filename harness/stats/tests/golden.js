// SPDX-License-Identifier: Apache-2.0
// Made tests/golden_js.txt: npm install hdr-histogram-js@3.0.1 && node golden.js > golden_js.txt
const hdr = require('hdr-histogram-js');
const h = hdr.build({lowestDiscernibleValue: 1, highestTrackableValue: 3600000000, numberOfSignificantValueDigits: 3, useWebAssembly: false});
for (let i = 1; i <= 10000; i++) h.recordValue(i * i);
h.recordValueWithCount(0, 7); h.recordValueWithCount(3599999999, 3);
console.log(hdr.encodeIntoCompressedBase64(h));
for (const p of [0, 50, 90, 99, 99.9, 100]) console.log(p, h.getValueAtPercentile(p));
console.log(h.totalCount, h.maxValue, h.mean, h.stdDeviation, h.minNonZeroValue);
