import { randomBytes } from 'node:crypto';
import type { Message } from '../../consensus/messages.js';
import { evidenceFolder, signerFolder, walFolder } from '../data-folder.js';
import { openFolder, type LockedFolder } from '../disk/open-folder.js';
import type { ValidatorIdentity } from '../validator-identity.js';
import type { ChainTip } from './chain-tip.js';
import { openParticipant, type ParticipantOptions } from './open-participant.js';
import type { Participant } from './participant.js';

export interface SeatOptions extends Omit<
  ParticipantOptions,
  'logFolder' | 'evidenceFolder' | 'validator' | 'randomBytes' | 'resumesAtOnce'
> {
  readonly dataDir: string;
  /** Undefined for a node that only follows. */
  readonly validator: ValidatorIdentity | undefined;
}

/** A part taken in consensus, with its folders locked for as long as it lasts. */
export class Seat {
  readonly participant: Participant;
  readonly #unlock: () => Promise<void>;

  constructor(participant: Participant, unlock: () => Promise<void>) {
    this.participant = participant;
    this.#unlock = unlock;
  }

  get tip(): ChainTip {
    return this.participant.tip;
  }

  receive(peer: string, message: Message): void {
    this.participant.receive(peer, message);
  }

  /** There is a reason for the next block. */
  noticeWork(): void {
    this.participant.noticeWork();
  }

  disconnected(peer: string): void {
    this.participant.disconnected(peer);
  }

  /** Nothing touches the folders or the store any more when this resolves. */
  async close(): Promise<void> {
    await this.participant.close();
    await this.#unlock();
  }
}

/**
 * Takes up consensus on the disk of a node.
 *
 * @throws as `openParticipant` and `openFolder` do; then nothing is left open
 */
export async function takeSeat({ dataDir, validator, ...options }: SeatOptions): Promise<Seat> {
  const locked: LockedFolder[] = [];
  const lock = async (path: string): Promise<LockedFolder['folder']> => {
    const folder = await openFolder(path);
    locked.push(folder);
    return folder.folder;
  };
  const unlockAll = async (): Promise<void> => {
    for (const { unlock } of locked) await unlock();
  };
  try {
    const logFolder = await lock(walFolder(dataDir));
    const signing = validator && {
      ...validator,
      folder: await lock(signerFolder(dataDir, validator.key.publicKey)),
      create: false,
    };
    const participant = await openParticipant({
      ...options,
      logFolder,
      evidenceFolder: await lock(evidenceFolder(dataDir)),
      validator: signing,
      randomBytes,
      resumesAtOnce: true,
    });
    return new Seat(participant, unlockAll);
  } catch (error) {
    await unlockAll();
    throw error;
  }
}
