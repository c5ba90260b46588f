/**
 * The few steps a file system offers, one by one and with nothing promised that POSIX does not promise: what `durableFolder`
 * builds upon, and where a simulated disk fails and crashes. They throw DiskError DISK_FULL | DISK_FAILED | DISK_TOO_LARGE.
 */
export interface Directory {
  /** For people and error messages. */
  readonly path: string;
  /** Creates a file, or empties it. */
  open(name: string): Promise<OpenFile>;
  /** Undefined where there is no such file. */
  read(name: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Atomic to whoever looks on; durable only after `sync`. */
  rename(from: string, to: string): Promise<void>;
  /** Nothing happens where there is no such file. */
  remove(name: string): Promise<void>;
  /** Makes the entries durable, not what the files hold. */
  sync(): Promise<void>;
  /** Names of the plain files, in any order. */
  list(): Promise<readonly string[]>;
}

export interface OpenFile {
  append(bytes: Uint8Array): Promise<void>;
  /** Makes the content durable, not the file's entry in the directory. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
