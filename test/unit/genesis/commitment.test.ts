import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { toHex } from '../../../protocol/bytes.js';
import { readVector, REPOSITORY_ROOT } from '../../support/vectors.js';
import { load, type Json } from './sample.js';

const fixture = readVector<{ document: Json; id: string }>('genesis.json');
const guide = readFileSync(join(REPOSITORY_ROOT, 'docs', 'genesis.md'), 'utf8');

const sha256 = (...parts: readonly Uint8Array[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();

function chunksOf(bytes: Uint8Array): Buffer[] {
  const count = Math.ceil(bytes.length / 32);
  return Array.from({ length: count }, (_, i) =>
    Buffer.concat([bytes.subarray(32 * i, 32 * i + 32), Buffer.alloc(32)], 32),
  );
}

function merkle(leaves: readonly Buffer[], limit = leaves.length): Buffer {
  let zero: Buffer = Buffer.alloc(32);
  let level = [...leaves];
  for (let width = 1; width < limit; width *= 2) {
    const lower = level;
    const padding = zero;
    level = Array.from({ length: Math.ceil(lower.length / 2) }, (_, i) =>
      sha256(lower[2 * i] ?? padding, lower[2 * i + 1] ?? padding),
    );
    zero = sha256(zero, zero);
  }
  return level[0] ?? zero;
}

const uint = (value: unknown): Buffer => {
  const digits = BigInt(String(value)).toString(16).padStart(64, '0');
  return Buffer.from(digits, 'hex').reverse();
};
const bytes = (hex: unknown): Buffer => merkle(chunksOf(Buffer.from(String(hex).slice(2), 'hex')));
const list = (roots: readonly Buffer[], limit: number): Buffer =>
  sha256(merkle(roots, limit), uint(roots.length));
const text = (value: unknown, limit: number): Buffer => {
  const ascii = Buffer.from(String(value), 'ascii');
  return sha256(merkle(chunksOf(ascii), limit / 32), uint(ascii.length));
};
const byHex = (key: string) => (a: Json, b: Json) =>
  String(a[key]).toLowerCase() < String(b[key]).toLowerCase() ? -1 : 1;

/** The definition in docs/genesis.md, from the JSON alone: nothing of the node is used. */
function idByTheGuide(document: Json): string {
  const params = document['params'] as Record<string, Json>;
  const upgrades = document['params'] as { upgrades: Json[] };
  const validators = (document['validators'] as Json[]).toSorted(byHex('owner'));
  const stakes = new Map(
    validators.map((validator) => [validator['owner'], BigInt(String(validator['stakeWei']))]),
  );
  const allocations = document['allocations'] as Json[];
  const allocatedWei = allocations.reduce((sum, entry) => sum + BigInt(String(entry['balanceWei'])), 0n);
  const accounts = allocations
    .map(({ address, balanceWei }) => ({
      address,
      wei: BigInt(String(balanceWei)) - (stakes.get(address) ?? 0n),
    }))
    .filter(({ wei }) => wei > 0n)
    .sort(byHex('address'));
  const group = (name: string): Buffer => merkle(Object.values(params[name] ?? {}).map(uint));
  const root = merkle([
    uint(1),
    uint(upgrades.upgrades[0]?.['protocolVersion']),
    text(document['chain'], 32),
    uint(document['chainId']),
    uint(document['genesisTimeMs']),
    merkle([
      ...['consensus', 'blocks', 'staking', 'jobs', 'providers', 'sources'].map(group),
      list(
        upgrades.upgrades.map((u) => merkle([uint(u['protocolVersion']), uint(u['activationHeight'])])),
        64,
      ),
    ]),
    list(
      validators.map((v) =>
        merkle([
          text(v['name'], 64),
          ...['owner', 'operator', 'payout', 'blsPublicKey', 'proofOfPossession', 'ownerBinding'].map((f) =>
            bytes(v[f]),
          ),
          uint(v['stakeWei']),
          uint(v['commissionBps']),
        ]),
      ),
      1024,
    ),
    list(
      accounts.map(({ address, wei }) => merkle([bytes(address), uint(wei)])),
      2 ** 32,
    ),
    uint(21_000_000n * 10n ** 18n - allocatedWei),
  ]);
  const purpose = Buffer.concat([Buffer.from('genesis'), Buffer.alloc(32)], 32);
  return toHex(sha256(purpose, uint(document['chainId']).subarray(0, 8), root));
}

describe('genesis id', () => {
  test('of the fixture follows from the guide', () => {
    assert.equal(idByTheGuide(fixture.document), fixture.id);
  });

  test('of the example in the guide is the one stated there', async () => {
    const example = /```json\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
    const stated = /Its id is `(0x[0-9a-f]{64})`/.exec(guide)?.[1];
    assert.equal(toHex((await load(example)).id), stated);
  });
});
