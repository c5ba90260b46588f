import type { WebSocket } from '@fastify/websocket';
import type { RpcError } from '../errors/rpc-error.js';
import type { RpcLimits } from '../limits.js';
import { errorText, type Dispatcher } from './dispatcher.js';
import type { PushChannel } from './session.js';

export interface SocketServing {
  readonly dispatcher: Dispatcher;
  readonly limits: RpcLimits;
  readonly admission: {
    enter(client: string, body: string): RpcError | undefined;
    leave(): void;
  };
}

/** Close codes of RFC 6455. */
const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;

/** Time for a client that is dropped to read what waits for it, and the reason. */
const GRACE_MS = 2_000;

/** Requests of one socket that may be in work at a time: a client that sends without reading is dropped. */
const MAX_PENDING = 2_048;

/** Answers the requests of one socket, and keeps it from costing memory without bound. */
export function serveSocket(socket: WebSocket, client: string, serving: SocketServing): void {
  const { dispatcher, limits, admission } = serving;
  const channel = openChannel(socket, limits);
  let pending = 0;
  let isAlive = true;
  const ping = setInterval(() => {
    if (!isAlive) {
      socket.terminate();
      return;
    }
    isAlive = false;
    socket.ping();
  }, limits.pingMs);
  socket.on('pong', () => (isAlive = true));
  socket.on('error', () => socket.terminate());
  channel.onClose(() => {
    clearInterval(ping);
  });
  socket.on('message', (data) => {
    isAlive = true;
    const text = textOf(data);
    const refusal = admission.enter(client, text);
    if (refusal !== undefined) {
      channel.send(errorText(null, refusal));
      return;
    }
    if (++pending > MAX_PENDING) socket.close(POLICY_VIOLATION, 'too many requests at a time');
    void Promise.resolve(dispatcher.handle(text, { client, push: channel }))
      .then((answer) => {
        if (answer !== undefined) channel.send(answer);
      })
      .finally(() => {
        pending--;
        admission.leave();
      });
  });
}

function openChannel(socket: WebSocket, { maxSocketBacklogBytes }: RpcLimits): PushChannel {
  const closers: (() => void)[] = [];
  const subscriptions = new Map<string, () => void>();
  socket.on('close', () => {
    for (const end of subscriptions.values()) end();
    subscriptions.clear();
    for (const run of closers) run();
  });
  return {
    subscriptions,
    get backlogBytes() {
      return socket.bufferedAmount;
    },
    get isOpen() {
      return socket.readyState === socket.OPEN;
    },
    onClose: (run) => closers.push(run),
    send: (text) => {
      if (socket.readyState !== socket.OPEN) return;
      socket.send(text);
      if (socket.bufferedAmount <= maxSocketBacklogBytes) return;
      socket.close(TRY_AGAIN_LATER, `more than ${maxSocketBacklogBytes} bytes wait to be read`);
      // Who begins to read now still learns why; who does not is cut off.
      setTimeout(() => {
        socket.terminate();
      }, GRACE_MS).unref();
    },
  };
}

function textOf(data: Buffer | ArrayBuffer | Buffer[]): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.isBuffer(data) ? data.toString('utf8') : Buffer.from(data).toString('utf8');
}
