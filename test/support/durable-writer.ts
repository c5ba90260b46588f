import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { SignerError } from '../../consensus/signer/errors.js';
import { openSigner, type LocalSigner } from '../../consensus/signer/local-signer.js';
import { openWal, type OpenedWal } from '../../consensus/wal/wal.js';
import { openFolder, type LockedFolder } from '../../node/disk/open-folder.js';
import { toHex } from '../../protocol/bytes.js';
import { describeError, OgpuError } from '../../protocol/errors.js';
import { FAKE_KEY, signedMessage, CHAIN, vote } from '../unit/signer/support.js';

/**
 * A validator that does nothing but log and sign, to be killed or starved of disk: `node durable-writer.js <path> <choice>`. It
 * votes for a block that `choice` decides, so that two lives of it contradict each other unless the signer keeps them from it.
 */

/** Of every record it logs. */
export const RECORD_KIND = 1;
const RECORDS_PER_HEIGHT = 3;
const VALIDATOR = new Uint8Array(20).fill(1);

export interface Durable {
  readonly opened: OpenedWal;
  readonly signer: LocalSigner;
  readonly close: () => Promise<void>;
}

export async function openDurable(path: string): Promise<Durable> {
  const locks: LockedFolder[] = [];
  const open = async (name: string): Promise<LockedFolder['folder']> => {
    const locked = await openFolder(join(path, name));
    locks.push(locked);
    return locked.folder;
  };
  const signer = await openSigner({
    ...CHAIN,
    folder: await open('signer'),
    key: FAKE_KEY,
    versionAt: () => 1,
    create: true,
  });
  const opened = await openWal({
    folder: await open('wal'),
    identity: { ...CHAIN, validator: VALIDATOR },
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
  });
  const close = async (): Promise<void> => {
    await opened.wal.close();
    await signer.close();
    for (const { unlock } of locks) await unlock();
  };
  return { opened, signer, close };
}

/** Says where it belongs. */
export function recordPayload(height: number, number: number): Uint8Array {
  const payload = new Uint8Array(3200);
  const view = new DataView(payload.buffer);
  view.setUint32(0, height);
  view.setUint32(4, number);
  return payload;
}

/** Writes `<height> <records synced> <sign-bytes>` for every vote that leaves. */
async function validateForEver(path: string, choice: number): Promise<void> {
  const { opened, signer } = await openDurable(path);
  const { wal } = opened;
  await vouch(signer, wal.height ?? 0, opened.recovered?.records.length ?? 0, choice);
  for (let height = (wal.height ?? 0) + 1; ; height++) {
    await wal.startHeight(height);
    for (let number = 0; number < RECORDS_PER_HEIGHT; number++) {
      wal.append({ kind: RECORD_KIND, payload: recordPayload(height, number) });
      await wal.sync();
    }
    await vouch(signer, height, RECORDS_PER_HEIGHT, choice);
  }
}

async function vouch(signer: LocalSigner, height: number, synced: number, choice: number): Promise<void> {
  try {
    const signature = await signer.signPrevote(vote(height, 0, choice));
    process.stdout.write(`${height} ${synced} ${toHex(signedMessage(signature))}\n`);
  } catch (error) {
    if (!(error instanceof SignerError)) throw error;
  }
}

const [, script, path, choice] = process.argv;
if (script?.endsWith('durable-writer.js') === true && path !== undefined) {
  validateForEver(path, Number(choice)).catch((error: unknown) => {
    process.stdout.write(`${error instanceof OgpuError ? error.code : describeError(error)}\n`);
    process.exitCode = 1;
  });
}
