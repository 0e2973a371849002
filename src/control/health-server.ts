/** /livez and /readyz for a kubelet, /metrics for Prometheus, on 127.0.0.1 only. I/O: HTTP. What ready means is health-check.ts.
 *  /livez is answered as long as the event loop turns: a daemon that cannot answer within the probe's time holds no session
 *  either, and a restart is the remedy. Nothing else makes it dead. */
import http from 'node:http';
import type { Reason } from '../base/reason.ts';
import { checkHealth, formatHealth } from './health-check.ts';
import { formatMetrics, METRICS_TYPE, type MetricsFacts } from './metrics.ts';
import type { StatusFacts } from './views.ts';

export interface HealthServer {
  /** The bound port: of use when 0 was asked for. */
  readonly port: number;
  close(): void;
}

const HOST = '127.0.0.1';
const MOST_CONNECTIONS = 64;
const REQUEST_MS = 5000;

/** Rejects with a reason when the port is taken: a daemon without health is killed by its kubelet, so it is said at once. */
export function startHealthServer(options: {
  readonly port: number;
  readonly status: () => StatusFacts | Promise<StatusFacts>;
  readonly metrics: () => MetricsFacts;
}): Promise<HealthServer> {
  const server = http.createServer((request, reply) => {
    const send = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
      reply.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
      reply.end(request.method === 'HEAD' ? undefined : body);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'GET only\n');
    const path = request.url?.split('?', 1)[0];
    if (path === '/livez') return send(200, 'ok\n');
    if (path === '/metrics') return send(200, formatMetrics(options.metrics()), METRICS_TYPE);
    if (path !== '/readyz') return send(404, '/livez, /readyz and /metrics are here\n');
    Promise.resolve()
      .then(options.status)
      .then(checkHealth)
      .then(
        (report) => send(report.ready ? 200 : 503, formatHealth(report)),
        (error: unknown) => send(500, `${error instanceof Error ? error.message : String(error)}\n`),
      );
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.requestTimeout = REQUEST_MS;
  return new Promise((done, fail) => {
    server.once('error', (error) => fail(new HealthError(portReason(options.port, error))));
    server.listen(options.port, HOST, () => {
      const bound = server.address();
      done({
        port: typeof bound === 'object' && bound !== null ? bound.port : options.port,
        close: () => {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}

export class HealthError extends Error {
  override readonly name = 'HealthError';
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(reason.text);
    this.reason = reason;
  }
}

const portReason = (port: number, error: Error): Reason => ({
  code: 'HEALTH_PORT',
  text: `cannot serve health on ${HOST}:${port}: ${error.message}. Another network's daemon may still run here (Calico's uses 9099): stop it, or set health.port and the probes to another.`,
});
