import { isIP } from 'node:net';
import cors from '@fastify/cors';
import websocket from '@fastify/websocket';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { RpcBackend } from './backend.js';
import type { BlobAccess } from './blobs/access.js';
import { blobRoutes } from './blobs/routes.js';
import { RPC } from './errors/codes.js';
import { RpcError } from './errors/rpc-error.js';
import { DEFAULT_LIMITS, type RpcLimits } from './limits.js';
import { METHOD_TABLE } from './methods/index.js';
import { createServices } from './services.js';
import { Admission, isLoopback } from './transport/admission.js';
import { Dispatcher, errorText } from './transport/dispatcher.js';
import { openExpressLane } from './transport/express-lane.js';
import { answerPost } from './transport/post.js';
import { serveSocket } from './transport/socket.js';

/** Where what operators should know is written: pino's form. */
export interface RpcLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** An answer of `/health` or `/ready`: status 200, or 503 where `ok` is false. */
export interface HealthReport {
  readonly ok: boolean;
  readonly [field: string]: unknown;
}

export interface RpcServerOptions {
  readonly backend: RpcBackend;
  readonly log: RpcLog;
  /** The loopback interface unless told otherwise. */
  readonly host?: string;
  /** 8545 unless told otherwise; 0 takes a free one. */
  readonly port?: number;
  /** Web pages that may ask: all of them unless told otherwise, for wallets live in pages. */
  readonly corsOrigins?: readonly string[] | '*';
  /** Addresses of proxies whose word about clients is believed. */
  readonly trustedProxies?: readonly string[];
  readonly limits?: Partial<RpcLimits>;
  /** Who may do what with blobs: nobody brings any unless told otherwise. */
  readonly blobs?: BlobAccess;
  readonly health?: () => HealthReport | Promise<HealthReport>;
  readonly ready?: () => HealthReport | Promise<HealthReport>;
  /** Told of each call, for metrics: a method nobody knows is called `unknown`. */
  readonly onRequest?: (method: string, elapsedMs: number, ok: boolean) => void;
}

export interface RpcServer {
  /** `http://host:port`; the same with `ws:` for sockets. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Open WebSockets. */
  readonly sockets: number;
  /** Subscriptions of all of them. */
  readonly subscriptions: number;
  /** Takes no more requests, ends subscriptions, and resolves when the port is free. */
  close(): Promise<void>;
}

/** Serves JSON-RPC over HTTP and WebSocket on one port. @throws as listening does, for instance EADDRINUSE */
export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const { backend, log, host = '127.0.0.1', port = 8545, onRequest } = options;
  const limits: RpcLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const services = createServices(backend, limits);
  const dispatcher = new Dispatcher({
    methods: METHOD_TABLE,
    services,
    limits,
    onRequest,
    onInternalError: (method, error) => {
      log.error({ err: error, method }, 'a request failed for a reason of this node');
    },
  });
  const app = await createApp(options, limits);
  const serving = { dispatcher, limits, options, admission: new Admission(limits) };
  routes(app, serving);
  await serveBlobs(app, serving);
  const lane = isPlainlyServed(options)
    ? openExpressLane(app.server, {
        answer: (body, client) => answerPost(serving, body, client),
        maxBodyBytes: limits.maxRequestBytes,
        idleMs: KEEP_ALIVE_MS,
      })
    : undefined;
  await app.listen({ host, port, backlog: 1024 });
  const address = app.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  const exposure = exposureOf(host);
  if (exposure !== undefined) log.warn({ host, port: bound }, exposure);
  const url = `http://${isIP(host) === 6 ? `[${host}]` : host}:${bound}`;
  log.info({ url }, 'JSON-RPC is served');
  return {
    url,
    host,
    port: bound,
    get sockets() {
      return app.websocketServer.clients.size;
    },
    get subscriptions() {
      return services.hub.size;
    },
    close: async () => {
      services.news.close();
      services.hub.close();
      for (const socket of app.websocketServer.clients) socket.close(GOING_AWAY, 'the node stops');
      lane?.close();
      await app.close();
    },
  };
}

/** What an operator should know who has the server listen at `host`; undefined for the loopback interface. */
export function exposureOf(host: string): string | undefined {
  if (isLoopback(host)) return undefined;
  return 'JSON-RPC listens beyond this machine: whoever reaches the port can use it, and nothing is encrypted. Put a proxy with TLS in front of it';
}

/** Close code of a server that stops (RFC 6455). */
const GOING_AWAY = 1001;
/** How long a connection stays open between requests. */
const KEEP_ALIVE_MS = 60_000;

/** Whether every page and every client is served alike: then no header but those of HTTP itself makes a difference. */
function isPlainlyServed({ corsOrigins = '*', trustedProxies = [] }: RpcServerOptions): boolean {
  return corsOrigins === '*' && trustedProxies.length === 0;
}

async function createApp(
  { corsOrigins = '*', trustedProxies }: RpcServerOptions,
  limits: RpcLimits,
): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: limits.maxRequestBytes,
    // Of what may last longest; everything else has REQUEST_MS.
    requestTimeout: limits.blobUploadMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    trustProxy: trustedProxies === undefined ? false : [...trustedProxies],
    routerOptions: { ignoreTrailingSlash: true },
  });
  app.server.maxConnections = limits.maxConnections;
  const origin = corsOrigins === '*' ? '*' : [...corsOrigins];
  await app.register(cors, { origin, methods: ['POST', 'GET', 'PUT'], maxAge: 600 });
  await app.register(websocket, {
    options: { maxPayload: limits.maxRequestBytes, perMessageDeflate: false },
  });
  app.addHook('onRequest', (request, _reply, done) => {
    if (!request.url.startsWith('/blobs')) limitTime(request);
    done();
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  app.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) => {
    const status = error.statusCode ?? 500;
    const text = status === 413 ? `request larger than ${limits.maxRequestBytes} bytes` : 'invalid request';
    const code = status === 413 ? RPC.limitExceeded : RPC.invalidRequest;
    return answer(reply.code(status), errorText(null, new RpcError(code, 'RPC_REQUEST_INVALID', text)));
  });
  app.setNotFoundHandler((_request, reply) => {
    const text = 'JSON-RPC is at /, by POST or WebSocket';
    return answer(
      reply.code(404),
      errorText(null, new RpcError(RPC.invalidRequest, 'RPC_REQUEST_INVALID', text)),
    );
  });
  return app;
}

/** In which a request has to be here as a whole. */
const REQUEST_MS = 30_000;

/** Ends the connection of a request that does not come to its end. */
function limitTime({ raw }: FastifyRequest): void {
  if (raw.complete) return;
  const alarm = setTimeout(() => raw.destroy(), REQUEST_MS);
  const cancel = (): void => {
    clearTimeout(alarm);
  };
  raw.once('end', cancel).once('close', cancel);
}

interface Serving {
  readonly dispatcher: Dispatcher;
  readonly limits: RpcLimits;
  readonly options: RpcServerOptions;
  readonly admission: Admission;
}

function routes(app: FastifyInstance, serving: Serving): void {
  const { dispatcher, limits, options, admission } = serving;
  app.post('/', async (request, reply) => {
    const body = typeof request.body === 'string' ? request.body : '';
    const { status, text } = await answerPost(serving, body, request.ip);
    return status === 204 ? reply.code(204).send() : answer(reply.code(status), text);
  });
  app.route({
    method: 'GET',
    url: '/',
    handler: (_request, reply) =>
      answer(
        reply.code(405),
        errorText(null, new RpcError(RPC.invalidRequest, 'RPC_REQUEST_INVALID', 'JSON-RPC is sent by POST')),
      ),
    wsHandler: (socket, request) => {
      serveSocket(socket, request.ip, { dispatcher, limits, admission });
    },
  });
  app.get('/health', (request, reply) => report(options.health, request, reply));
  app.get('/ready', (request, reply) => report(options.ready, request, reply));
}

/** Beside JSON-RPC, with bodies of their own. */
async function serveBlobs(app: FastifyInstance, { limits, options, admission }: Serving): Promise<void> {
  const { backend, blobs: access = { uploads: 'off' }, trustedProxies = [], log } = options;
  const { blobs: desk } = backend;
  if (desk === undefined) return;
  await app.register((scope, _options, done) => {
    blobRoutes(scope, {
      ...{ desk, access, limits, admission, isProxied: trustedProxies.length > 0 },
      onInternalError: (error) => {
        log.error({ err: error }, 'a request for a blob failed for a reason of this node');
      },
    });
    done();
  });
}

async function report(
  check: RpcServerOptions['health'],
  _request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const result = (await check?.()) ?? { ok: true };
  return answer(reply.code(result.ok ? 200 : 503), JSON.stringify(result));
}

function answer(reply: FastifyReply, json: string): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(json);
}
