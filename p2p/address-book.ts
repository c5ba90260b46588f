import { z } from 'zod';
import type { Folder } from '../consensus/disk/disk.js';
import { dialable } from './addresses.js';
import type { Conduct } from './conduct.js';
import { P2pError } from './errors.js';

/*
 * What is remembered of peers over a restart: where some were reached, and who is banned.
 */

/** A folder where the book may keep one file. */
export type BookFolder = Pick<Folder, 'readFile' | 'writeFile'>;

export interface BookEntry {
  readonly id: string;
  /** Where its handshake succeeded: multiaddress without the id. */
  readonly address: string;
  /** Unix milliseconds of the last time. */
  readonly seenMs: number;
}

export const BOOK_FILE = 'peers.json';

/** Peers; of more the one seen longest ago is forgotten. */
const MAX_ENTRIES = 1024;
const MAX_BANS = 4096;
const MAX_FILE_BYTES = 1024 * 1024;

const PEER_ID = z.string().regex(/^[1-9A-HJ-NP-Za-km-z]{1,64}$/);

const BookFile = z.strictObject({
  version: z.literal(1),
  peers: z
    .array(
      z.strictObject({
        id: PEER_ID,
        address: z.string().refine((address) => dialable(address)?.address === address),
        seenMs: z.int().nonnegative(),
      }),
    )
    .max(MAX_ENTRIES),
  bans: z
    .array(z.strictObject({ id: PEER_ID, untilMs: z.int().nonnegative(), bans: z.int().positive() }))
    .max(MAX_BANS),
});

/** Only addresses at which a handshake has succeeded are kept. */
export class AddressBook {
  readonly #folder: BookFolder | undefined;
  readonly #conduct: Conduct;
  readonly #wallMs: () => number;
  readonly #warn: (error: P2pError) => void;
  /** By peer, in the order in which they were last seen. */
  readonly #entries = new Map<string, BookEntry>();
  #writing: Promise<void> = Promise.resolve();
  #hasFailed = false;

  /** @param folder undefined: nothing is kept over a restart. @param warn told why the file could not be used */
  constructor(
    folder: BookFolder | undefined,
    conduct: Conduct,
    wallMs: () => number,
    warn: (error: P2pError) => void,
  ) {
    this.#folder = folder;
    this.#conduct = conduct;
    this.#wallMs = wallMs;
    this.#warn = warn;
  }

  get entries(): readonly BookEntry[] {
    return [...this.#entries.values()];
  }

  /** Reads the file. One that cannot be read is not believed in any part: the book begins anew. */
  async load(): Promise<void> {
    try {
      const bytes = await this.#folder?.readFile(BOOK_FILE, MAX_FILE_BYTES);
      if (bytes === undefined) return;
      const { peers, bans } = BookFile.parse(JSON.parse(new TextDecoder().decode(bytes)));
      for (const entry of peers.sort((a, b) => a.seenMs - b.seenMs)) this.#keep(entry);
      const nowMs = this.#wallMs();
      for (const { id, untilMs, bans: count } of bans) this.#conduct.restore(id, untilMs - nowMs, count);
    } catch (error) {
      const data = { file: BOOK_FILE, cure: 'nothing: the book begins anew; named peers are not in it' };
      const message = 'the book of peers cannot be read, and is given up';
      this.#warn(new P2pError('BOOK_UNREADABLE', message, data, { cause: error }));
    }
  }

  /** A handshake has succeeded at an address. */
  reached(id: string, address: string): void {
    const found = dialable(address);
    if (found !== undefined) this.#keep({ id, address: found.address, seenMs: this.#wallMs() });
  }

  forget(id: string): void {
    this.#entries.delete(id);
  }

  /** Writes the file, after what is being written. Says once that it cannot. */
  async save(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  async #write(): Promise<void> {
    if (this.#folder === undefined) return;
    const nowMs = this.#wallMs();
    const bans = this.#conduct.bans.map(({ id, leftMs, bans: count }) => ({
      ...{ id, untilMs: Math.ceil(nowMs + leftMs), bans: count },
    }));
    const file = { version: 1, peers: this.entries, bans };
    try {
      await this.#folder.writeFile(BOOK_FILE, new TextEncoder().encode(`${JSON.stringify(file, null, 1)}\n`));
      this.#hasFailed = false;
    } catch (error) {
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      const message = 'the book of peers cannot be written: what is learnt now is lost with a restart';
      this.#warn(new P2pError('BOOK_UNWRITABLE', message, { file: BOOK_FILE }, { cause: error }));
    }
  }

  #keep(entry: BookEntry): void {
    this.#entries.delete(entry.id);
    this.#entries.set(entry.id, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest);
  }
}
