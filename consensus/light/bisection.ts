import { invariant } from '../../protocol/invariant.js';
import { LightError, shouldBisect } from './errors.js';
import type { LightOptions, TrustedHeader, TrustPoint } from './trust.js';
import { verifyHeader, type LightBlock } from './verify.js';

/** Light blocks one call may fetch: more would mean that the validators changed as often on the way. */
export const MAX_LIGHT_STEPS = 1024;

export interface BisectionOptions extends LightOptions {
  /** `MAX_LIGHT_STEPS` unless told otherwise. */
  readonly maxSteps?: number;
}

/**
 * Believes the header of `height`, with as few headers in between as the changes of the validator set allow.
 *
 * @param request serves the light block of a height; bounds its own time and size
 * @param nowMs Unix milliseconds
 * @throws LightError; whatever `request` rejects with
 */
export async function verifyToHeight(
  trusted: TrustPoint,
  height: number,
  request: (height: number) => Promise<LightBlock>,
  nowMs: number,
  options: BisectionOptions,
): Promise<TrustedHeader> {
  const { maxSteps = MAX_LIGHT_STEPS } = options;
  if (height <= trusted.height) {
    throw new LightError('LIGHT_HEIGHT', `height ${height} is not above ${trusted.height}`, { height });
  }
  let latest: TrustedHeader | undefined;
  /** Heights yet to be believed, the nearest last. */
  const pending = [await requestOne(request, height)];
  for (let steps = 1; ;) {
    const candidate = pending.at(-1);
    if (candidate === undefined) break;
    const base: TrustPoint = latest ?? trusted;
    try {
      latest = verifyHeader(base, candidate, nowMs, options);
      pending.pop();
    } catch (error) {
      if (!shouldBisect(error)) throw error;
      if (++steps > maxSteps) {
        throw new LightError('LIGHT_TOO_MANY_STEPS', `${maxSteps} headers do not lead to height ${height}`, {
          ...{ height, reached: base.height, maxSteps },
        });
      }
      const middle = base.height + Math.floor((candidate.header.height - base.height) / 2);
      pending.push(await requestOne(request, middle));
    }
  }
  invariant(latest?.height === height, 'the last header believed is the one asked for');
  return latest;
}

async function requestOne(
  request: (height: number) => Promise<LightBlock>,
  height: number,
): Promise<LightBlock> {
  const block = await request(height);
  if (block.header.height === height) return block;
  throw new LightError('LIGHT_HEIGHT', `asked for height ${height}, served ${block.header.height}`, {
    ...{ height, served: block.header.height },
  });
}
