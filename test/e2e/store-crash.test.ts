import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../node/database.js';
import { withFolder } from '../support/faulty-stores.js';
import { WRITER_BUFFER_BYTES, WRITER_IDENTITY, WRITER_KEYS, writerValue } from '../support/faulty-writer.js';
import { createPrng } from '../support/prng.js';

const WRITER = fileURLToPath(new URL('../support/faulty-writer.js', import.meta.url));
const KILLS = 15;

describe('a database whose process is killed with SIGKILL while it writes', () => {
  test(`opens after each of ${KILLS} kills with every acknowledged batch, and none in part`, () =>
    withFolder(async (folder) => {
      const prng = createPrng(2026);
      const path = join(folder, 'db');
      let last = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const child = spawn(process.execPath, [WRITER, path, String(last + 1)], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const acknowledged = await killAfter(child, 1 + prng.below(kill % 3 === 0 ? 400 : 40));
        const found = await numberOnDisk(path);
        assert.ok(found >= acknowledged, `acknowledged ${acknowledged}, found ${found}`);
        assert.ok(acknowledged > last, 'the writer got somewhere');
        last = found;
      }
    }));
});

const shell = ['/bin/bash', '/usr/bin/bash'].find((path) => existsSync(path));

test(
  'a write that the disk refuses is reported, ends all writing, and leaves every acknowledged batch',
  { skip: shell === undefined ? 'needs bash for a limit on file size' : false },
  () =>
    withFolder(async (folder) => {
      const path = join(folder, 'db');
      // The limit on file size (in KiB) stands in for a full disk: write(2) fails part-way through a record.
      const limited = `ulimit -f 128; exec "$0" "$@"`;
      const { stdout } = spawnSync(shell ?? '', ['-c', limited, process.execPath, WRITER, path], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      const lines = stdout.trim().split('\n');
      assert.equal(lines.at(-1), 'STORE_WRITE_FAILED');
      const acknowledged = Number(lines.at(-2));
      assert.ok(acknowledged > 2);
      const found = await numberOnDisk(path);
      assert.ok(found === acknowledged || found === acknowledged + 1, `${acknowledged}, ${found}`);
    }),
);

/** Kills the child once it has acknowledged `count` batches; the last number it acknowledged before it was gone. */
async function killAfter(child: ChildProcess, count: number): Promise<number> {
  assert.ok(child.stdout !== null);
  let lines = 0;
  let acknowledged = 0;
  const exited = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('close', (_code, signal) => resolve(signal)),
  );
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line);
    if (++lines === count) child.kill('SIGKILL');
  }
  assert.equal(await exited, 'SIGKILL');
  return acknowledged;
}

/** The number of the last batch, which all keys must agree on byte for byte. */
async function numberOnDisk(path: string): Promise<number> {
  const { store } = await openDatabase({
    path,
    identity: WRITER_IDENTITY,
    writeBufferBytes: WRITER_BUFFER_BYTES,
  });
  const values = store.getMany(WRITER_KEYS);
  const [first] = values;
  const number = first === undefined ? 0 : new DataView(first.buffer, first.byteOffset).getUint32(0);
  const expected = first === undefined ? undefined : writerValue(number);
  for (const value of values) assert.deepEqual(value, expected);
  await store.close();
  return number;
}
