import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What a link between two nodes does. */
export type LinkState =
  | 'open'
  /** Takes connections and everything that is sent, and lets nothing through: a cable that was pulled. What was under way comes later. */
  | 'silent'
  /** Ends connections and refuses new ones. */
  | 'refusing';

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** A loopback port that stands for the way from one node to another. */
export class TcpProxy {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #pairs = new Set<Pair>();
  #state: LinkState = 'open';

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
    server.on('connection', (near) => {
      this.#accept(near);
    });
  }

  static async open(targetPort: number): Promise<TcpProxy> {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: '127.0.0.1', port: 0 }, resolve);
    });
    return new TcpProxy(server, targetPort);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  set(state: LinkState): void {
    this.#state = state;
    for (const pair of [...this.#pairs]) this.#apply(pair);
  }

  async close(): Promise<void> {
    this.set('refusing');
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(near: Socket): void {
    near.on('error', () => undefined);
    if (this.#state === 'refusing') {
      near.destroy();
      return;
    }
    const far = connect({ host: '127.0.0.1', port: this.#targetPort });
    far.on('error', () => undefined);
    const pair = { near, far };
    this.#pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true);
      from.on('data', (chunk: Buffer) => {
        if (!to.write(chunk)) from.pause();
      });
      to.on('drain', () => {
        if (this.#state === 'open') from.resume();
      });
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
    this.#apply(pair);
  }

  #apply({ near, far }: Pair): void {
    for (const socket of [near, far]) {
      if (this.#state === 'open') socket.resume();
      else if (this.#state === 'silent') socket.pause();
      else socket.destroy();
    }
  }
}
