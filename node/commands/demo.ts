import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Command } from 'commander';
import { createGenesis } from '../../genesis/create.js';
import { bindOwner } from '../../genesis/owner-binding.js';
import type { GenesisState } from '../../genesis/state.js';
import { addressFromPublicKey, toChecksumAddress } from '../../protocol/address.js';
import { formatOgpu, WEI_PER_OGPU } from '../../protocol/amounts.js';
import { bytesEqual, compareBytes, toHex } from '../../protocol/bytes.js';
import { bls } from '../../protocol/crypto/bls.js';
import { keccak256 } from '../../protocol/crypto/hash.js';
import { secp256k1 } from '../../protocol/crypto/secp256k1.js';
import { beaconPayloadCodec, signingRoot, type ChainIdentity } from '../../protocol/domains.js';
import { OgpuError } from '../../protocol/errors.js';
import { PRESETS } from '../../protocol/presets.js';
import { BitArray } from '../../protocol/ssz/types.js';
import { decodeTransaction } from '../../protocol/transactions/decode.js';
import { encodeTransaction } from '../../protocol/transactions/encode.js';
import { recoverSender } from '../../protocol/transactions/recover.js';
import { signTransaction } from '../../protocol/transactions/sign.js';
import { blockCodec, type Block } from '../../protocol/types/block.js';
import { bodyRoots, type Body } from '../../protocol/types/body.js';
import { commitCodec, emptyCommit, type Commit } from '../../protocol/types/commit.js';
import { blockId } from '../../protocol/types/header.js';
import { validatorSetCodec, votingPowerOf, type ValidatorSet } from '../../protocol/types/validators.js';
import { votePayloadCodec } from '../../protocol/types/vote.js';
import { generateAccountSecret, generateValidatorSecret } from '../keys/secret-key.js';

const VALIDATORS = 4;
const HOLDERS = 6_450;
const STAKE_WEI = 10_000n * WEI_PER_OGPU;
const { chainId, params } = PRESETS.devnet;

/** Something in the demonstration was not as it must be. */
export class DemoError extends OgpuError<'DEMO_FAILED'> {}

/** `ogpu demo`: everything built so far, run once for real and from nothing. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('run what is built so far, from nothing: keys, genesis, transfer, block, votes, commit')
    .option('--keep', 'keep the genesis files', false)
    .action(async ({ keep }: { keep: boolean }) => {
      const folder = await mkdtemp(join(tmpdir(), 'ogpu-demo-'));
      try {
        await runDemo(folder);
        say('\nNot built yet: staking, agreement, network, JSON-RPC, jobs and their audit.');
        say(keep ? `Files: ${folder}` : 'Next: ogpu keys --help, ogpu genesis --help');
      } finally {
        if (!keep) await rm(folder, { recursive: true, force: true });
      }
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
  const transfer = await step('A transfer, signed as a wallet does, decoded and its sender recovered', () =>
    makeTransfer(members),
  );
  say(`    ${toHex(keccak256(transfer))}, ${transfer.length} bytes`);
  const { block, set } = await step('Block 1 on the genesis, every commitment of its header computed', () =>
    buildBlock(genesis, members, transfer),
  );
  const id = blockId(block.header);
  say(`    id ${toHex(id)}, ${blockCodec.encode(block).length} bytes`);
  const identity = identityOf(genesis);
  const commit = await step(
    'Precommits of all four, one of them forged: found, left out, three aggregated',
    () => collectCommit(identity, members, set, id),
  );
  say(
    `    commit ${commitCodec.encode(commit).length} bytes, signers ${commit.signers.toBoolArray().map(Number).join('')}`,
  );
}

interface DemoMember {
  readonly owner: Uint8Array;
  readonly ownerSecretKey: Uint8Array;
  readonly blsSecretKey: Uint8Array;
  readonly blsPublicKey: Uint8Array;
}

function createMember(): DemoMember {
  const ownerSecretKey = generateAccountSecret();
  const blsSecretKey = generateValidatorSecret();
  return {
    owner: addressFromPublicKey(secp256k1.publicKey(ownerSecretKey)),
    ownerSecretKey,
    blsSecretKey,
    blsPublicKey: bls.publicKey(blsSecretKey),
  };
}

async function buildGenesis(folder: string, members: readonly DemoMember[]): Promise<GenesisState> {
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

function makeTransfer(members: readonly DemoMember[]): Uint8Array {
  const [sender, receiver] = members;
  if (sender === undefined || receiver === undefined)
    throw new DemoError('DEMO_FAILED', 'two members are needed');
  const envelope = encodeTransaction(
    signTransaction(
      {
        type: 'eip1559',
        chainId: BigInt(chainId),
        nonce: 0n,
        gasLimit: 21_000n,
        maxFeePerGas: 2n * params.blocks.initialBaseFeeWei,
        maxPriorityFeePerGas: params.blocks.initialBaseFeeWei,
        to: receiver.owner,
        value: 5n * WEI_PER_OGPU,
        data: new Uint8Array(0),
        accessList: [],
      },
      sender.ownerSecretKey,
    ),
  );
  const { transaction, signingHash } = decodeTransaction(envelope, { chainId: BigInt(chainId) });
  check(
    bytesEqual(recoverSender(signingHash, transaction.signature), sender.owner),
    'the sender is who signed',
  );
  return envelope;
}

function buildBlock(
  genesis: GenesisState,
  members: readonly DemoMember[],
  transfer: Uint8Array,
): { block: Block; set: ValidatorSet } {
  const [proposer] = members;
  if (proposer === undefined) throw new DemoError('DEMO_FAILED', 'a proposer is needed');
  const set = genesis.validators.map(({ owner, blsPublicKey, stakeWei }) => ({
    id: owner,
    blsPublicKey,
    votingPower: votingPowerOf(stakeWei),
  }));
  const validatorsHash = validatorSetCodec.root(set);
  const body: Body = {
    transactions: [transfer],
    evidence: [],
    parentCommit: emptyCommit(),
    parentExtensions: [],
  };
  const beaconRoot = beaconPayloadCodec.root({ height: 1, previousBeacon: genesis.id });
  const block: Block = {
    header: {
      protocolVersion: genesis.protocolVersion,
      chainId,
      height: 1,
      round: 0,
      timeMs: genesis.genesisTimeMs + 1,
      parentId: genesis.id,
      proposer: proposer.owner,
      beaconReveal: bls.sign(proposer.blsSecretKey, signingRoot(identityOf(genesis), 'beacon', beaconRoot)),
      ...bodyRoots(body, body.transactions.map(keccak256)),
      receiptsRoot: new Uint8Array(32),
      logsBloom: new Uint8Array(256),
      stateRoot: new Uint8Array(32),
      validatorsHash,
      nextValidatorsHash: validatorsHash,
      gasUsed: 21_000,
      gasLimit: params.blocks.gasLimit,
      baseFeeWei: params.blocks.initialBaseFeeWei,
      extraData: new Uint8Array(0),
    },
    body,
  };
  const decoded = blockCodec.decode(blockCodec.encode(block));
  check(bytesEqual(blockId(decoded.header), blockId(block.header)), 'a block survives its encoding');
  return { block, set };
}

/** All four sign; the last one's vote is replaced by a signature of another key. */
function collectCommit(
  identity: ChainIdentity,
  members: readonly DemoMember[],
  set: ValidatorSet,
  id: Uint8Array,
): Commit {
  const place = { height: 1, round: 0, blockId: id };
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

function identityOf(genesis: GenesisState): ChainIdentity {
  return { chainId, genesisId: genesis.id, protocolVersion: genesis.protocolVersion };
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
