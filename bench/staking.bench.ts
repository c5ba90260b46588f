import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openDatabase } from '../node/database.js';
import { TOTAL_SUPPLY_WEI } from '../protocol/amounts.js';
import type { ChainParams } from '../protocol/params.js';
import { PRESETS } from '../protocol/presets.js';
import { initializeLedger } from '../state/chain/genesis.js';
import { delegate, redelegate, undelegate } from '../state/staking/delegating.js';
import { changeEpoch } from '../state/staking/epoch.js';
import { writeNewValidator } from '../state/staking/registering.js';
import { tombstone } from '../state/staking/slashing.js';
import { Overlay } from '../state/store/overlay.js';
import type { Store } from '../state/store/store.js';
import type { Scope } from '../state/transition/block-context.js';
import { openBlock } from '../state/transition/transition.js';
import { GENESIS_TIME_MS, genesisValidator, nextInput } from '../test/support/ledger.js';
import { createPrng, type Prng } from '../test/support/prng.js';
import type { Measurement, Suite } from './harness.js';

/** What staking costs with many delegators of one validator, and with many validators: nothing may grow faster than the logarithm. */
export const suite: Suite = { measurements };

/** The largest takes minutes to fill. */
const SIZES = process.env['OGPU_BENCH_FULL'] === '1' ? [10_000, 100_000, 1_000_000] : [10_000, 100_000];
const OPERATIONS = 200;
const CHUNK = 5_000;
const STAKE_WEI = 10n ** 15n;
const GENESIS_ID = new Uint8Array(32).fill(7);
const PARAMS: ChainParams = {
  ...PRESETS.devnet.params,
  staking: { ...PRESETS.devnet.params.staking, minSelfStakeWei: STAKE_WEI },
};
const [FIRST, SECOND, THIRD] = [1, 2, 3].map((number) => genesisValidator(number).owner) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

async function measurements(): Promise<readonly Measurement[]> {
  const results: Measurement[] = [];
  for (const [what, fill] of [
    ['delegators', addDelegator],
    ['validators', addValidator],
  ] as const) {
    for (const count of SIZES) {
      results.push(await withLedger((store) => measure(`staking/${what}=${count}`, store, count, fill)));
    }
  }
  return results;
}

type Fill = (scope: Scope, prng: Prng) => void;

async function measure(name: string, store: Store, count: number, fill: Fill): Promise<Measurement> {
  const prng = createPrng(count);
  for (let first = 0; first < count; first += CHUNK) {
    const scope = openScope(store);
    for (let i = 0; i < CHUNK; i++) fill(scope, prng);
    await store.write(scope.state.changes(), { sync: false });
  }
  const people = Array.from({ length: OPERATIONS }, () => prng.bytes(20));
  const each = (run: (scope: Scope, person: Uint8Array) => void): ((scope: Scope) => void) => {
    return (scope) => {
      for (const person of people) run(scope, person);
    };
  };
  const stages: readonly (readonly [string, number, (scope: Scope) => void])[] = [
    ['join', OPERATIONS, each((scope, person) => delegate(scope, FIRST, person, STAKE_WEI))],
    ['move', OPERATIONS, each((scope, person) => redelegate(scope, FIRST, SECOND, person, STAKE_WEI / 3n))],
    ['leave', OPERATIONS, each((scope, person) => undelegate(scope, FIRST, person, STAKE_WEI / 3n))],
    ['slash', 1, (scope) => tombstone(scope, FIRST, { epoch: 0, height: 1 }, THIRD)],
    ['epoch change', 1, changeEpoch],
  ];
  const figures: string[] = [];
  for (const [label, operations, run] of stages) figures.push(await runStage(store, label, operations, run));
  return { name, value: figures.join('; '), goal: 'grows no faster than log n' };
}

/** Time of one operation, and the state entries it changes. */
async function runStage(
  store: Store,
  label: string,
  operations: number,
  run: (scope: Scope) => void,
): Promise<string> {
  const scope = openScope(store);
  const start = performance.now();
  run(scope);
  const each = ((performance.now() - start) * 1000) / operations;
  const changes = scope.state.changes();
  await store.write(changes, { sync: false });
  return `${label} ${Math.round(each)} µs, ${(changes.length / operations).toFixed(1)} writes`;
}

function addDelegator(scope: Scope, prng: Prng): void {
  delegate(scope, FIRST, prng.bytes(20), STAKE_WEI + prng.bigint(40));
}

function addValidator(scope: Scope, prng: Prng): void {
  const owner = prng.bytes(20);
  const terms = { name: 'v', operator: owner, payout: owner, commissionBps: 0 };
  const since = { fromEpoch: 0, changedMs: GENESIS_TIME_MS };
  const key = { blsPublicKey: prng.bytes(48), proofOfPossession: prng.bytes(96) };
  writeNewValidator(scope.state, owner, { ...terms, key }, since);
  delegate(scope, owner, owner, STAKE_WEI + prng.bigint(50));
}

function openScope(store: Store): Scope {
  const state = new Overlay(store, { maxBytes: 1 << 30 });
  const { block } = openBlock(store, nextInput(store, { proposer: FIRST }));
  return { state, block, emit: () => undefined };
}

async function withLedger<Result>(run: (store: Store) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'ogpu-bench-staking-'));
  const { chainId } = PRESETS.devnet;
  const identity = { chainId, genesisId: GENESIS_ID, protocolVersion: 1 };
  const { store } = await openDatabase({ path: join(folder, 'db'), identity });
  try {
    const validators = [1, 2, 3].map((number) => genesisValidator(number));
    const stakedWei = validators.reduce((sum, { stakeWei }) => sum + stakeWei, 0n);
    await initializeLedger(store, {
      chainId,
      genesisId: GENESIS_ID,
      genesisTimeMs: GENESIS_TIME_MS,
      params: PARAMS,
      reserveWei: TOTAL_SUPPLY_WEI - stakedWei,
      validators,
      accounts: () => [],
    });
    return await run(store);
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}
