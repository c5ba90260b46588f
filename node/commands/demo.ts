import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Command } from 'commander';
import { createGenesis, DOCUMENT_FILE } from '../../genesis/create.js';
import { bindOwner } from '../../genesis/owner-binding.js';
import type { GenesisState } from '../../genesis/state.js';
import { addressFromPublicKey, toChecksumAddress } from '../../protocol/address.js';
import { formatOgpu, WEI_PER_OGPU } from '../../protocol/amounts.js';
import { compareBytes, toHex } from '../../protocol/bytes.js';
import { bls } from '../../protocol/crypto/bls.js';
import { secp256k1 } from '../../protocol/crypto/secp256k1.js';
import { signingRoot } from '../../protocol/domains.js';
import { OgpuError } from '../../protocol/errors.js';
import { PRESETS } from '../../protocol/presets.js';
import { BitArray } from '../../protocol/ssz/types.js';
import { recoverSender } from '../../protocol/transactions/recover.js';
import type { Commit } from '../../protocol/types/commit.js';
import { votePayloadCodec } from '../../protocol/types/vote.js';
import { readAccount } from '../../state/accounts/account.js';
import { readHead } from '../../state/chain/marks.js';
import { allEntries, checkStateRoot } from '../../state/diagnosis/check-ledger.js';
import { replay } from '../../state/diagnosis/replay.js';
import { auditState } from '../../state/invariants/audit.js';
import { nextValidators } from '../../state/staking/active-set.js';
import { findUnbonding, unbondingValueWei } from '../../state/staking/unbonding.js';
import { validators } from '../../state/staking/validator.js';
import type { Store } from '../../state/store/store.js';
import { progressRecord } from '../../state/system/chain.js';
import { ledgerFolder } from '../data-folder.js';
import {
  DemoChain,
  doublePrecommit,
  type CommitPlace,
  type Member,
  type ProducedBlock,
} from '../demo/chain.js';
import { signPayment, stakingCall, type Payment } from '../demo/transactions.js';
import { generateAccountSecret, generateValidatorSecret } from '../keys/secret-key.js';
import { openLedger } from '../ledger.js';

const VALIDATORS = 4;
const HOLDERS = 6_450;
const STAKE_WEI = 10_000n * WEI_PER_OGPU;
const { chainId, params } = PRESETS.devnet;

/** Something in the demonstration was not as it must be, or there is no place for its files. */
export class DemoError extends OgpuError<'DEMO_FAILED' | 'DEMO_FOLDER'> {}

/** `ogpu demo`: everything built so far, run once for real and from nothing. */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'run what is built so far, from nothing: keys, genesis, a ledger with real blocks, votes, replay',
    )
    .option('--keep', 'keep the files: genesis and ledger', false)
    .action(async ({ keep }: { keep: boolean }) => {
      const folder = await makeFolder();
      try {
        await runDemo(folder);
        say('\nNot built yet: agreement over a network, JSON-RPC, jobs and their audit.');
        say(keep ? keptText(folder) : 'Next: ogpu demo --keep, ogpu keys --help, ogpu genesis --help');
      } finally {
        if (!keep) await rm(folder, { recursive: true, force: true });
      }
    });
}

async function makeFolder(): Promise<string> {
  const parent = tmpdir();
  return mkdtemp(join(parent, 'ogpu-demo-')).catch((cause: unknown) => {
    const data = { path: parent, cure: 'name a folder that can be written to in TMPDIR' };
    throw new DemoError('DEMO_FOLDER', 'cannot make a temporary folder', data, { cause });
  });
}

async function runDemo(folder: string): Promise<void> {
  const members = await step(
    `Keys for ${VALIDATORS} validators (BLS12-381) and their owners (secp256k1)`,
    () => Array.from({ length: VALIDATORS }, createMember).sort((a, b) => compareBytes(a.owner, b.owner)),
  );
  for (const { owner, blsPublicKey } of members) {
    say(`    ${toChecksumAddress(owner)}  ${toHex(blsPublicKey).slice(0, 22)}…`);
  }
  const genesis = await step(
    `Devnet genesis from them and a snapshot of ${HOLDERS.toLocaleString('en-GB')} holders`,
    () => buildGenesis(folder, members),
  );
  say(`    id        ${toHex(genesis.id)}`);
  say(`    accounts  ${genesis.accounts.length.toLocaleString('en-GB')}`);
  say(`    staked    ${formatOgpu(genesis.stakedWei)} OGPU`);
  say(`    reserve   ${formatOgpu(genesis.reserveWei)} OGPU, for validator rewards`);
  await runLedger(dataFolder(folder), genesis, members);
}

function createMember(): Member {
  const ownerSecretKey = generateAccountSecret();
  const blsSecretKey = generateValidatorSecret();
  return {
    owner: addressFromPublicKey(secp256k1.publicKey(ownerSecretKey)),
    ownerSecretKey,
    blsSecretKey,
    blsPublicKey: bls.publicKey(blsSecretKey),
  };
}

async function buildGenesis(folder: string, members: readonly Member[]): Promise<GenesisState> {
  const rows = Array.from(
    { length: HOLDERS },
    (_, i) => `${toHex(randomBytes(20))},${(BigInt(i + 1) * WEI_PER_OGPU) / 10n}`,
  );
  const csv = join(folder, 'holders-export.csv');
  await writeFile(csv, `address,balance\n${rows.join('\n')}\n`);
  const { state } = await createGenesis({
    preset: 'devnet',
    genesisTimeMs: Date.now(),
    validators: members.map(({ owner, blsSecretKey, blsPublicKey }, index) => ({
      name: `demo-${index + 1}`,
      owner,
      operator: owner,
      payout: owner,
      blsPublicKey,
      proofOfPossession: bls.provePossession(blsSecretKey),
      ownerBinding: bindOwner(blsSecretKey, { chainId, protocolVersion: 1 }, owner),
      stakeWei: STAKE_WEI,
      commissionBps: 500,
    })),
    allocations: members.map(({ owner }) => ({ address: owner, balanceWei: 2n * STAKE_WEI })),
    snapshots: [csv],
    decimals: 0,
    directory: folder,
    force: false,
  });
  return state;
}

/** A ledger on disk and a few blocks on it, as a node would make them; then one of them again. */
async function runLedger(data: string, genesis: GenesisState, members: readonly Member[]): Promise<void> {
  const { store, head } = await step('A ledger on disk with the genesis as its first state', () =>
    openLedger({ path: ledgerFolder(data), genesis }),
  );
  try {
    say(`    state root ${toHex(head.stateRoot)}`);
    const chain = new DemoChain(store, members);
    await makeBlocks(store, chain, members);
    await step('Every block executed again on the state before it: as stored', async () => {
      const last = progressRecord.read(store).height;
      const rules = { recover: recoverSender, checkInvariants: true };
      for await (const { differences } of replay(store, { from: 1, to: last }, rules))
        check(differences.length === 0, 'a replayed block is as it was');
    });
    const supply = await step('Every entry checked against the state root, and every invariant', async () => {
      const { stateRoot } = readHead(store) ?? head;
      check((await checkStateRoot(store, stateRoot)).faultCount === 0, 'the root is that of the entries');
      return auditState(store, allEntries(store));
    });
    const totalWei = Object.values(supply.bySpaceWei).reduce((sum, wei) => sum + wei, 0n);
    say(`    ${supply.entries.toLocaleString('en-GB')} entries, ${formatOgpu(totalWei)} OGPU in all`);
  } finally {
    await store.close();
  }
}

async function makeBlocks(store: Store, chain: DemoChain, members: readonly Member[]): Promise<void> {
  const [alice, bob, , mallory] = members;
  check(alice !== undefined && bob !== undefined && mallory !== undefined, 'four members were made');
  const { epochMs, unbondingMs } = params.staking;
  const pay = (payment: Payment): Uint8Array[] => [signPayment(store, alice.ownerSecretKey, payment)];
  const transfer = await block('a transfer; one of the four precommits is forged, found and left out', () =>
    chain.produce({
      envelopes: pay({ to: bob.owner, valueWei: 5n * WEI_PER_OGPU }),
      sign: (place) => collectCommit(place, members),
    }),
  );
  say(`      signers ${transfer.commit.signers.toBoolArray().map(Number).join('')}`);
  await block('100 OGPU delegated', () =>
    chain.produce({ envelopes: pay(stakingCall('delegate', [bob.owner], 100n * WEI_PER_OGPU)) }),
  );
  await block('40 of them asked back', () =>
    chain.produce({ envelopes: pay(stakingCall('undelegate', [bob.owner, 40n * WEI_PER_OGPU])) }),
  );
  const before = validators.read(store, mallory.owner).pool.tokensWei;
  await block('a validator that signed two blocks of one height is slashed and out for ever', () =>
    chain.produce({ evidence: [doublePrecommit(chain.identity, mallory, 2)] }),
  );
  const slashedWei = before - validators.read(store, mallory.owner).pool.tokensWei;
  say(`      slashed ${formatOgpu(slashedWei)} OGPU; ${nextValidators(store).length} validators decide`);
  check(slashedWei > 0n && nextValidators(store).length === VALIDATORS - 1, 'equivocation is punished');
  await block('a minute later: an epoch ends, rewards are paid', () => chain.produce({ stepMs: epochMs }));
  const unbonding = findUnbonding(store, alice.owner, 1);
  check(unbonding !== undefined, 'what was asked back waits for its time');
  say(`      ${formatOgpu(unbondingValueWei(store, unbonding))} OGPU wait to be paid`);
  const waiting = readAccount(store, alice.owner).balanceWei + unbondingValueWei(store, unbonding);
  await block('ten minutes later: its time has come, but not its height', () =>
    chain.produce({ stepMs: unbondingMs }),
  );
  check(findUnbonding(store, alice.owner, 1) !== undefined, 'a halt lets nothing fall due');
  while (progressRecord.read(store).height < unbonding.dueHeight - 1) await chain.produce();
  await block('its height has come too: what was asked back is paid', () => chain.produce());
  const isPaid = readAccount(store, alice.owner).balanceWei >= waiting;
  check(isPaid && findUnbonding(store, alice.owner, 1) === undefined, 'an unbonding is paid when it is due');
}

/** Makes a block and says what it was. */
async function block(what: string, produce: () => Promise<ProducedBlock>): Promise<ProducedBlock> {
  const start = performance.now();
  const produced = await produce();
  const { height } = produced.block.header;
  const { length } = produced.executed.outcome.changes;
  say(`  block ${height}: ${what} (${length} entries, ${(performance.now() - start).toFixed(0)} ms)`);
  const { receipts } = produced.executed.outcome.receipts;
  check(
    receipts.every(({ status }) => status === 1),
    'every transaction of the demonstration succeeds',
  );
  return produced;
}

function dataFolder(folder: string): string {
  return join(folder, 'data');
}

function keptText(folder: string): string {
  const where = `--data ${dataFolder(folder)} --genesis ${join(folder, DOCUMENT_FILE)}`;
  return `Kept in ${folder}. Look at its ledger with:\n  ogpu replay 1 --to 6 ${where}\n  ogpu check ${where}`;
}

/** All four sign; the last one's vote is replaced by a signature of another key. */
function collectCommit({ identity, height, blockId, set }: CommitPlace, members: readonly Member[]): Commit {
  const place = { height, round: 0, blockId };
  const message = signingRoot(identity, 'precommit', votePayloadCodec.root(place));
  const keys = set.map(({ blsPublicKey }) => bls.parsePublicKey(blsPublicKey));
  const votes = keys.map((key, index) => {
    const isForged = index === VALIDATORS - 1;
    const secretKey = (isForged ? undefined : members[index]?.blsSecretKey) ?? generateValidatorSecret();
    return { key, signature: bls.sign(secretKey, message) };
  });
  check(!bls.verifySameMessage(votes, message), 'a batch with a forged vote fails');
  const invalid = bls.findInvalid(votes, message);
  check(invalid.length === 1 && invalid[0] === VALIDATORS - 1, 'the forged vote is the one that is found');
  const good = votes.filter((_, index) => !invalid.includes(index));
  const commit: Commit = {
    ...place,
    signers: BitArray.fromBoolArray(votes.map((_, index) => !invalid.includes(index))),
    signature: bls.aggregateSignatures(good.map(({ signature }) => signature)),
  };
  const signers = commit.signers.intersectValues(keys);
  check(bls.fastAggregateVerify(signers, message, commit.signature), 'the commit verifies');
  return commit;
}

function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new DemoError('DEMO_FAILED', `not so: ${what}`);
}

async function step<Result>(what: string, work: () => Result | Promise<Result>): Promise<Result> {
  const start = performance.now();
  const result = await work();
  say(`• ${what} (${(performance.now() - start).toFixed(0)} ms)`);
  return result;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
