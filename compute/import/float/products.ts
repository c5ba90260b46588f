import type { FloatData } from '../network/network.js';

/** Dot products of every row of `a` with every row of `b`: sums[i·columns + j]. Two rows by four at a time keep eight sums in registers. */
export function multiplyRows(
  a: FloatData,
  rows: number,
  b: FloatData,
  columns: number,
  terms: number,
  sums: Float64Array,
): void {
  const wholeRows = rows - (rows % 2);
  const wholeColumns = columns - (columns % 4);
  for (let i = 0; i < wholeRows; i += 2)
    for (let j = 0; j < wholeColumns; j += 4)
      multiplyBlock(a, i * terms, b, j * terms, terms, sums, i * columns + j, columns);
  for (let i = 0; i < rows; i++)
    for (let j = i < wholeRows ? wholeColumns : 0; j < columns; j++) {
      let sum = 0;
      for (let t = 0; t < terms; t++) sum += (a[i * terms + t] ?? 0) * (b[j * terms + t] ?? 0);
      sums[i * columns + j] = sum;
    }
}

function multiplyBlock(
  a: FloatData,
  a0: number,
  b: FloatData,
  b0: number,
  terms: number,
  sums: Float64Array,
  at: number,
  columns: number,
): void {
  const a1 = a0 + terms;
  const b1 = b0 + terms;
  const b2 = b1 + terms;
  const b3 = b2 + terms;
  let [s00, s01, s02, s03, s10, s11, s12, s13] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let t = 0; t < terms; t++) {
    const x0 = a[a0 + t] ?? 0;
    const x1 = a[a1 + t] ?? 0;
    const w0 = b[b0 + t] ?? 0;
    const w1 = b[b1 + t] ?? 0;
    const w2 = b[b2 + t] ?? 0;
    const w3 = b[b3 + t] ?? 0;
    s00 += x0 * w0;
    s01 += x0 * w1;
    s02 += x0 * w2;
    s03 += x0 * w3;
    s10 += x1 * w0;
    s11 += x1 * w1;
    s12 += x1 * w2;
    s13 += x1 * w3;
  }
  sums[at] = s00;
  sums[at + 1] = s01;
  sums[at + 2] = s02;
  sums[at + 3] = s03;
  sums[at + columns] = s10;
  sums[at + columns + 1] = s11;
  sums[at + columns + 2] = s12;
  sums[at + columns + 3] = s13;
}
