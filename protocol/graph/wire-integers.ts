/** A signed 32-bit integer as the unsigned one of equal bits; NaN for any other number, which the encoder refuses. */
export function wireInteger(value: number): number {
  return value === (value | 0) ? value >>> 0 : Number.NaN;
}

export function integerFromWire(value: number): number {
  return value | 0;
}
