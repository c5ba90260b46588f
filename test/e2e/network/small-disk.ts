import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const FILLER = 'filler';

/** A file system of its own under a folder, small enough to fill. Needs the right to mount. */
export class SmallDisk {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Mounts it over a folder, whose content moves onto it. */
  static async mount(path: string, sizeMib: number): Promise<SmallDisk> {
    const aside = await mkdtemp(join(tmpdir(), 'ogpu-disk-'));
    await cp(path, aside, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m,mode=0700`, 'tmpfs', path]);
    await cp(aside, path, { recursive: true });
    await rm(aside, { recursive: true });
    return new SmallDisk(path);
  }

  /** Leaves no block free. */
  async fill(): Promise<void> {
    const { bavail, bsize } = await statfs(this.#path);
    await writeFile(join(this.#path, FILLER), Buffer.alloc(bavail * bsize)).catch(() => undefined);
  }

  async free(): Promise<void> {
    await rm(join(this.#path, FILLER), { force: true });
  }

  async unmount(): Promise<void> {
    await run('umount', ['-l', this.#path]);
  }
}
