import type { Folder } from '../../consensus/disk/disk.js';
import { assertNotSignedElsewhere } from '../../consensus/signer/guard.js';
import { openSigner, type LocalSigner, type SigningKey } from '../../consensus/signer/local-signer.js';
import { openWal } from '../../consensus/wal/wal.js';
import type { Bls } from '../../protocol/crypto/bls.js';
import type { Store } from '../../state/store/store.js';
import { chainRecord } from '../../state/system/chain.js';
import { readTip, type ChainTip } from './chain-tip.js';
import { EvidenceFolder } from './evidence-folder.js';
import { Participant, type ParticipantParts } from './participant.js';
import { recentDecisions } from './recent-decisions.js';
import { signatoryOf, type Signatory } from './signatory.js';

export interface ParticipantOptions extends Omit<
  ParticipantParts,
  'tip' | 'log' | 'signatory' | 'evidenceArchive'
> {
  readonly bls: Bls;
  /** Of the write-ahead log, alone in it and locked. */
  readonly logFolder: Folder;
  /** Of evidence that waits for a block, locked. */
  readonly evidenceFolder: Folder;
  /** Undefined for a node that only follows. */
  readonly validator: ValidatorOptions | undefined;
  readonly randomBytes: (length: number) => Uint8Array;
}

export interface ValidatorOptions {
  /** The owner's address. */
  readonly id: Uint8Array;
  readonly key: SigningKey;
  /** Of the record of what was signed, of this key alone and locked. */
  readonly folder: Folder;
  /** Makes a record where there never was one: right only for a key that never signed. */
  readonly create: boolean;
}

/**
 * Takes up consensus where this node left it: its ledger, its log and its signer tell where that was.
 *
 * @throws WalError; SignerError, SIGNER_SIGNED_ELSEWHERE among them; DiskError; as reading the store does
 */
export async function openParticipant(options: ParticipantOptions): Promise<Participant> {
  const { store, bls, validator, logFolder, randomBytes } = options;
  const tip = await readTip(store, bls);
  const { chainId, genesisId } = chainRecord.read(store);
  const signer = validator && (await openGuardedSigner(store, tip, { chainId, genesisId }, validator));
  const identity = { chainId, genesisId, validator: validator?.id ?? new Uint8Array(20) };
  const { wal, recovered } = await orClose(signer, openWal({ folder: logFolder, identity, randomBytes }));
  const height = tip.parent.height + 1;
  const records = recovered?.height === height ? recovered.records : undefined;
  const evidenceArchive = new EvidenceFolder(options.evidenceFolder, (error) => options.onWarning?.(error));
  const saved = await orClose(signer, evidenceArchive.load());
  const participant = new Participant({
    ...options,
    tip,
    signatory: signer && createSignatory(options, validator, signer),
    log: wal,
    evidenceArchive,
  });
  await participant.start(records, silentBelow(signer, height, (records?.length ?? 0) > 0), saved);
  return participant;
}

function createSignatory(
  { onWarning }: Pick<ParticipantParts, 'onWarning'>,
  { id }: ValidatorOptions,
  signer: LocalSigner,
): Signatory {
  return signatoryOf(id, signer, (error) => onWarning?.(error));
}

/** Heights whose commits are searched for signatures of the own key that were not made here. */
const GUARDED_HEIGHTS = 16;

async function openGuardedSigner(
  store: Store,
  tip: ChainTip,
  chain: { readonly chainId: number; readonly genesisId: Uint8Array },
  { key, folder, create }: ValidatorOptions,
): Promise<LocalSigner> {
  const versionAt = (height: number): number => tip.chainAt(height).protocolVersion;
  const signer = await openSigner({ ...chain, folder, key, versionAt, create });
  const guarding = recentDecisions(store, GUARDED_HEIGHTS).then((recent) => {
    assertNotSignedElsewhere(recent, signer.record, versionAt);
  });
  await orClose(signer, guarding);
  return signer;
}

/** What must succeed for a signer to stay open. */
async function orClose<Result>(signer: LocalSigner | undefined, opening: Promise<Result>): Promise<Result> {
  try {
    return await opening;
  } catch (error) {
    await signer?.close();
    throw error;
  }
}

/** A height at which this key has signed, but whose log is gone: the node does not know what it is locked on, and stays silent. */
function silentBelow(signer: LocalSigner | undefined, height: number, hasLog: boolean): number {
  const signedHeight = signer?.record.last?.height ?? 0;
  return hasLog || signedHeight < height ? 0 : signedHeight + 1;
}
