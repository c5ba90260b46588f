import {
  blobChunkBytes,
  blobChunkCount,
  blobIdOfLeaves,
  blobLeaf,
  isBlobLength,
  splitLeaves,
} from '../../protocol/blob.js';
import { bytesEqual, concatBytes, fromHex, toHex, type Hex } from '../../protocol/bytes.js';
import { HASH_LENGTH } from '../../protocol/crypto/hash.js';
import { OgpuError } from '../../protocol/errors.js';
import { BLOB_CHUNK_BYTES, MAX_BLOB_BYTES } from '../../protocol/limits.js';

/** Why a blob did not go to a node, or did not come from it. */
export class BlobTransferError extends OgpuError<
  /** The node refuses; its own `code` and `status` are in the data. */
  | 'BLOB_REFUSED'
  /** What the node sends is not the blob, or not an answer. */
  | 'BLOB_ANSWER_WRONG'
  /** The answer broke off: go on from `chunks` that have come. */
  | 'BLOB_ANSWER_SHORT'
  /** The node names another id than the bytes have. */
  | 'BLOB_ID_WRONG'
> {}

export interface BlobNode {
  /** Where its JSON-RPC is. */
  readonly url: string;
  /** Of its operator. */
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes in memory, a file of a browser or of Node (`openAsBlob`), or whatever brings them piece by piece; the latter in Node alone. */
export type UploadSource = Uint8Array | Blob | AsyncIterable<Uint8Array>;

export interface UploadedBlobInfo {
  readonly id: Hex;
  readonly lengthBytes: number;
  /** Whether the node did not have it before. */
  readonly isNew: boolean;
}

/** The part of a blob that is wanted, and who wants to know how it goes. */
export interface DownloadOptions {
  /** Chunks before it are there already. */
  readonly firstChunk?: number;
  /** Told once, before the first byte. */
  readonly onLength?: (lengthBytes: number) => void;
}

/**
 * Brings a blob to a node. Its id is computed here; a node that names another one is wrong.
 *
 * @throws BlobTransferError BLOB_REFUSED | BLOB_ANSWER_WRONG | BLOB_ID_WRONG; what `fetch` and the source throw
 */
export async function uploadBlob(
  node: BlobNode,
  source: UploadSource,
  onProgress?: (sentBytes: number) => void,
): Promise<UploadedBlobInfo> {
  const hasher = new BlobHasher();
  const init: RequestInit & { duplex?: 'half' } = { ...initOf(node), method: 'PUT' };
  if (source instanceof Uint8Array || source instanceof Blob) {
    for await (const piece of piecesOf(source)) hasher.add(piece);
    init.body = source as NonNullable<RequestInit['body']>;
  } else {
    init.body = streamOf(source, (piece) => {
      hasher.add(piece);
      onProgress?.(hasher.lengthBytes);
    });
    init.duplex = 'half';
  }
  const answer = await readJson(await ask(new URL('blobs', rootOf(node.url)), init));
  const id = toHex(hasher.id());
  onProgress?.(hasher.lengthBytes);
  const { id: named, isNew } = answer as { readonly id?: unknown; readonly isNew?: unknown };
  if (named !== id)
    throw new BlobTransferError('BLOB_ID_WRONG', 'the node names another id', {
      id,
      named: String(named).slice(0, 80),
    });
  return { id, lengthBytes: hasher.lengthBytes, isNew: isNew === true };
}

/**
 * The bytes of a blob, chunk by chunk as they come, each verified before it is given on: the node need not be trusted. Who has the first
 * chunks already begins behind them.
 *
 * @throws BlobTransferError BLOB_REFUSED | BLOB_ANSWER_WRONG | BLOB_ANSWER_SHORT; what `fetch` throws
 */
export async function* downloadBlob(
  node: BlobNode,
  id: Hex,
  { firstChunk = 0, onLength }: DownloadOptions = {},
): AsyncGenerator<Uint8Array, void> {
  const url = new URL(`blobs/${id}`, rootOf(node.url));
  const headers: Record<string, string> =
    firstChunk === 0 ? {} : { range: `bytes=${firstChunk * BLOB_CHUNK_BYTES}-` };
  // The bytes are asked for first: that has the node fetch what it does not have.
  const response = await ask(url, initOf(node, headers));
  const { lengthBytes, leaves } = await askLeaves(node, url, id);
  if (firstChunk > 0 && response.status !== 206) throw wrong(id, 'not the range that was asked for');
  onLength?.(lengthBytes);
  const count = blobChunkCount(lengthBytes);
  const reader = new ExactReader(response);
  try {
    for (let index = firstChunk; index < count; index++) {
      const chunk = await reader.take(blobChunkBytes(lengthBytes, index));
      if (chunk === undefined)
        throw new BlobTransferError('BLOB_ANSWER_SHORT', 'the answer broke off', { id, chunks: index });
      if (!bytesEqual(blobLeaf(chunk), leaves[index] ?? new Uint8Array(0)))
        throw wrong(id, `chunk ${index} is wrong`);
      yield chunk;
    }
  } finally {
    await reader.cancel();
  }
}

/** What is asked of a node beside that, below its address: for its operator. @throws BlobTransferError BLOB_REFUSED; what `fetch` throws */
export function orderBlobs(node: BlobNode, path: string, method: 'PUT' | 'DELETE'): Promise<Response> {
  return ask(new URL(path, rootOf(node.url)), { ...initOf(node), method });
}

/** Computes the id of a blob that comes piece by piece. Holds one chunk. */
export class BlobHasher {
  readonly #leaves: Uint8Array[] = [];
  readonly #chunk = new Uint8Array(BLOB_CHUNK_BYTES);
  #filled = 0;
  lengthBytes = 0;

  add(piece: Uint8Array): void {
    for (let rest = piece; rest.length > 0;) {
      const part = rest.subarray(0, BLOB_CHUNK_BYTES - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      this.lengthBytes += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled < BLOB_CHUNK_BYTES) continue;
      this.#leaves.push(blobLeaf(this.#chunk));
      this.#filled = 0;
    }
  }

  /** Of what has been added. */
  id(): Uint8Array {
    const isWhole = this.#filled === 0 && this.#leaves.length > 0;
    const last = isWhole ? [] : [blobLeaf(this.#chunk.subarray(0, this.#filled))];
    return blobIdOfLeaves(this.lengthBytes, [...this.#leaves, ...last]);
  }
}

async function askLeaves(
  node: BlobNode,
  url: URL,
  id: Hex,
): Promise<{ readonly lengthBytes: number; readonly leaves: readonly Uint8Array[] }> {
  const response = await ask(new URL(`${url.href}/leaves`), initOf(node));
  const lengthBytes = Number(response.headers.get('x-blob-length') ?? NaN);
  if (!isBlobLength(lengthBytes) || lengthBytes > MAX_BLOB_BYTES) throw wrong(id, 'no length');
  const reader = new ExactReader(response);
  const bytes = await reader.take(HASH_LENGTH * blobChunkCount(lengthBytes));
  await reader.cancel();
  if (bytes === undefined) throw wrong(id, 'too few hashes');
  const leaves = splitLeaves(bytes);
  if (!bytesEqual(blobIdOfLeaves(lengthBytes, leaves), fromHex(id, HASH_LENGTH)))
    throw wrong(id, 'hashes of another blob');
  return { lengthBytes, leaves };
}

/** Takes as many bytes as are asked for of a body, and holds no more than those and one piece. */
class ExactReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #rest: Uint8Array = new Uint8Array(0);

  constructor({ body }: Response) {
    this.#reader = body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
  }

  /** Undefined where the body ends before. */
  async take(count: number): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#rest.length === 0) {
        const piece = await this.#next();
        if (piece === undefined) return undefined;
        this.#rest = piece;
      }
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      parts.push(part);
      missing -= part.length;
    }
    return concatBytes(...parts);
  }

  async cancel(): Promise<void> {
    await this.#reader?.cancel().catch(() => undefined);
  }

  /** A connection that breaks is the end of the body: what came before it counts. */
  async #next(): Promise<Uint8Array | undefined> {
    try {
      return (await this.#reader?.read())?.value;
    } catch (error) {
      if (error instanceof DOMException) throw error;
      return undefined;
    }
  }
}

async function* piecesOf(source: Uint8Array | Blob): AsyncGenerator<Uint8Array, void> {
  if (source instanceof Uint8Array) {
    yield source;
    return;
  }
  const reader = source.stream().getReader() as ReadableStreamDefaultReader<Uint8Array>;
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

function streamOf(
  source: AsyncIterable<Uint8Array>,
  onPiece: (piece: Uint8Array) => void,
): ReadableStream<Uint8Array> {
  const pieces = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const next = await pieces.next();
        if (next.done === true) {
          controller.close();
          return;
        }
        onPiece(next.value);
        controller.enqueue(next.value);
      },
      cancel: async () => {
        await pieces.return?.();
      },
    },
    { highWaterMark: 1 },
  );
}

function rootOf(url: string): URL {
  return new URL(url.endsWith('/') ? url : `${url}/`);
}

function initOf({ token, signal }: BlobNode, headers: Record<string, string> = {}): RequestInit {
  return {
    headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    ...(signal === undefined ? {} : { signal }),
  };
}

/** @throws BlobTransferError BLOB_REFUSED */
async function ask(url: URL, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (response.ok) return response;
  const { error } = (await readJson(response)) as {
    readonly error?: { readonly code?: unknown; readonly message?: unknown; readonly data?: object };
  };
  const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 500) : 'unknown');
  throw new BlobTransferError('BLOB_REFUSED', `the node refuses: ${text(error?.message)}`, {
    ...error?.data,
    ...{ code: text(error?.code), status: response.status },
  });
}

const MAX_JSON_BYTES = 65_536;

/** An empty object for what is none. */
async function readJson(response: Response): Promise<object> {
  const reader = new ExactReader(response);
  const length = Number(response.headers.get('content-length') ?? 0);
  const bytes = length > 0 && length <= MAX_JSON_BYTES ? await reader.take(length) : undefined;
  await reader.cancel();
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array(0)));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function wrong(id: Hex, message: string): BlobTransferError {
  return new BlobTransferError('BLOB_ANSWER_WRONG', `not an answer of the blob: ${message}`, { id });
}
