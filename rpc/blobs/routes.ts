import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { fromHex, toHex } from '../../protocol/bytes.js';
import type { BlobDesk, ServedBlob } from '../backend.js';
import { RPC } from '../errors/codes.js';
import { RpcError } from '../errors/rpc-error.js';
import type { RpcLimits } from '../limits.js';
import type { Admission } from '../transport/admission.js';
import { rightsOf, type BlobAccess, type BlobRights } from './access.js';
import { blobFailure } from './failure.js';
import { parseRange } from './range.js';

export interface BlobRoutes {
  readonly desk: BlobDesk;
  readonly access: BlobAccess;
  readonly limits: RpcLimits;
  readonly admission: Admission;
  /** Whether some proxy's word about clients is believed. */
  readonly isProxied: boolean;
  readonly onInternalError: (error: unknown) => void;
}

/** Sends the answer, and resolves when nothing is held for it any more. */
type Answer = (request: FastifyRequest, reply: FastifyReply, rights: BlobRights) => Promise<void> | void;

/** Blobs over plain HTTP: bytes come and go chunk by chunk, no faster than the other side takes them. */
export function blobRoutes(app: FastifyInstance, routes: BlobRoutes): void {
  // The body is the blob: nobody gathers it.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, done) => {
    done(null);
  });
  const bodyLimit = Number.MAX_SAFE_INTEGER;
  const route = (method: 'GET' | 'HEAD' | 'PUT' | 'DELETE', url: string, answer: Answer): void => {
    const exposeHeadRoute = false;
    app.route({ method, url, bodyLimit, exposeHeadRoute, handler: guarded(routes, answer) });
  };
  const downloads = { running: 0 };
  route('PUT', '/blobs', (request, reply, rights) => upload(routes, request, reply, rights, undefined));
  route('PUT', '/blobs/:id', (request, reply, rights) =>
    upload(routes, request, reply, rights, idOf(request)),
  );
  route('GET', '/blobs/:id', (request, reply, rights) => download(routes, downloads, request, reply, rights));
  route('HEAD', '/blobs/:id', (request, reply) => describe(routes, request, reply));
  route('GET', '/blobs/:id/leaves', (request, reply) => leaves(routes, request, reply));
  route('PUT', '/blobs/:id/pin', async (request, reply, rights) => {
    forOperator(rights);
    await routes.desk.pin(idOf(request));
    void reply.code(204).send();
  });
  route('DELETE', '/blobs/:id/pin', async (request, reply, rights) => {
    forOperator(rights);
    await routes.desk.unpin(idOf(request));
    void reply.code(204).send();
  });
  route('DELETE', '/blobs', async (request, reply, rights) => {
    forOperator(rights);
    json(reply, await routes.desk.collect(idleMsOf(request)));
  });
}

/** A client that asks too often or for too much is told so; whatever goes wrong has a code. */
function guarded(
  routes: BlobRoutes,
  answer: Answer,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    const refusal = routes.admission.enter(request.ip, '');
    if (refusal !== undefined) {
      fail(routes, request, reply, refusal);
      return;
    }
    try {
      await answer(request, reply, rightsOf(request, routes.access, routes.isProxied));
    } catch (error) {
      fail(routes, request, reply, error);
    } finally {
      routes.admission.leave();
    }
  };
}

function fail(
  { onInternalError }: BlobRoutes,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): void {
  const { status, text, isInternal } = blobFailure(error);
  const isGone = request.raw.destroyed && !request.raw.complete;
  if (isInternal && !isGone) onInternalError(error);
  if (status === 503) void reply.header('retry-after', '1');
  // What is left of a body that nobody wants would be read for nothing.
  if (!request.raw.complete) void reply.header('connection', 'close');
  if (!reply.sent) void reply.code(status).header('content-type', JSON_TYPE).send(text);
}

async function upload(
  { desk, limits }: BlobRoutes,
  request: FastifyRequest,
  reply: FastifyReply,
  { mayUpload, uploader }: BlobRights,
  id: Uint8Array | undefined,
): Promise<void> {
  if (!mayUpload) throw forbidden('this client may bring no blobs');
  request.raw.setTimeout(limits.blobIdleMs);
  const stored = await desk.store({
    bytes: request.raw as AsyncIterable<Uint8Array>,
    ...{ uploader, id, lengthBytes: contentLength(request) },
  });
  const hex = toHex(stored.id);
  void reply.code(stored.isNew ? 201 : 200).header('location', `/blobs/${hex}`);
  json(reply, { id: hex, lengthBytes: stored.lengthBytes, isNew: stored.isNew });
}

async function download(
  { desk, limits }: BlobRoutes,
  downloads: { running: number },
  request: FastifyRequest,
  reply: FastifyReply,
  { mayFetch }: BlobRights,
): Promise<void> {
  const id = idOf(request);
  if (request.headers['if-none-match'] === etagOf(id)) {
    void reply.code(304).header('etag', etagOf(id)).send();
    return;
  }
  const { maxBlobDownloads, blobIdleMs } = limits;
  if (downloads.running >= maxBlobDownloads)
    throw new RpcError(RPC.limitExceeded, 'RPC_BUSY', 'too many blobs are being sent', { maxBlobDownloads });
  downloads.running++;
  let blob: ServedBlob | undefined;
  try {
    if (mayFetch && desk.status(id).state !== 'whole') await desk.obtain(id, closeOf(reply));
    blob = await desk.open(id);
    const { start, end } = rangeOf(request, reply, id, blob.lengthBytes);
    const stream = Readable.from(blob.read(start, end), { objectMode: false, highWaterMark: 1 });
    const closed = new Promise((resolve) => stream.once('close', resolve));
    reply.raw.setTimeout(blobIdleMs);
    void reply.header('content-length', end - start).send(stream);
    await closed;
  } finally {
    downloads.running--;
    await blob?.close();
  }
}

function rangeOf(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  id: Uint8Array,
  lengthBytes: number,
): { readonly start: number; readonly end: number } {
  const isWanted = headers['if-range'] === undefined || headers['if-range'] === etagOf(id);
  const range = isWanted ? parseRange(headers.range, lengthBytes) : undefined;
  if (range === 'unsatisfiable') {
    void reply.header('content-range', `bytes */${lengthBytes}`);
    throw new RpcError(RPC.invalidInput, 'RPC_BLOB_RANGE', 'the range begins behind the end', {
      lengthBytes,
    });
  }
  describeBlob(reply, id, lengthBytes);
  if (range === undefined) return { start: 0, end: lengthBytes };
  void reply.code(206).header('content-range', `bytes ${range.start}-${range.end - 1}/${lengthBytes}`);
  return range;
}

function describe({ desk }: BlobRoutes, request: FastifyRequest, reply: FastifyReply): void {
  const id = idOf(request);
  const { state, lengthBytes } = desk.status(id);
  if (state !== 'whole' || lengthBytes === undefined) {
    void reply.code(404).send();
    return;
  }
  describeBlob(reply, id, lengthBytes);
  void reply.header('content-length', lengthBytes).send();
}

async function leaves({ desk }: BlobRoutes, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const id = idOf(request);
  const blob = await desk.open(id);
  try {
    describeBlob(reply, id, blob.lengthBytes);
    void reply.header('etag', `${etagOf(id).slice(0, -1)}-leaves"`).send(Buffer.from(blob.leaves()));
  } finally {
    await blob.close();
  }
}

/** Bytes of anybody: never shown as a page, and for ever the same. */
function describeBlob(reply: FastifyReply, id: Uint8Array, lengthBytes: number): void {
  void reply.headers({
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment',
    'content-security-policy': 'sandbox',
    'x-content-type-options': 'nosniff',
    'cache-control': 'public, max-age=31536000, immutable',
    'accept-ranges': 'bytes',
    'access-control-expose-headers': 'etag, content-range, accept-ranges, x-blob-length',
    etag: etagOf(id),
    'x-blob-length': `${lengthBytes}`,
  });
}

const JSON_TYPE = 'application/json; charset=utf-8';

function json(reply: FastifyReply, value: object): void {
  void reply.header('content-type', JSON_TYPE).send(JSON.stringify(value));
}

function etagOf(id: Uint8Array): string {
  return `"${toHex(id)}"`;
}

function idOf({ params }: FastifyRequest): Uint8Array {
  const { id } = params as { readonly id: string };
  if (/^0x[0-9a-fA-F]{64}$/.test(id)) return fromHex(id);
  throw invalid('not the id of a blob: 0x and 64 hex digits');
}

function contentLength({ headers }: FastifyRequest): number | undefined {
  const text = headers['content-length'];
  return text === undefined ? undefined : Number(text);
}

function idleMsOf({ query }: FastifyRequest): number {
  const { idleMs } = query as { readonly idleMs?: unknown };
  if (typeof idleMs === 'string' && /^\d{1,13}$/.test(idleMs)) return Number(idleMs);
  throw invalid('idleMs is missing: for how long nobody has used what is dropped, in milliseconds');
}

/** Aborts when the client is gone. */
function closeOf({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    controller.abort();
  });
  return controller.signal;
}

function forOperator({ isOperator }: BlobRights): void {
  if (!isOperator) throw forbidden('this is for the operator of the node');
}

function forbidden(message: string): RpcError {
  return new RpcError(RPC.methodNotSupported, 'RPC_BLOB_FORBIDDEN', message);
}

function invalid(message: string): RpcError {
  return new RpcError(RPC.invalidRequest, 'RPC_BLOB_REQUEST_INVALID', message);
}
