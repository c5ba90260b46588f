import { z } from 'zod';
import { toChecksumAddress } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { proveReceipt } from '../../protocol/receipt-proof.js';
import { commitCodec, extendedCommitCodec } from '../../protocol/types/commit.js';
import { headerCodec, type Header } from '../../protocol/types/header.js';
import { receiptCodec } from '../../protocol/types/receipt.js';
import { validatorSetCodec, type ValidatorSet } from '../../protocol/types/validators.js';
import { readAccount } from '../../state/accounts/account.js';
import { treeNodes } from '../../state/chain/state-root.js';
import { nextValidators, powerOf } from '../../state/staking/active-set.js';
import { keyOwners } from '../../state/staking/validator.js';
import { NODE_KEYS, STATE_KEYS } from '../../state/store/keys.js';
import { spaceOf } from '../../state/store/state-spaces.js';
import type { Reader } from '../../state/store/store.js';
import { hashKey } from '../../state/tree/leaf.js';
import { proveKey } from '../../state/tree/prove.js';
import { invalidParams } from '../errors/rpc-error.js';
import { defineMethod, parameter, type MethodContext, type RpcMethod } from '../method.js';
import {
  AddressText,
  BlockSelector,
  Data,
  Hash,
  HashText,
  HexText,
  LATEST,
  type BlockReference,
} from '../schema/values.js';
import { findBlock, pruned } from './blocks.js';
import { ChecksumAddress, Height, UnixMs, WeiText } from './status.js';

const block = parameter('block', BlockSelector.optional(), 'Which one; latest unless given.');
const blockErrors = ['RPC_BLOCK_UNKNOWN', 'RPC_BLOCK_PRUNED'];
const sszHeader = HexText.describe('SSZ of the header; its root is the id of the block.');

export const HeaderShape = z.strictObject({
  ssz: sszHeader,
  id: HashText,
  protocolVersion: z.int(),
  chainId: z.int(),
  height: Height,
  round: z.int(),
  timeMs: UnixMs,
  parentId: HashText,
  proposer: ChecksumAddress,
  beaconReveal: HexText,
  transactionsRoot: HashText,
  evidenceRoot: HashText,
  parentCommitRoot: HashText,
  extensionsRoot: HashText,
  receiptsRoot: HashText,
  logsBloom: HexText,
  stateRoot: HashText,
  validatorsHash: HashText,
  nextValidatorsHash: HashText,
  gasUsed: z.int(),
  gasLimit: z.int(),
  baseFeeWei: WeiText,
  extraData: HexText,
});

export const CommitShape = z.strictObject({
  ssz: HexText,
  height: Height,
  round: z.int(),
  blockId: HashText,
  signature: HexText.describe('Aggregate of the precommits of the signers.'),
  signers: z.array(z.object({ validator: ChecksumAddress, votingPower: z.int(), hasSigned: z.boolean() })),
  signedPower: z.int(),
  totalPower: z.int(),
});

export const LightBlockShape = z
  .object({
    height: Height,
    header: sszHeader,
    commit: HexText.describe('SSZ.'),
    validators: HexText.describe('SSZ of the set that decided this height.'),
    nextValidators: HexText.describe('SSZ of the set that decides the next.'),
    possessions: z.array(z.object({ blsPublicKey: HexText, proof: HexText })),
  })
  .meta({ id: 'LightBlock', description: 'What a light client needs of a height.' });

const StateProofShape = {
  height: Height,
  blockId: HashText,
  stateRoot: HashText,
};
const EntryProof = z.strictObject({
  key: HexText,
  value: HexText.nullable().describe('null where the state has nothing under this key.'),
  proof: HexText,
});

export const ReceiptProofShape = z.strictObject({
  height: Height,
  blockId: HashText,
  index: z.int(),
  transactionHash: HashText,
  receipt: HexText.describe('SSZ.'),
  transactionBranch: z.array(HashText).describe('From the hash of the transaction up to transactionsRoot.'),
  receiptBranch: z.array(HashText).describe('From the root of the receipt up to receiptsRoot.'),
});

export const AccountProofShape = z.strictObject({
  ...StateProofShape,
  ...EntryProof.shape,
  address: ChecksumAddress,
  balanceWei: WeiText,
  nonce: z.int(),
});

const MAX_KEYS = 32;

/** What lets a client believe without trust in this node. */
export const proofMethods: readonly RpcMethod[] = [
  defineMethod({
    name: 'ogpu_header',
    summary: 'A header as the chain has it.',
    parameters: [block],
    result: { description: 'All fields, and the bytes they come from.', schema: HeaderShape },
    errors: blockErrors,
    call: async (context, reference = LATEST) => {
      const { header, id } = await requireBlock(context, reference);
      return headerJson(header, id);
    },
  }),
  defineMethod({
    name: 'ogpu_commit',
    summary: 'Who has made a block final.',
    isHeavy: true,
    parameters: [block],
    result: { description: 'The commit, with the set it is one of.', schema: CommitShape },
    errors: [...blockErrors, 'PAST_STATE_PRUNED'],
    call: async (context, reference = LATEST) => {
      const { height } = await requireBlock(context, reference);
      const commit = commitAt(context, height);
      const set = await setDeciding(context, height);
      const signers = set.map(({ id, votingPower }, index) => ({
        validator: toChecksumAddress(id),
        votingPower,
        hasSigned: commit.signers.get(index),
      }));
      return {
        ssz: toHex(commitCodec.encode(commit)),
        height: commit.height,
        round: commit.round,
        blockId: toHex(commit.blockId),
        signature: toHex(commit.signature),
        signers,
        signedPower: signers.reduce((sum, each) => sum + (each.hasSigned ? each.votingPower : 0), 0),
        totalPower: powerOf(set),
      };
    },
  }),
  defineMethod({
    name: 'ogpu_lightBlock',
    summary:
      'Header, commit, validator sets and proofs of possession of a height: what a light client needs.',
    isHeavy: true,
    parameters: [block],
    result: { description: 'All as SSZ.', schema: LightBlockShape },
    errors: [...blockErrors, 'PAST_STATE_PRUNED'],
    call: async (context, reference = LATEST) => {
      const { header, height } = await requireBlock(context, reference);
      const commit = commitAt(context, height);
      const deciding = await possessionsIn(context, height - 1);
      const next = await possessionsIn(context, height);
      return {
        height,
        header: toHex(headerCodec.encode(header)),
        commit: toHex(commitCodec.encode(commit)),
        validators: toHex(validatorSetCodec.encode(deciding.set)),
        nextValidators: toHex(validatorSetCodec.encode(next.set)),
        possessions: [...new Map([...deciding.proofs, ...next.proofs])].map(([blsPublicKey, proof]) => ({
          blsPublicKey,
          proof,
        })),
      };
    },
  }),
  defineMethod({
    name: 'ogpu_getAccountProof',
    summary: 'An account, with the proof that the state after the last final block has it so.',
    description:
      'Proofs are of the last state alone: the tree of older ones is not kept. ogpu_lightBlock of the same height gives the header to check it against.',
    isHeavy: true,
    parameters: [parameter('address', AddressText, 'The account.')],
    result: {
      description: 'Proof for docs/spec/state-tree.md.',
      schema: AccountProofShape,
    },
    call: (context, address) => {
      const { store } = context.services.chain;
      const { balanceWei, nonce } = readAccount(store, address);
      return {
        ...headOf(context),
        ...entryProof(store, STATE_KEYS.account.encode(address)),
        address: toChecksumAddress(address),
        balanceWei: balanceWei.toString(),
        nonce,
      };
    },
  }),
  defineMethod({
    name: 'ogpu_getProof',
    summary: 'State entries by key, with proofs; also that there is nothing under a key.',
    description: `At most ${MAX_KEYS} keys, in the form of docs/spec/database.md; of the last state alone.`,
    isHeavy: true,
    parameters: [parameter('keys', z.array(Data).min(1).max(MAX_KEYS), 'Keys of the state.')],
    result: {
      description: 'In the order of the keys, all of one state.',
      schema: z.strictObject({ ...StateProofShape, entries: z.array(EntryProof) }),
    },
    call: (context, keys) => {
      const wrong = keys.find((key) => spaceOf(key) === undefined || key.length > 128);
      if (wrong !== undefined)
        throw invalidParams('not a key of the state', { key: toHex(wrong.subarray(0, 64)) });
      return {
        ...headOf(context),
        entries: keys.map((key) => entryProof(context.services.chain.store, key)),
      };
    },
  }),
  defineMethod({
    name: 'ogpu_getReceiptProof',
    summary: 'A receipt, with the proof that its block commits to it.',
    isHeavy: true,
    parameters: [parameter('hash', Hash, 'Hash of the transaction.')],
    result: { description: 'null while it is in no block.', schema: ReceiptProofShape.nullable() },
    errors: ['RPC_BLOCK_PRUNED'],
    call: (context, hash) => receiptProof(context, hash),
  }),
];

async function requireBlock(
  { services }: MethodContext,
  reference: BlockReference,
): ReturnType<typeof findBlock> {
  return findBlock(services.chain, services.chain.requireHeight(reference));
}

function headerJson(header: Header, id: Uint8Array): z.input<typeof HeaderShape> {
  const { proposer, baseFeeWei, beaconReveal, logsBloom, extraData } = header;
  const { protocolVersion, chainId, height, round, timeMs, gasUsed, gasLimit } = header;
  return {
    ssz: toHex(headerCodec.encode(header)),
    id: toHex(id),
    ...{ protocolVersion, chainId, height, round, timeMs },
    parentId: toHex(header.parentId),
    proposer: toChecksumAddress(proposer),
    beaconReveal: toHex(beaconReveal),
    transactionsRoot: toHex(header.transactionsRoot),
    evidenceRoot: toHex(header.evidenceRoot),
    parentCommitRoot: toHex(header.parentCommitRoot),
    extensionsRoot: toHex(header.extensionsRoot),
    receiptsRoot: toHex(header.receiptsRoot),
    logsBloom: toHex(logsBloom),
    stateRoot: toHex(header.stateRoot),
    validatorsHash: toHex(header.validatorsHash),
    nextValidatorsHash: toHex(header.nextValidatorsHash),
    ...{ gasUsed, gasLimit, baseFeeWei: baseFeeWei.toString() },
    extraData: toHex(extraData),
  };
}

function commitAt({ services }: MethodContext, height: number): ReturnType<typeof commitCodec.decode> {
  const { chain } = services;
  const bytes = chain.store.get(NODE_KEYS.commit.encode(height));
  if (bytes === undefined) throw pruned(height, chain.lowestHeight);
  return extendedCommitCodec.decode(bytes).commit;
}

/** The set that decided a height. */
async function setDeciding({ services }: MethodContext, height: number): Promise<ValidatorSet> {
  return services.chain.readState({ kind: 'height', height: height - 1 }, nextValidators);
}

/** The set that the state after `height` elects for the next one, with the proof of possession of each key. */
async function possessionsIn(
  { services }: MethodContext,
  height: number,
): Promise<{ readonly set: ValidatorSet; readonly proofs: readonly [string, string][] }> {
  return services.chain.readState({ kind: 'height', height }, (view) => {
    const set = nextValidators(view);
    const proofs = set.flatMap(({ blsPublicKey }): [string, string][] => {
      const owner = keyOwners.find(view, blsPublicKey);
      return owner === undefined ? [] : [[toHex(blsPublicKey), toHex(owner.proofOfPossession)]];
    });
    return { set, proofs };
  });
}

function headOf({ services }: MethodContext): {
  readonly height: number;
  readonly blockId: string;
  readonly stateRoot: string;
} {
  const { height, id, stateRoot } = services.chain.head;
  return { height, blockId: toHex(id), stateRoot: toHex(stateRoot) };
}

function entryProof(store: Reader, key: Uint8Array): z.input<typeof EntryProof> {
  const value = store.get(key);
  return {
    key: toHex(key),
    value: value === undefined ? null : toHex(value),
    proof: toHex(proveKey(treeNodes(store), hashKey(key))),
  };
}

async function receiptProof(
  { services, deadline }: MethodContext,
  hash: Uint8Array,
): Promise<z.input<typeof ReceiptProofShape> | null> {
  const { chain } = services;
  const place = chain.placeOf(hash);
  if (place === undefined) return null;
  const { height, index } = place;
  const stored = await findBlock(chain, height);
  const receipts = await chain.receipts(height, deadline);
  if (receipts === undefined) throw pruned(height, chain.lowestHeight);
  const hashes: Uint8Array[] = [];
  const roots: Uint8Array[] = [];
  for (let at = 0; at < stored.transactionCount; at++) {
    hashes.push(stored.hash(at));
    roots.push(receiptCodec.root(receipts.receipt(at)));
    await deadline.slice();
  }
  const branches = proveReceipt(hashes, receipts.receipts, roots, index);
  return {
    height,
    blockId: toHex(stored.id),
    index,
    transactionHash: toHex(hash),
    receipt: toHex(receiptCodec.encode(receipts.receipt(index))),
    transactionBranch: branches.transactionBranch.map(toHex),
    receiptBranch: branches.receiptBranch.map(toHex),
  };
}
