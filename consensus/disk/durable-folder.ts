import { invariant } from '../../protocol/invariant.js';
import type { Directory, OpenFile } from './directory.js';
import { DiskError, type Folder, type LogFile } from './disk.js';

/** The order of steps that makes a change outlast a crash, over any file system. */
export function durableFolder(directory: Directory): Folder {
  return new DurableFolder(directory);
}

class DurableFolder implements Folder {
  readonly #directory: Directory;
  /** What broke the folder. */
  #failure: unknown;

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  async openLog(name: string): Promise<LogFile> {
    this.#check(name);
    const file = await this.#directory.open(name, 'keep');
    await this.#orBreak(() => this.#directory.sync());
    return {
      append: (bytes) => this.#change(() => file.append(bytes)),
      sync: () => this.#change(() => file.sync()),
      close: () => file.close(),
    };
  }

  async writeFile(name: string, bytes: Uint8Array): Promise<void> {
    this.#check(name);
    const temporary = `.${name}.tmp`;
    await this.#fill(temporary, bytes);
    await this.#orBreak(async () => {
      await this.#directory.rename(temporary, name);
      // Without this the rename itself can be lost, although the content is safe.
      await this.#directory.sync();
    });
  }

  async readFile(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    this.#check(name);
    return this.#directory.read(name, maxBytes);
  }

  async remove(name: string): Promise<void> {
    this.#check(name);
    await this.#directory.remove(name);
  }

  async list(): Promise<readonly string[]> {
    this.#assertWhole();
    const names = await this.#directory.list();
    return names.filter((name) => NAME.test(name)).sort();
  }

  /** A synced file under the temporary name. Until it is complete nothing but itself can be wrong, so that a full disk breaks nothing. */
  async #fill(temporary: string, bytes: Uint8Array): Promise<void> {
    const file = await this.#directory.open(temporary, 'empty');
    try {
      await this.#write(file, bytes);
    } catch (error) {
      await this.#directory.remove(temporary).catch(() => undefined);
      throw error;
    }
  }

  async #write(file: OpenFile, bytes: Uint8Array): Promise<void> {
    try {
      await file.append(bytes);
      await this.#orBreak(() => file.sync());
    } finally {
      await file.close();
    }
  }

  async #change(step: () => Promise<void>): Promise<void> {
    this.#assertWhole();
    await this.#orBreak(step);
  }

  async #orBreak(step: () => Promise<void>): Promise<void> {
    await step().catch((error: unknown) => {
      this.#failure ??= error;
      throw error;
    });
  }

  #check(name: string): void {
    invariant(NAME.test(name), `${name} is no plain file name`);
    this.#assertWhole();
  }

  #assertWhole(): void {
    if (this.#failure === undefined) return;
    throw new DiskError(
      'DISK_BROKEN',
      'an earlier change of this folder failed, so that what the disk holds is unknown',
      { path: this.#directory.path, cure: 'mend the disk or free space on it, then start the node again' },
      { cause: this.#failure },
    );
  }
}

/** Temporary files begin with a dot, so that nobody takes one for the file it would become. */
const NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/;
