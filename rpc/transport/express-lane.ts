import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { PostAnswer } from './post.js';
import { readPlainPost, type PlainHead } from './plain-post.js';

export interface ExpressLaneOptions {
  readonly answer: (body: string, client: string) => PostAnswer | Promise<PostAnswer>;
  readonly maxBodyBytes: number;
  /** A connection on which nothing happens for so long is closed. */
  readonly idleMs: number;
}

/** Ends the lane's connections. */
export interface ExpressLane {
  close(): void;
}

/**
 * Answers the plain form of request that nearly all clients send – a whole POST in one piece, with headers that change nothing – at a third
 * of what Node's HTTP server takes for it. With the first piece that is anything else, the connection goes to that server for good.
 */
export function openExpressLane(server: Server, options: ExpressLaneOptions): ExpressLane {
  const general = server.listeners('connection');
  const sockets = new Set<Socket>();
  let isClosed = false;
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (isClosed) {
      socket.destroy();
      return;
    }
    const forget = (): void => {
      sockets.delete(socket);
    };
    sockets.add(socket);
    socket.once('close', forget);
    const connection = new Connection(socket, options, (piece) => {
      forget();
      for (const listener of general) Reflect.apply(listener, server, [socket]);
      socket.unshift(piece);
      socket.resume();
    });
    connection.serve();
  });
  return {
    close: () => {
      isClosed = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Answers one request after the other. */
class Connection {
  readonly #socket: Socket;
  readonly #client: string;
  readonly #options: ExpressLaneOptions;
  readonly #leave: (piece: Buffer) => void;
  #head: PlainHead | undefined;
  #isBusy = false;
  #isEnding = false;
  /** What has come while a request is in work. */
  #waiting: Buffer | undefined;

  /** @param leave takes the connection over, with the piece that is not for here */
  constructor(socket: Socket, options: ExpressLaneOptions, leave: (piece: Buffer) => void) {
    this.#socket = socket;
    this.#client = socket.remoteAddress ?? '';
    this.#options = options;
    this.#leave = leave;
  }

  serve(): void {
    const { idleMs } = this.#options;
    this.#socket.on('data', this.#onData).on('end', this.#onEnd);
    this.#socket.on('timeout', this.#destroy).on('error', this.#destroy);
    this.#socket.setTimeout(idleMs);
  }

  readonly #onData = (piece: Buffer): void => {
    if (!this.#isBusy) {
      this.#take(piece);
      return;
    }
    this.#waiting = this.#waiting === undefined ? piece : Buffer.concat([this.#waiting, piece]);
    this.#socket.pause();
  };

  readonly #onEnd = (): void => {
    this.#isEnding = true;
    if (!this.#isBusy) this.#socket.end();
  };

  readonly #destroy = (): void => {
    this.#socket.destroy();
  };

  #take(piece: Buffer): void {
    const { answer, maxBodyBytes } = this.#options;
    const post = readPlainPost(piece, maxBodyBytes, this.#head);
    if (post === undefined) {
      this.#handOver(piece);
      return;
    }
    this.#head = post.head;
    this.#isBusy = true;
    const answered = answer(post.body, this.#client);
    if (answered instanceof Promise) void answered.then((late) => this.#finish(late));
    else this.#finish(answered);
  }

  #finish(answered: PostAnswer): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    if (socket.write(responseText(answered, this.#options.idleMs))) {
      this.#goOn();
      return;
    }
    // Who does not read is not read from.
    socket.pause();
    socket.once('drain', () => {
      this.#goOn();
    });
  }

  #goOn(): void {
    const piece = this.#waiting;
    this.#isBusy = false;
    this.#waiting = undefined;
    if (this.#socket.isPaused()) this.#socket.resume();
    if (piece !== undefined) this.#take(piece);
    else if (this.#isEnding) this.#socket.end();
  }

  #handOver(piece: Buffer): void {
    const socket = this.#socket;
    socket.pause();
    socket.setTimeout(0);
    socket.off('data', this.#onData).off('end', this.#onEnd);
    socket.off('timeout', this.#destroy).off('error', this.#destroy);
    this.#leave(piece);
  }
}

const REASONS: Readonly<Record<PostAnswer['status'], string>> = {
  200: 'OK',
  204: 'No Content',
  429: 'Too Many Requests',
};

/** As the general server answers it. */
function responseText({ status, text }: PostAnswer, idleMs: number): string {
  const content =
    status === 204
      ? ''
      : `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\n`;
  return (
    `HTTP/1.1 ${status} ${REASONS[status]}\r\nAccess-Control-Allow-Origin: *\r\n${content}Date: ${dateText()}\r\n` +
    `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(idleMs / 1000)}\r\n\r\n${text}`
  );
}

let dateSecond = 0;
let dateOfSecond = '';

/** The clock's time, as HTTP writes it. */
function dateText(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateOfSecond = new Date(1000 * second).toUTCString();
  }
  return dateOfSecond;
}
