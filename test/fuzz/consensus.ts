import assert from 'node:assert/strict';
import { decodeRecord, encodeRecord, type LogRecord } from '../../consensus/engine/record.js';
import { decodeMessage, encodeMessage, type Message } from '../../consensus/messages.js';
import { SszError } from '../../protocol/ssz/types.js';
import { MESSAGE_SAMPLES, RECORD_SAMPLES } from '../support/consensus-samples.js';
import { accepted } from './protocol.js';
import { mutate, type FuzzTarget } from './target.js';

/** What validators send each other, and what their logs hold: a typed refusal, or the one value these bytes encode. */
export const consensusTargets: readonly FuzzTarget[] = [
  ...(Object.keys(MESSAGE_SAMPLES) as Message['kind'][]).map((kind): FuzzTarget => ({
    name: `consensus/message-${kind}`,
    attack: (prng) => {
      const good = encodeMessage(MESSAGE_SAMPLES[kind](prng));
      const bytes = prng.chance(1, 8) ? prng.bytes(prng.below(600)) : mutate(prng, good);
      const message = accepted(SszError, () => decodeMessage(bytes));
      if (message !== undefined) assert.deepEqual(encodeMessage(message), bytes);
    },
  })),
  ...(Object.keys(RECORD_SAMPLES) as LogRecord['kind'][]).map((kind): FuzzTarget => ({
    name: `consensus/record-${kind}`,
    attack: (prng) => {
      const good = encodeRecord(RECORD_SAMPLES[kind](prng));
      const number = prng.chance(1, 8) ? prng.below(256) : good.kind;
      const bytes = { kind: number, payload: mutate(prng, good.payload) };
      const record = accepted(SszError, () => decodeRecord(bytes));
      if (record !== undefined) assert.deepEqual(encodeRecord(record), bytes);
    },
  })),
];
