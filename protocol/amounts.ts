import { OgpuError } from './errors.js';

/** Amounts are bigint wei everywhere; 1 OGPU = 10^18 wei. */
export const OGPU_DECIMALS = 18;
export const WEI_PER_OGPU = 10n ** BigInt(OGPU_DECIMALS);

/** The whole supply, for ever: 21,000,000 OGPU. */
export const TOTAL_SUPPLY_WEI = 21_000_000n * WEI_PER_OGPU;

export class AmountError extends OgpuError<
  'AMOUNT_SYNTAX' | 'AMOUNT_NEGATIVE' | 'AMOUNT_FRACTIONAL_WEI' | 'AMOUNT_ABOVE_SUPPLY'
> {}

const MAX_AMOUNT_TEXT_LENGTH = 80;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/**
 * Wei from decimal text with at most `decimals` digits after the point ("1.5" with 18 decimals is 1.5 OGPU; with 0 it is
 * refused as fractional wei). No exponent, sign, spaces or digit grouping.
 *
 * @throws AmountError AMOUNT_SYNTAX | AMOUNT_NEGATIVE | AMOUNT_FRACTIONAL_WEI | AMOUNT_ABOVE_SUPPLY
 */
export function parseAmountWei(text: string, decimals: number): bigint {
  const received = text.slice(0, MAX_AMOUNT_TEXT_LENGTH);
  const match = text.length <= MAX_AMOUNT_TEXT_LENGTH ? DECIMAL.exec(text) : null;
  if (match === null) throw new AmountError('AMOUNT_SYNTAX', 'not a decimal amount', { received });
  const [, sign, whole = '', fraction = ''] = match;
  if (sign === '-') throw new AmountError('AMOUNT_NEGATIVE', 'amount is negative', { received });
  const significant = fraction.replace(/0+$/, '');
  if (significant.length > decimals) {
    throw new AmountError('AMOUNT_FRACTIONAL_WEI', 'amount is finer than one wei', { received, decimals });
  }
  const amountWei =
    BigInt(whole) * 10n ** BigInt(decimals) + BigInt(significant.padEnd(decimals, '0') || '0');
  if (amountWei > TOTAL_SUPPLY_WEI) {
    throw new AmountError('AMOUNT_ABOVE_SUPPLY', 'amount exceeds the supply of 21,000,000 OGPU', {
      received,
    });
  }
  return amountWei;
}

/** Exact decimal OGPU, without trailing zeros: 1500000000000000000n → "1.5". */
export function formatOgpu(amountWei: bigint): string {
  const sign = amountWei < 0n ? '-' : '';
  const magnitude = amountWei < 0n ? -amountWei : amountWei;
  const fraction = (magnitude % WEI_PER_OGPU).toString().padStart(OGPU_DECIMALS, '0').replace(/0+$/, '');
  const whole = (magnitude / WEI_PER_OGPU).toString();
  return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}
