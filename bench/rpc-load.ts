import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

/** What a load came to. */
export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Calls that were answered. */
  readonly calls: number;
  /** Answers that were errors. */
  readonly failed: number;
}

export interface Load {
  readonly port: number;
  readonly connections: number;
  /** Ends after this, or when there are no more bodies. */
  readonly durationMs: number;
  /** The next request's body; undefined: no more. */
  readonly nextBody: () => string | undefined;
  /** Calls in one body. */
  readonly callsPerBody?: number;
}

/** Posts bodies over connections that stay open, one at a time on each: a client as cheap as can be, for it shares the cores. */
export async function runLoad({
  port,
  connections,
  durationMs,
  nextBody,
  callsPerBody = 1,
}: Load): Promise<LoadResult> {
  const latencies: number[] = [];
  let failed = 0;
  const startMs = performance.now();
  const endMs = startMs + durationMs;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = await HttpClient.open(port);
      for (let body = nextBody(); body !== undefined && performance.now() < endMs; body = nextBody()) {
        const sentMs = performance.now();
        const answer = await client.post(body);
        latencies.push(performance.now() - sentMs);
        if (answer.includes('"error":{')) failed++;
      }
      client.close();
    }),
  );
  const seconds = (performance.now() - startMs) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? NaN;
  return {
    perSecond: (latencies.length * callsPerBody) / seconds,
    calls: latencies.length * callsPerBody,
    ...{ p50Ms: at(0.5), p99Ms: at(0.99), failed },
  };
}

/** HTTP/1.1 by hand, for answers with a length or in chunks. */
export class HttpClient {
  readonly #socket: Socket;
  readonly #port: number;
  #received: Buffer[] = [];
  #bytes = 0;
  #needed = 0;
  #resolve: ((text: string) => void) | undefined;

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
    socket.setNoDelay(true);
    socket.on('data', (part: Buffer) => {
      this.#received.push(part);
      this.#bytes += part.length;
      if (this.#bytes >= this.#needed) this.#look();
    });
  }

  static open(port: number): Promise<HttpClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => {
        resolve(new HttpClient(socket, port));
      });
      socket.once('error', reject);
    });
  }

  post(body: string): Promise<string> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      const head = `POST / HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
      this.#socket.write(head + body);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #look(): void {
    const all = Buffer.concat(this.#received);
    this.#received = [all];
    const headEnd = all.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = all.toString('latin1', 0, headEnd).toLowerCase();
    const length = /content-length: (\d+)/.exec(head)?.[1];
    const isChunked = head.includes('transfer-encoding: chunked');
    const bodyStart = headEnd + 4;
    const end = isChunked ? chunksEnd(all) : bodyStart + Number(length ?? 0);
    if (end === undefined || all.length < end) {
      this.#needed = end ?? 0;
      return;
    }
    this.#received = [];
    this.#bytes = 0;
    this.#needed = 0;
    const body = all.subarray(bodyStart, end);
    this.#resolve?.((isChunked ? unchunked(body) : body).toString('utf8'));
  }
}

function unchunked(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const lineEnd = body.indexOf('\r\n', at);
    const size = parseInt(body.toString('latin1', at, lineEnd), 16);
    if (!(size > 0)) break;
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(parts);
}

function chunksEnd(all: Buffer): number | undefined {
  const mark = all.lastIndexOf('0\r\n\r\n');
  return mark >= 0 && mark === all.length - 5 ? all.length : undefined;
}
