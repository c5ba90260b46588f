import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../../protocol/address.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { toHex } from '../../../protocol/bytes.js';
import { updateStateRoot } from '../../../state/chain/state-root.js';
import { nextValidators } from '../../../state/staking/active-set.js';
import type { Entry, Reader } from '../../../state/store/store.js';
import type { RecordedChange } from '../../../state/store/overlay.js';
import { paramsRecord } from '../../../state/system/chain.js';
import { transition } from '../../../state/transition/transition.js';
import { BlockInvalidError } from '../../../state/transition/transition.js';
import { naiveStateRoot } from '../../support/chain.js';
import { genesisValidator, nextInput } from '../../support/ledger.js';
import { createPrng, type Prng } from '../../support/prng.js';
import {
  eventsOf,
  gasOf,
  person,
  StakingChain,
  stakingParams,
  type BlockOptions,
  type StakingCall,
} from '../../support/staking.js';

/** Histories of blocks; more of them with OGPU_CASES. */
const HISTORIES = Number(process.env.OGPU_CASES ?? 24);
const BLOCKS = 45;

const OWNERS = [1, 2, 3, 4, 5].map((number) => new Uint8Array(20).fill(number));
const PEOPLE = [...OWNERS, ...['ann', 'ben', 'cyd', 'dan', 'eve'].map(person)];
const NOBODY = person('nobody');

test('random histories of everything: every invariant holds after every block, and nobody is stuck at the end', async () => {
  const seen = new Map<string, number>();
  for (let seed = 0; seed < HISTORIES; seed++) {
    const prng = createPrng(seed);
    const chain = randomChain(prng);
    const tree = new Tree(chain.ledger.entries());
    for (let step = 0; step < BLOCKS; step++) {
      try {
        const block = await randomBlock(chain, prng);
        const { changes, calls } = block;
        for (const { status } of calls) count(seen, `status ${status}`);
        for (const { name } of eventsOf(block)) count(seen, name);
        const root = tree.update(changes);
        if (step % 9 === 0) assert.equal(root, naiveStateRoot(chain.ledger.entries()));
      } catch (error) {
        throw new Error(`seed ${seed}, block ${step}: ${String(error)}`, { cause: error });
      }
    }
    await everybodyLeaves(chain).catch((error: unknown) => {
      throw new Error(`seed ${seed}, at the end: ${String(error)}`, { cause: error });
    });
  }
  for (const status of [0, 1])
    assert.ok((seen.get(`status ${status}`) ?? 0) > 20 * HISTORIES, `status ${status}`);
  for (const event of ['Jailed', 'JailDeferred', 'Unjailed', 'Tombstoned', 'UnbondingPaid'])
    assert.ok((seen.get(event) ?? 0) >= Math.floor(HISTORIES / 6), `${event}: ${seen.get(event)}`);
});

function randomChain(prng: Prng): StakingChain {
  const evidenceMaxAgeBlocks = prng.pick([1, 4, 12, 40]);
  const params = stakingParams({
    consensus: { maxValidators: prng.pick([1, 2, 3, 5, 150]), evidenceMaxAgeBlocks },
    blocks: { initialBaseFeeWei: 1n, minBaseFeeWei: 1n, gasLimit: prng.pick([3_000_000, 120_000_000]) },
    staking: {
      minSelfStakeWei: prng.pick([1n, 100n * WEI_PER_OGPU]),
      equivocationSlashBps: prng.pick([1, 500, 500, 3_333, 9_999, 10_000]),
      unbondingBlocks: evidenceMaxAgeBlocks + prng.pick([1, 2, 15]),
      downtimeSlashBps: prng.pick([0, 1, 500, 999, 1_000]),
      downtimeMinBlocks: prng.pick([1, 3]),
      downtimeMinSignedBps: prng.pick([500, 6_000]),
      finderRewardBps: prng.pick([0, 500, 10_000]),
      emissionBpsPerYear: prng.pick([0, 2_000, 10_000]),
      maxCommissionChangeBpsPerDay: prng.pick([100, 10_000]),
      jailMs: prng.pick([1_000, 90_000]),
    },
  });
  const stakes = [
    10_000n * WEI_PER_OGPU,
    10_000n * WEI_PER_OGPU,
    101n * WEI_PER_OGPU,
    3n * 10n ** 12n + 1n,
    10n ** 21n,
  ];
  const members = stakes.map((stakeWei, index) =>
    genesisValidator(index + 1, {
      stakeWei,
      commissionBps: prng.pick([0, 1_000, 9_999, 10_000]),
      payout: prng.pick(PEOPLE),
      operator: prng.pick(PEOPLE),
    }),
  );
  return new StakingChain({ params, members, people: PEOPLE });
}

function randomBlock(chain: StakingChain, prng: Prng): ReturnType<StakingChain['block']> {
  const set = nextValidators(chain.ledger);
  const many = prng.chance(1, 10) ? 30 : 7;
  const calls = Array.from({ length: prng.below(many) }, () => randomCall(prng));
  const afterMs = prng.pick([
    1,
    1_000,
    1_000,
    5_000,
    30_000,
    61_000,
    61_000,
    200_000,
    650_000,
    3 * 86_400_000,
  ]);
  const options: BlockOptions = {
    calls: fitting(chain, calls),
    afterMs,
    proposer: prng.pick(set).id,
    absent: set.filter(() => prng.chance(1, 4)).map(({ id }) => id),
  };
  const offence = { validator: prng.pick(OWNERS), height: Math.max(1, chain.height - prng.below(12)) };
  const evidence = prng.chance(1, 12) ? [offence] : [];
  const input = nextInput(chain.ledger, {
    timeMs: chain.timeMs + afterMs,
    proposer: set[0]?.id ?? NOBODY,
    evidence,
  });
  return chain.block({ ...options, evidence: isAdmissible(chain.ledger, input) ? evidence : [] });
}

/** As many as the block has gas for. */
function fitting(chain: StakingChain, calls: readonly StakingCall[]): StakingCall[] {
  let gasLeft = BigInt(chain.gasLimit);
  return calls.filter(({ name }) => {
    if (gasOf(name) > gasLeft) return false;
    gasLeft -= gasOf(name);
    return true;
  });
}

function isAdmissible(ledger: Reader, input: ReturnType<typeof nextInput>): boolean {
  try {
    transition(ledger, input);
    return true;
  } catch (error) {
    if (!(error instanceof BlockInvalidError)) throw error;
    assert.match(String(error.data['reason']), /^EVIDENCE_/);
    return false;
  }
}

function randomCall(prng: Prng): StakingCall {
  const from = prng.pick(PEOPLE);
  const anyone = (): Address => prng.pick(prng.chance(1, 30) ? [NOBODY] : OWNERS);
  const amountWei = prng.pick([
    0n,
    1n,
    2n,
    7n,
    WEI_PER_OGPU,
    9_999n * WEI_PER_OGPU,
    prng.bigint(20),
    prng.bigint(72),
  ]);
  const simple = (name: string, ...values: StakingCall['values']): StakingCall => ({ from, name, values });
  if (prng.chance(1, 40)) return nonsense(from, prng);
  switch (prng.below(14)) {
    case 0:
    case 1:
    case 2:
      return { ...simple('delegate', anyone()), valueWei: amountWei };
    case 3:
      return simple('undelegate', anyone(), amountWei);
    case 4:
      return simple('undelegateAll', anyone());
    case 5:
      return simple('cancelUnbonding', BigInt(prng.below(40)));
    case 6:
    case 7:
      return simple('redelegate', anyone(), anyone(), amountWei);
    case 8:
      return simple('redelegateAll', anyone(), anyone());
    case 9:
      return simple('claimRewards', anyone());
    case 10:
      return simple('settle', anyone(), prng.pick(PEOPLE));
    case 11:
      return simple('setCommission', BigInt(prng.pick([0, 50, 1_000, 10_000, 10_001, 65_535])));
    case 12:
      return simple(prng.pick(['setOperator', 'setPayout']), prng.pick([new Uint8Array(20), ...PEOPLE]));
    default:
      return prng.chance(1, 3) ? simple('unjail', anyone()) : ownerCall('unjail', prng.pick(OWNERS));
  }
}

function ownerCall(name: string, id: Address): StakingCall {
  return { from: id, name, values: [id] };
}

/** Keys and proofs nobody made, and a payment nobody asked for. */
function nonsense(from: Address, prng: Prng): StakingCall {
  const [key, proof, binding] = [prng.bytes(prng.pick([0, 48])), prng.bytes(96), prng.bytes(96)];
  const terms = [prng.pick(['', 'name']), from, from, BigInt(prng.below(20_000)), key, proof, binding];
  return prng.pick<StakingCall>([
    { from, name: 'register', values: terms, valueWei: prng.bigint(70) },
    { from, name: 'rotateKey', values: [prng.pick(OWNERS), key, proof, binding] },
    { from, name: 'undelegateAll', values: [prng.pick(OWNERS)], valueWei: 1n },
  ]);
}

/** Everybody takes out all he has, and after the unbonding time nothing is left but what nobody owns. */
async function everybodyLeaves(chain: StakingChain): Promise<void> {
  for (const from of PEOPLE) {
    for (const id of OWNERS) {
      if (chain.delegation(id, from).holding.shares === 0n) continue;
      await chain.block({ calls: [{ from, name: 'settle', values: [id, from] }], afterMs: 1 });
      if (chain.delegation(id, from).holding.shares === 0n) continue;
      await chain.block({ calls: [{ from, name: 'undelegateAll', values: [id] }], afterMs: 1 });
      assert.equal(chain.delegation(id, from).holding.shares, 0n, 'all has left');
    }
  }
  await chain.block({ afterMs: 11 * 60_000 });
  const { unbondingBlocks } = paramsRecord.read(chain.ledger).staking;
  for (let i = 0; i < unbondingBlocks; i++) await chain.block({ afterMs: 1 });
  for (const id of OWNERS) {
    const { pool } = chain.validator(id);
    assert.deepEqual([pool.shares, pool.tokensWei], [0n, 0n]);
    assert.equal(pool.rewardsWei << 128n, pool.remainder, 'what nobody has earned');
    assert.ok(
      pool.rewardsWei < 100n,
      `${pool.rewardsWei} wei: fractions of those who have left, until somebody comes`,
    );
  }
  const left = chain.ledger.entries().filter(({ key }) => /^(del|delr|unb|unbp|heap|hplc)\//.test(text(key)));
  assert.deepEqual(
    left.map(({ key }) => text(key)),
    [],
    'nothing is left over',
  );
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** The state tree beside a ledger, kept block by block. */
class Tree implements Reader {
  readonly #nodes = new Map<string, Uint8Array>();

  constructor(entries: readonly Entry[]) {
    this.update(entries);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#nodes.get(toHex(key));
  }

  /** @returns the root */
  update(changes: readonly Pick<RecordedChange, 'key' | 'value'>[]): string {
    const { root, nodes } = updateStateRoot(this, changes);
    for (const { key, value } of nodes) {
      if (value === undefined) this.#nodes.delete(toHex(key));
      else this.#nodes.set(toHex(key), value);
    }
    return toHex(root);
  }
}

function count(seen: Map<string, number>, what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1);
}
