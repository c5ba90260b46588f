import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { validatorToJson } from '../../../genesis/document.js';
import { GenesisError } from '../../../genesis/faults.js';
import { parseGenesis } from '../../../genesis/load.js';
import { bindOwner } from '../../../genesis/owner-binding.js';
import type { GenesisState } from '../../../genesis/state.js';
import { toChecksumAddress, type Address } from '../../../protocol/address.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { bls } from '../../../protocol/crypto/bls.js';
import { sha256 } from '../../../protocol/crypto/hash.js';
import { chainParamsToJson } from '../../../protocol/params-check.js';
import { PRESETS } from '../../../protocol/presets.js';

/** A genesis document as JSON, open to be broken. */
export type Json = Record<string, unknown>;

/** Deterministic: the first 20 bytes of SHA-256 of a number. */
export function address(seed: number): Address {
  return sha256(Uint8Array.of(seed & 0xff, (seed >> 8) & 0xff, (seed >> 16) & 0xff)).slice(0, 20);
}

export function addressText(seed: number): string {
  return toChecksumAddress(address(seed));
}

export function ogpu(amount: number): string {
  return (BigInt(amount) * WEI_PER_OGPU).toString();
}

const cache = new Map<number, Json>();

/** Entry of validator `index`: owner is address(index), stake 1,000 OGPU. */
export function validatorEntry(index: number): Json {
  const cached = cache.get(index) ?? { ...makeValidator(index) };
  cache.set(index, cached);
  return { ...cached };
}

function makeValidator(index: number): Json {
  const secretKey = sha256(Uint8Array.of(0xb1, index));
  secretKey[0] = 0;
  const chain = { chainId: PRESETS.devnet.chainId, protocolVersion: 1 };
  return validatorToJson({
    name: `validator ${index}`,
    owner: address(index),
    operator: address(100 + index),
    payout: address(200 + index),
    blsPublicKey: bls.publicKey(secretKey),
    proofOfPossession: bls.provePossession(secretKey),
    ownerBinding: bindOwner(secretKey, chain, address(index)),
    stakeWei: 1000n * WEI_PER_OGPU,
    commissionBps: 500,
  });
}

/** A valid devnet document with two validators and three allocations. */
export function sampleDocument(changes: Json = {}): Json {
  return {
    version: 1,
    chain: 'devnet',
    chainId: PRESETS.devnet.chainId,
    genesisTimeMs: 1_800_000_000_000,
    params: chainParamsToJson(PRESETS.devnet.params),
    validators: [validatorEntry(1), validatorEntry(2)],
    allocations: [
      { address: addressText(1), balanceWei: ogpu(1500), label: 'first owner' },
      { address: addressText(2), balanceWei: ogpu(1000) },
      { address: addressText(3), balanceWei: '1' },
    ],
    snapshots: [],
    ...changes,
  };
}

export function load(document: Json | string, directory = '/nowhere'): Promise<GenesisState> {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return parseGenesis(text, { directory }, 'genesis.json');
}

/** `path code` of every fault, in order. */
export async function faultsOf(work: Promise<unknown>): Promise<string[]> {
  try {
    await work;
  } catch (error) {
    if (error instanceof GenesisError) return error.faults.map(({ path, code }) => `${path} ${code}`);
    throw error;
  }
  return [];
}

/** A directory that is removed when the test ends. */
export function temporaryDirectory(
  context: TestContext,
  files: Readonly<Record<string, string>> = {},
): string {
  const directory = mkdtempSync(join(tmpdir(), 'ogpu-genesis-'));
  context.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}
