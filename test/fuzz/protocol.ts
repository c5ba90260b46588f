import assert from 'node:assert/strict';
import { AddressError, parseAddress, toChecksumAddress } from '../../protocol/address.js';
import {
  AmountError,
  formatOgpu,
  OGPU_DECIMALS,
  parseAmountWei,
  TOTAL_SUPPLY_WEI,
} from '../../protocol/amounts.js';
import { fromHex, HexError, toHex } from '../../protocol/bytes.js';
import { bls, BlsError, nobleBls } from '../../protocol/crypto/bls.js';
import { secp256k1 } from '../../protocol/crypto/secp256k1.js';
import type { OgpuError } from '../../protocol/errors.js';
import { chainParamsToJson, parseChainParams } from '../../protocol/params-check.js';
import { PRESETS } from '../../protocol/presets.js';
import type { Prng } from '../support/prng.js';
import { mutate, type FuzzTarget } from './target.js';

/** Small parsers of text and keys: a typed refusal, or a value that prints as what was read. */
export const protocolTargets: readonly FuzzTarget[] = [
  {
    name: 'text/hex',
    attack: (prng) => {
      const text = mutateText(prng, toHex(prng.bytes(prng.below(40))));
      const bytes = accepted(HexError, () => fromHex(text));
      if (bytes !== undefined) assert.equal(toHex(bytes), text.toLowerCase());
    },
  },
  {
    name: 'text/address',
    attack: (prng) => {
      const text = mutateText(prng, toChecksumAddress(prng.bytes(20)));
      const address = accepted(AddressError, () => parseAddress(text));
      if (address !== undefined) assert.equal(toChecksumAddress(address).toLowerCase(), text.toLowerCase());
    },
  },
  {
    name: 'text/amount',
    attack: (prng) => {
      const text = mutateText(prng, formatOgpu(prng.bigint(prng.pick([8, 64, 90]))));
      const amountWei = accepted(AmountError, () => parseAmountWei(text, OGPU_DECIMALS));
      if (amountWei === undefined) return;
      assert.ok(amountWei >= 0n && amountWei <= TOTAL_SUPPLY_WEI);
      assert.equal(parseAmountWei(formatOgpu(amountWei), OGPU_DECIMALS), amountWei);
    },
  },
  {
    name: 'json/params',
    attack: (prng) => {
      const json = parseJson(mutateText(prng, JSON.stringify(chainParamsToJson(PRESETS.devnet.params))));
      const result = parseChainParams(json, 'params');
      if ('faults' in result) assert.ok(result.faults.length > 0);
      else
        assert.deepEqual(
          parseChainParams(JSON.parse(JSON.stringify(chainParamsToJson(result.params))), 'params'),
          result,
        );
    },
  },
  {
    name: 'crypto/bls-key',
    attack: (prng) => {
      const secretKey = prng.bytes(32);
      secretKey[0] = 1;
      const bytes = mutate(prng, bls.publicKey(secretKey));
      const native = outcome(BlsError, () => bls.parsePublicKey(bytes).bytes);
      assert.deepEqual(
        native,
        outcome(BlsError, () => nobleBls.parsePublicKey(bytes).bytes),
        toHex(bytes),
      );
    },
  },
  {
    name: 'crypto/secp256k1-recover',
    attack: (prng) => {
      const digest = prng.bytes(32);
      const secretKey = prng.bytes(32);
      secretKey[0] = 1;
      const { signature, yParity } = secp256k1.sign(digest, secretKey);
      const hostile = mutate(prng, signature);
      const key = secp256k1.recover(digest, hostile, prng.pick([yParity, 1 - yParity, 2, 255]));
      if (key !== undefined) assert.ok(secp256k1.verify(hostile, digest, key), 'a recovered key verifies');
    },
  },
];

/** The result of `run`, or undefined when it was refused with an error of the given class; any other error is a failure. */
export function accepted<Value>(
  refusal: abstract new (...args: never[]) => OgpuError,
  run: () => Value,
): Value | undefined {
  try {
    return run();
  } catch (error) {
    assert.ok(error instanceof refusal, `untyped error: ${String(error)}`);
    return undefined;
  }
}

function outcome(refusal: abstract new (...args: never[]) => OgpuError, run: () => Uint8Array): string {
  try {
    return toHex(run());
  } catch (error) {
    assert.ok(error instanceof refusal, `untyped error: ${String(error)}`);
    return error.code;
  }
}

const INSERTS = [
  '',
  ' ',
  '-',
  '+',
  '.',
  ',',
  '0',
  '9',
  '1e9',
  '0x',
  '"',
  '{',
  '}',
  '[',
  ']',
  ':',
  'null',
  '\u0000',
  '\ud800',
  '٣',
  'é',
  '\n',
];

/** Text with a few characters replaced, inserted, removed or repeated. */
export function mutateText(prng: Prng, text: string): string {
  let mutated = text;
  for (let step = prng.below(4); step > 0; step--) {
    const at = prng.below(mutated.length + 1);
    const cut = prng.pick([0, 1, 1, prng.below(20)]);
    const insert = prng.chance(1, 10) ? '7'.repeat(prng.below(3000)) : prng.pick(INSERTS);
    mutated = mutated.slice(0, at) + insert + mutated.slice(at + cut);
  }
  return mutated;
}

/** JSON where it parses, the text itself otherwise: a parser of documents must refuse strings too. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
