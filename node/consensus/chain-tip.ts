import type { BlockContext, ParentBlock } from '../../consensus/block-rules.js';
import { createCommittee, type Committee } from '../../consensus/committee.js';
import { bytesEqual } from '../../protocol/bytes.js';
import type { Bls } from '../../protocol/crypto/bls.js';
import type { ChainIdentity } from '../../protocol/domains.js';
import { invariant } from '../../protocol/invariant.js';
import type { ChainParams } from '../../protocol/params.js';
import { blockCodec } from '../../protocol/types/block.js';
import { extendedCommitCodec, type ExtendedCommit } from '../../protocol/types/commit.js';
import type { ValidatorSet } from '../../protocol/types/validators.js';
import { validatorSetCodec } from '../../protocol/types/validators.js';
import { readBase } from '../../state/chain/base.js';
import { readHead } from '../../state/chain/block-batch.js';
import { readPastState } from '../../state/chain/past-state.js';
import { validatorsAt } from '../../state/staking/active-set.js';
import { signingKeyAt, type EvidenceMoment } from '../../state/staking/evidence.js';
import { NODE_KEYS } from '../../state/store/keys.js';
import type { Reader, Store } from '../../state/store/store.js';
import { chainIdentityAt, chainRecord, paramsRecord, progressRecord } from '../../state/system/chain.js';

/** The last final block and everything the next one has to fit. */
export interface ChainTip extends BlockContext {
  /** Of the last final block; undefined for the genesis. */
  readonly commit: ExtendedCommit | undefined;
}

/**
 * Reads the tip of a ledger.
 *
 * @param bls verifies what validators sign
 */
export async function readTip(store: Store, bls: Bls): Promise<ChainTip> {
  const head = readHead(store);
  const { height } = progressRecord.read(store);
  invariant(head?.height === height, 'the head is where the state is');
  const parent = readParent(store, height);
  const commit =
    height === 0 ? undefined : extendedCommitCodec.decode(readBytes(store, NODE_KEYS.commit.encode(height)));
  const grandparentSet = height < 2 ? undefined : await setBefore(store, height);
  return tipOf(store, {
    parent,
    commit,
    committee: createCommittee(validatorsAt(store, height + 1), bls),
    parentCommittee: height === 0 ? undefined : createCommittee(validatorsAt(store, height), bls),
    grandparentCommittee: grandparentSet && createCommittee(grandparentSet, bls),
  });
}

/** The set that decided the height before a tip. */
async function setBefore(store: Store, height: number): Promise<ValidatorSet> {
  const base = readBase(store);
  if (base?.height === height) return base.previousValidators;
  return readPastState(store, height - 1, (view) => validatorsAt(view, height - 1));
}

/**
 * The tip after a block.
 *
 * @param view the state after it, as long as it is the tip
 */
export function nextTip(
  view: Reader,
  before: ChainTip,
  parent: ParentBlock,
  commit: ExtendedCommit,
): ChainTip {
  return tipOf(view, {
    parent,
    commit,
    committee: reuse(before.committee, validatorsAt(view, parent.height + 1)),
    parentCommittee: before.committee,
    grandparentCommittee: before.parentCommittee,
  });
}

/** The earliest moment of the block after a tip. */
export function momentAfter({ parent, params }: ChainTip): EvidenceMoment {
  return { height: parent.height + 1, timeMs: parent.timeMs + 1, params };
}

interface TipParts {
  readonly parent: ParentBlock;
  readonly commit: ExtendedCommit | undefined;
  readonly committee: Committee;
  readonly parentCommittee: Committee | undefined;
  readonly grandparentCommittee: Committee | undefined;
}

/** @param view the state after the tip, as long as it is the tip */
function tipOf(view: Reader, parts: TipParts): ChainTip {
  const params = paramsRecord.read(view);
  const { beacon } = progressRecord.read(view);
  return {
    ...parts,
    params,
    previousBeacon: beacon,
    chainAt: identityReader(view, params),
    keyAt: (validator, height) => signingKeyAt(view, validator, height),
  };
}

function identityReader(view: Reader, params: ChainParams): (height: number) => ChainIdentity {
  const versions = new Map<number, ChainIdentity>();
  return (height) => {
    const known = versions.get(height);
    if (known !== undefined) return known;
    const identity = chainIdentityAt(view, params, height);
    if (versions.size < MAX_IDENTITIES) versions.set(height, identity);
    return identity;
  };
}

/** A tip is asked about its own height and the two before. */
const MAX_IDENTITIES = 8;

/** Keys are parsed again only when the set has changed. */
function reuse(committee: Committee, set: ValidatorSet): Committee {
  const isSame = bytesEqual(committee.hash, validatorSetCodec.root(set));
  return isSame ? committee : createCommittee(set, committee.bls);
}

function readParent(store: Reader, height: number): ParentBlock {
  if (height === 0) {
    const { genesisId, genesisTimeMs } = chainRecord.read(store);
    return { height, id: genesisId, timeMs: genesisTimeMs, extensions: [] };
  }
  const head = readHead(store);
  const { header, body } = blockCodec.decode(readBytes(store, NODE_KEYS.block.encode(height)));
  invariant(head !== undefined, 'a ledger has a head');
  return { height, id: head.id, timeMs: header.timeMs, extensions: body.parentExtensions };
}

function readBytes(store: Reader, key: Uint8Array): Uint8Array {
  const bytes = store.get(key);
  invariant(bytes !== undefined, 'a final block is stored with its commit');
  return bytes;
}
