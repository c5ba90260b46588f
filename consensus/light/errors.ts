import { OgpuError } from '../../protocol/errors.js';

/** Why a header is not trusted. */
export class LightError extends OgpuError<
  | 'LIGHT_TRUST_EXPIRED'
  | 'LIGHT_CHAIN'
  | 'LIGHT_HEIGHT'
  | 'LIGHT_TIME'
  | 'LIGHT_FROM_FUTURE'
  | 'LIGHT_HEADER_ID'
  | 'LIGHT_SET_HASH'
  | 'LIGHT_SET_INVALID'
  | 'LIGHT_SET_UNEXPECTED'
  | 'LIGHT_POSSESSION'
  | 'LIGHT_TRUST_INSUFFICIENT'
  | 'LIGHT_COMMIT'
  | 'LIGHT_TOO_MANY_STEPS'
> {}

/** Whether a header in between may help. After any other error who served the header is wrong, or the clock, or the trust too old. */
export function shouldBisect(error: unknown): boolean {
  return error instanceof LightError && error.code === 'LIGHT_TRUST_INSUFFICIENT';
}
