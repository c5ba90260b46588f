import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseAddress, toChecksumAddress } from '../../../protocol/address.js';
import { fromHex, toHex } from '../../../protocol/bytes.js';
import { KECCAK256_BACKENDS, SHA256_BACKENDS } from '../../unit/crypto/both-backends.js';

/** Test cases shipped with ethers. */
function readCases<Case>(name: string): readonly Case[] {
  const manifest = createRequire(import.meta.url).resolve('@ethersproject/testcases/package.json');
  const packed = readFileSync(join(dirname(manifest), 'testcases', `${name}.json.gz`));
  const cases = JSON.parse(gunzipSync(packed).toString('utf8')) as readonly Case[];
  assert.ok(cases.length > 100);
  return cases;
}

test('hashes.json: keccak256 and sha256', () => {
  for (const { data, ...digests } of readCases<{ data: string; keccak256: string; sha256: string }>(
    'hashes',
  )) {
    const input = fromHex(data);
    for (const { name, hash } of KECCAK256_BACKENDS)
      assert.equal(toHex(hash(input)), digests.keccak256, name);
    for (const { name, hash } of SHA256_BACKENDS) assert.equal(toHex(hash(input)), digests.sha256, name);
  }
});

test('accounts.json: checksum addresses', () => {
  for (const { address, checksumAddress } of readCases<{ address: string; checksumAddress: string }>(
    'accounts',
  )) {
    const bytes = parseAddress(checksumAddress);
    assert.equal(toHex(bytes), address.toLowerCase());
    assert.equal(toChecksumAddress(bytes), checksumAddress);
  }
});
