import assert from 'node:assert/strict';
import { mkdtemp, open, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ScryptParams } from '../../../node/keys/kdf.js';
import { OgpuError } from '../../../protocol/errors.js';

/** Milliseconds instead of a second; only the strength differs. */
export const LIGHT_SCRYPT: ScryptParams = { function: 'scrypt', n: 2, r: 8, p: 1 };

/** Secrets of known public parts: EIP-2335's vector, and account 0 of the mnemonic "test … junk". */
export const BLS_SECRET = bytes('000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f');
export const ACCOUNT_SECRET = bytes('ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80');
export const ACCOUNT_ADDRESS = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
export const MNEMONIC = 'test test test test test test test test test test test junk';

/** A folder of mode 0700 that goes away with the test. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ogpu-keys-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function writePrivate(path: string, content: string | Uint8Array): Promise<string> {
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

/** Calls `before` with the descriptor of every file and folder that the test syncs; what it throws fails the sync. */
export async function mockSync(t: TestContext, before: (fd: number) => void): Promise<void> {
  const handle = await open(tmpdir());
  const prototype = Object.getPrototypeOf(handle) as { sync: (this: FileHandle) => Promise<void> };
  await handle.close();
  const { sync } = prototype;
  t.mock.method(prototype, 'sync', function (this: FileHandle) {
    before(this.fd);
    return sync.call(this);
  });
}

/** Asserts a typed error and gives back its data. */
export async function rejectsWith(
  work: Promise<unknown> | (() => unknown),
  code: string,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    assert(error instanceof OgpuError, `expected ${code}, got an untyped error: ${String(error)}`);
    assert.equal(error.code, code, error.message);
    return error.data;
  }
  return assert.fail(`expected ${code}, got no error`);
}

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}
