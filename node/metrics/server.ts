import { fastify, type FastifyReply } from 'fastify';
import type { Registry } from 'prom-client';
import { OgpuError } from '../../protocol/errors.js';
import { healthReport, type Health, type HealthCheck } from './health.js';

/** The metrics cannot be served. */
export class MetricsServerError extends OgpuError<'METRICS_LISTEN'> {}

export interface MetricsServerOptions {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  readonly registry: Registry;
  readonly health: Health;
}

export interface MetricsServer {
  readonly port: number;
  /** Stops listening and ends open connections. */
  close(): Promise<void>;
}

/** Scrapers and probes, and somebody with a browser. */
const MAX_CONNECTIONS = 64;
const TIMEOUT_MS = 10_000;

/**
 * Serves `/metrics` (Prometheus), `/health` (alive: restart it otherwise) and `/ready` (of use: send it clients).
 *
 * @throws MetricsServerError METRICS_LISTEN
 */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { host, port, registry, health } = options;
  const server = fastify({
    forceCloseConnections: true,
    bodyLimit: 1_024,
    connectionTimeout: TIMEOUT_MS,
    requestTimeout: TIMEOUT_MS,
    keepAliveTimeout: 65_000,
  });
  server.server.maxConnections = MAX_CONNECTIONS;
  server.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
  server.get('/health', (_request, reply) => answer(reply, health.live()));
  server.get('/ready', (_request, reply) => answer(reply, health.ready()));
  try {
    await server.listen({ host, port });
  } catch (cause) {
    await server.close();
    const reason = cause instanceof Error ? cause.message : String(cause);
    const cure = 'choose another metrics.port or metrics.host, or stop what has it';
    throw new MetricsServerError(
      'METRICS_LISTEN',
      `cannot serve metrics: ${reason}`,
      { host, port, cure },
      { cause },
    );
  }
  const address = server.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () => server.close(),
  };
}

function answer(reply: FastifyReply, checks: readonly HealthCheck[]): FastifyReply {
  const { ok, status, checks: told } = healthReport(checks);
  return reply
    .code(ok ? 200 : 503)
    .header('cache-control', 'no-store')
    .send({ status, checks: told });
}
