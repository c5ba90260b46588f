/** Functions of one number that become tables: `alpha` and `beta` are parameters of some. */
export const CURVES = {
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: (x) => Math.tanh(x),
  erf,
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  geluTanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  swish: (x, alpha) => x / (1 + Math.exp(-alpha * x)),
  mish: (x) => x * Math.tanh(softplus(x)),
  softplus: (x) => softplus(x),
  softsign: (x) => x / (1 + Math.abs(x)),
  elu: (x, alpha) => (x < 0 ? alpha * Math.expm1(x) : x),
  selu: (x, alpha, beta) => beta * (x < 0 ? alpha * Math.expm1(x) : x),
  hardSigmoid: (x, alpha, beta) => Math.min(Math.max(alpha * x + beta, 0), 1),
  hardSwish: (x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1),
  exp: (x) => Math.exp(x),
  log: (x) => Math.log(x),
  sqrt: (x) => Math.sqrt(x),
  reciprocal: (x) => 1 / x,
  power: (x, alpha) => x ** alpha,
  abs: (x) => Math.abs(x),
  sin: (x) => Math.sin(x),
  cos: (x) => Math.cos(x),
  floor: (x) => Math.floor(x),
  ceil: (x) => Math.ceil(x),
  round: (x) => roundToEven(x),
} as const satisfies Readonly<Record<string, (x: number, alpha: number, beta: number) => number>>;

export type CurveName = keyof typeof CURVES;

/** To the nearest whole number, halves to the even one. */
export function roundToEven(x: number): number {
  const below = Math.floor(x);
  const over = x - below;
  if (over !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** By its series near zero and by its continued fraction far from it: within 10⁻¹⁵. */
function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let [term, sum] = [x, x];
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = size;
  for (let n = 60; n > 0; n--) fraction = size + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-size * size) / (fraction * Math.sqrt(Math.PI)));
}
