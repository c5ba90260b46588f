import { createServer, type Server } from 'node:net';

const HOST = '127.0.0.1';

/**
 * Ports of the loopback interface that are free now: the wanted ones where they are, others where not. All different.
 *
 * @throws what listening fails with when no port is free
 */
export async function freePorts(wanted: readonly number[]): Promise<number[]> {
  const held: Server[] = [];
  try {
    const ports: number[] = [];
    for (const port of wanted) {
      const server = (await listen(port)) ?? (await listen(0));
      if (server === undefined) throw new Error('no port of the loopback interface is free');
      held.push(server);
      const address = server.address();
      if (typeof address === 'object' && address !== null) ports.push(address.port);
    }
    return ports;
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

/** Undefined where the port is taken. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(undefined);
    });
    server.listen({ host: HOST, port }, () => {
      resolve(server);
    });
  });
}
