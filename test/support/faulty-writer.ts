import { openDatabase } from '../../node/database.js';
import { describeError, OgpuError } from '../../protocol/errors.js';
import { NODE_KEYS } from '../../state/store/keys.js';

/** A node that does nothing but write, to be killed or starved of disk: `node faulty-writer.js <path> [first]`. */

/** Keys that every batch overwrites with its number. */
export const WRITER_KEYS = Array.from({ length: 20 }, (_, i) => NODE_KEYS.block.encode(i));

export const WRITER_IDENTITY = { chainId: 64_782, genesisId: new Uint8Array(32).fill(7), protocolVersion: 1 };

/** Small, so that log rotation and flushing happen between kills too. */
export const WRITER_BUFFER_BYTES = 256 * 1024;

const VALUE_BYTES = 400;

/** `number` in the first four bytes, its lowest byte in all others: a value torn in itself would show. */
export function writerValue(number: number): Uint8Array {
  const value = new Uint8Array(VALUE_BYTES).fill(number & 0xff);
  new DataView(value.buffer).setUint32(0, number);
  return value;
}

/** Writes batch after batch, and a line with its number for each acknowledged one; on failure the code of the error. */
async function writeForEver(path: string, first: number): Promise<void> {
  const { store } = await openDatabase({
    path,
    identity: WRITER_IDENTITY,
    writeBufferBytes: WRITER_BUFFER_BYTES,
  });
  for (let number = first; ; number++) {
    const value = writerValue(number);
    await store.write(WRITER_KEYS.map((key) => ({ key, value })));
    process.stdout.write(`${number}\n`);
  }
}

const [, script, path, first] = process.argv;
if (script?.endsWith('faulty-writer.js') === true && path !== undefined) {
  writeForEver(path, Number(first ?? 1)).catch((error: unknown) => {
    process.stdout.write(`${error instanceof OgpuError ? error.code : describeError(error)}\n`);
    process.exitCode = 1;
  });
}
