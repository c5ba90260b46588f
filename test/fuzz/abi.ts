import assert from 'node:assert/strict';
import { decodeAbi } from '../../protocol/abi/decode.js';
import { encodeAbi } from '../../protocol/abi/encode.js';
import { AbiError, parseAbiType } from '../../protocol/abi/types.js';
import { randomParameters, randomValue } from '../support/abi-samples.js';
import { accepted } from './protocol.js';
import { mutate, type FuzzTarget } from './target.js';

/** Calldata anybody may send: a typed refusal, or the one encoding of what was decoded. */
export const abiTargets: readonly FuzzTarget[] = [
  {
    name: 'abi/decode',
    attack: (prng) => {
      const types = randomParameters(prng).map((parameter) => parseAbiType(parameter));
      const values = types.map((type) => randomValue(prng, type));
      const bytes = prng.chance(1, 8)
        ? prng.bytes(32 * prng.below(20))
        : mutate(prng, encodeAbi(types, values));
      const decoded = accepted(AbiError, () => decodeAbi(types, bytes));
      if (decoded !== undefined) assert.deepEqual(encodeAbi(types, decoded), bytes);
    },
  },
];
