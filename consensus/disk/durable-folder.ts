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

  async createLog(name: string, bytes: Uint8Array): Promise<LogFile> {
    const file = await this.#put(name, bytes);
    return {
      append: (more) => this.#change(() => file.append(more)),
      sync: () => this.#change(() => file.sync()),
      close: () => file.close(),
    };
  }

  async writeFile(name: string, bytes: Uint8Array): Promise<void> {
    const file = await this.#put(name, bytes);
    await file.close();
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

  /** A file with this content under its name, durable and still open. */
  async #put(name: string, bytes: Uint8Array): Promise<OpenFile> {
    this.#check(name);
    const temporary = `.${name}.tmp`;
    const file = await this.#directory.open(temporary);
    try {
      await this.#fill(file, temporary, bytes);
      await this.#orBreak(() => this.#directory.rename(temporary, name));
      // Without this the rename itself can be lost, although the content is safe.
      await this.#orBreak(() => this.#directory.sync());
      return file;
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
  }

  /** Until the temporary file is complete nothing but itself can be wrong, so that a full disk breaks nothing. */
  async #fill(file: OpenFile, temporary: string, bytes: Uint8Array): Promise<void> {
    await file.append(bytes).catch(async (error: unknown) => {
      await this.#directory.remove(temporary).catch(() => undefined);
      throw error;
    });
    await this.#orBreak(() => file.sync());
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
