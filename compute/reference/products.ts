/**
 * Dot products of every row of `a` with every row of `b`, modulo 2^32: sums[i·columns + j] = Σ a[i·terms + t]·b[j·terms + t].
 *
 * Two rows by four columns at a time keep eight sums in registers; whatever the order, a sum that fits 32 bits is exact.
 */
export function multiplyRows(
  a: Int32Array,
  rows: number,
  b: Int32Array,
  columns: number,
  terms: number,
  sums: Int32Array,
): void {
  const wholeRows = rows - (rows % 2);
  const wholeColumns = columns - (columns % 4);
  for (let i = 0; i < wholeRows; i += 2)
    for (let j = 0; j < wholeColumns; j += 4)
      multiplyBlock(a, i * terms, b, j * terms, terms, sums, i * columns + j, columns);
  for (let i = 0; i < rows; i++)
    for (let j = i < wholeRows ? wholeColumns : 0; j < columns; j++)
      sums[i * columns + j] = dotProduct(a, i * terms, b, j * terms, terms);
}

function dotProduct(a: Int32Array, atA: number, b: Int32Array, atB: number, terms: number): number {
  let sum = 0;
  for (let t = 0; t < terms; t++) sum = (sum + Math.imul(a[atA + t] ?? 0, b[atB + t] ?? 0)) | 0;
  return sum;
}

/** Rows `a0` and the next, by four rows from `b0` on. */
function multiplyBlock(
  a: Int32Array,
  a0: number,
  b: Int32Array,
  b0: number,
  terms: number,
  sums: Int32Array,
  at: number,
  columns: number,
): void {
  const a1 = a0 + terms;
  const b1 = b0 + terms;
  const b2 = b1 + terms;
  const b3 = b2 + terms;
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  for (let t = 0; t < terms; t++) {
    const x0 = a[a0 + t] ?? 0;
    const x1 = a[a1 + t] ?? 0;
    const w0 = b[b0 + t] ?? 0;
    const w1 = b[b1 + t] ?? 0;
    const w2 = b[b2 + t] ?? 0;
    const w3 = b[b3 + t] ?? 0;
    s00 = (s00 + Math.imul(x0, w0)) | 0;
    s01 = (s01 + Math.imul(x0, w1)) | 0;
    s02 = (s02 + Math.imul(x0, w2)) | 0;
    s03 = (s03 + Math.imul(x0, w3)) | 0;
    s10 = (s10 + Math.imul(x1, w0)) | 0;
    s11 = (s11 + Math.imul(x1, w1)) | 0;
    s12 = (s12 + Math.imul(x1, w2)) | 0;
    s13 = (s13 + Math.imul(x1, w3)) | 0;
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

/** Elements less their zero point, as 32-bit numbers. */
export function centred(data: ArrayLike<number>, zero: number): Int32Array {
  const numbers = new Int32Array(data.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = (data[i] ?? 0) - zero;
  return numbers;
}
