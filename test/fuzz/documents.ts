import assert from 'node:assert/strict';
import { eachAccount, totalWei } from '../../genesis/accounts.js';
import { formatDocument, parseDocument } from '../../genesis/document.js';
import { FaultLog, GenesisError } from '../../genesis/faults.js';
import { parseJson } from '../../genesis/json.js';
import { canonicalCsv } from '../../genesis/snapshot-file.js';
import { importSnapshot } from '../../genesis/snapshot-import.js';
import { parseKey } from '../../node/keys/key-file.js';
import { MnemonicError, parseMnemonic } from '../../node/keys/mnemonic.js';
import { toChecksumAddress } from '../../protocol/address.js';
import { OgpuError } from '../../protocol/errors.js';
import type { Prng } from '../support/prng.js';
import { sampleDocument } from '../unit/genesis/sample.js';
import { readVector } from '../support/vectors.js';
import { accepted, mutateText } from './protocol.js';
import type { FuzzTarget } from './target.js';

/** Files an operator may be handed: typed refusals, or a value that can be written and read again. */
export const documentTargets: readonly FuzzTarget[] = [
  {
    name: 'documents/genesis',
    attack: (prng) => {
      const log = new FaultLog();
      const json = parseJson(mutateText(prng, JSON.stringify(sampleDocument())), log);
      const result = parseDocument(json);
      if ('faults' in result)
        assert.ok(result.faults.length > 0 && result.faults.every(({ path, code }) => path && code));
      else assert.deepEqual(parseDocument(JSON.parse(formatDocument(result.value))), result);
    },
  },
  {
    name: 'documents/snapshot',
    attack: async (prng) => {
      const chunks = chunked(prng, Buffer.from(mutateText(prng, snapshotCsv(prng))));
      try {
        const { accounts, totalWei: statedWei } = await importSnapshot(chunks, {
          name: 'holders.csv',
          decimals: 0,
        });
        assert.equal(totalWei(accounts), statedWei);
        const again = await importSnapshot(chunked(prng, Buffer.concat([...canonicalCsv(accounts)])), {
          name: 'again',
          decimals: 0,
        });
        assert.deepEqual([...eachAccount(again.accounts)], [...eachAccount(accounts)]);
      } catch (error) {
        assert.ok(error instanceof GenesisError && error.faultCount > 0, `untyped error: ${String(error)}`);
      }
    },
  },
  {
    name: 'documents/key-file',
    attack: async (prng) => {
      const text = JSON.stringify(prng.pick(keystores()));
      try {
        assert.ok((await parseKey(Buffer.from(mutateText(prng, text)))).kind);
      } catch (error) {
        assert.ok(error instanceof OgpuError, `untyped error: ${String(error)}`);
      }
    },
  },
  {
    name: 'documents/mnemonic',
    attack: (prng) => {
      const words = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
      const text = mutateText(prng, words);
      const mnemonic = accepted(MnemonicError, () => parseMnemonic(text));
      if (mnemonic !== undefined) assert.equal(parseMnemonic(mnemonic), mnemonic);
    },
  },
];

function snapshotCsv(prng: Prng): string {
  const rows = Array.from(
    { length: 1 + prng.below(8) },
    () => `${toChecksumAddress(prng.bytes(20))},${prng.bigint(70).toString()}`,
  );
  const newline = prng.pick(['\n', '\r\n']);
  return ['address,balance', ...rows].join(newline) + prng.pick(['', newline]);
}

/** The bytes in pieces of random size, as a slow disk would give them. */
async function* chunked(prng: Prng, bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length;) {
    const end = start + 1 + prng.below(200);
    yield await Promise.resolve(bytes.subarray(start, end));
    start = end;
  }
}

function keystores(): readonly unknown[] {
  const web3 = readVector<Record<string, unknown>>('web3-secret-storage.json');
  const eip2335 = readVector<Record<string, unknown>>('eip2335.json');
  return [web3['scrypt'], web3['pbkdf2'], eip2335['scrypt'], eip2335['pbkdf2']];
}
