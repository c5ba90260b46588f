import assert from 'node:assert/strict';
import type { Codec } from '../../protocol/ssz/codec.js';
import { SszError } from '../../protocol/ssz/types.js';
import { CODECS, type CodecName } from '../../protocol/types/codecs.js';
import { SAMPLES } from '../support/samples.js';
import { mutate, type FuzzTarget } from './target.js';

/** What any SSZ decoder must do with any bytes: refuse with a typed error, or return the one value these bytes encode. */
export const sszTargets: readonly FuzzTarget[] = (Object.keys(CODECS) as CodecName[]).map((name) => ({
  name: `ssz/${name}`,
  attack: (prng) => {
    const codec = CODECS[name] as Codec<unknown>;
    const bytes = prng.chance(1, 8)
      ? prng.bytes(prng.below(600))
      : mutate(prng, codec.encode(SAMPLES[name](prng)));
    let value: unknown;
    try {
      value = codec.decode(bytes);
    } catch (error) {
      assert.ok(error instanceof SszError, `untyped error: ${String(error)}`);
      return;
    }
    assert.deepEqual(codec.encode(value), bytes, 'accepted bytes are not the encoding of what was decoded');
    assert.equal(codec.root(value).length, 32);
  },
}));
