/** The control service on a unix socket. Load it by `await import`: gRPC takes time, and the first SYN does not wait.
 *  What is answered comes from a ControlSource; here are only the calls. */
import fs from 'node:fs';
import * as grpc from '@grpc/grpc-js';
import { invariant } from '../base/invariant.ts';
import { parseIpv4 } from '../base/ipv4.ts';
import { parsePrefix } from '../base/prefix.ts';
import { toStatusView } from './health.ts';
import { CHANGE, INSPECT, type ServiceDefinition } from './rpc-schema.ts';
import { ControlSocketError, claimSocketPath } from './socket-path.ts';
import type { ControlSource, RouteQuery } from './source.ts';
import type { RouteView } from './views.ts';

/** Where the server writes what it cannot answer to anybody: a pino logger fits. */
export interface ControlLog {
  warn(fields: Readonly<Record<string, unknown>>, text: string): void;
}

export interface ControlServerOptions {
  readonly socketPath: string;
  readonly source: ControlSource;
  readonly log: ControlLog;
}

export interface ControlServer {
  close(): Promise<void>;
}

const PAGE = 1000;
const SOCKET_MODE = 0o660;
const LONGEST_REQUEST_BYTES = 1 << 16;
const CLOSE_MS = 500;

class BadRequest extends Error {}

/** Listens on `socketPath`, mode 0660; a stale socket is replaced only when nobody answers on it.
 *  Throws ControlSocketError, which names path, cause and remedy. */
export async function startControlServer({ socketPath, source, log }: ControlServerOptions): Promise<ControlServer> {
  await claimSocketPath(socketPath);
  const server = new grpc.Server({ 'grpc.max_receive_message_length': LONGEST_REQUEST_BYTES });
  const failed = (name: string, error: unknown): grpc.ServiceError => {
    const text = error instanceof Error ? error.message : String(error);
    const code = error instanceof BadRequest ? grpc.status.INVALID_ARGUMENT : grpc.status.INTERNAL;
    if (code === grpc.status.INTERNAL) log.warn({ method: name, error: text }, 'control: a call failed');
    return Object.assign(new Error(text), { code, details: text, metadata: new grpc.Metadata() });
  };
  const unary =
    (name: string, answer: (request: object) => unknown): grpc.handleUnaryCall<object, unknown> =>
    (call, reply) => {
      Promise.resolve()
        .then(() => answer(call.request))
        .then(
          (value) => reply(null, value),
          (error: unknown) => reply(failed(name, error)),
        );
    };
  const routes: grpc.handleServerStreamingCall<object, unknown> = (call) => {
    Promise.resolve()
      .then(() => sendPages(call, source.routes(queryOf(call.request))))
      .then(
        () => call.end(),
        // Destroying the stream would leave the client waiting for its deadline: an emitted error becomes the call's status.
        (error: unknown) => call.emit('error', failed('ListRoutes', error)),
      );
  };
  addEvery(server, INSPECT, {
    GetStatus: unary('GetStatus', async () => toStatusView(await source.status())),
    ListPeers: unary('ListPeers', async () => ({ peers: await source.peers() })),
    ListRoutes: routes,
    ListBlocks: unary('ListBlocks', async () => ({ blocks: await source.blocks() })),
    ListPods: unary('ListPods', async () => ({ pods: await source.pods() })),
  });
  addEvery(server, CHANGE, {
    ReloadConfig: unary('ReloadConfig', (request) =>
      source.reload({ dryRun: 'dryRun' in request && request.dryRun === true }),
    ),
    Drain: unary('Drain', () => source.drain()),
  });
  await bind(server, socketPath);
  fs.chmodSync(socketPath, SOCKET_MODE);
  return { close: () => close(server) };
}

/** gRPC answers a method without a handler with UNIMPLEMENTED, and ignores a handler without a method: neither is meant. */
function addEvery(server: grpc.Server, service: ServiceDefinition, handlers: grpc.UntypedServiceImplementation): void {
  const [declared, written] = [Object.keys(service).sort().join(), Object.keys(handlers).sort().join()];
  invariant(declared === written, `gingham.proto declares ${declared}, the server answers ${written}`);
  server.addService(service, handlers);
}

const bind = (server: grpc.Server, socketPath: string): Promise<void> =>
  new Promise((done, fail) => {
    server.bindAsync(`unix:${socketPath}`, grpc.ServerCredentials.createInsecure(), (error) => {
      if (error === null) done();
      else
        fail(
          new ControlSocketError(
            `control socket ${socketPath}: ${error.message}. Check the folder's owner and mode, or set control.socket.`,
          ),
        );
    });
  });

/** Calls under way may end (a Drain wants its answer); a client that keeps a stream open does not keep the daemon. */
const close = (server: grpc.Server): Promise<void> =>
  new Promise((done) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      done();
    }, CLOSE_MS);
    server.tryShutdown(() => {
      clearTimeout(timer);
      done();
    });
  });

function queryOf(request: object): RouteQuery {
  const text = (field: string): string | undefined => {
    const value: unknown = Reflect.get(request, field);
    return typeof value === 'string' ? value : undefined;
  };
  const [prefixText, addressText] = [text('prefix'), text('address')];
  if (prefixText !== undefined && addressText !== undefined)
    throw new BadRequest('ListRoutes takes a prefix or an address, not both.');
  if (prefixText !== undefined) {
    const prefix = parsePrefix(prefixText);
    if (prefix === undefined)
      throw new BadRequest(`"${prefixText.slice(0, 64)}" is not an IPv4 prefix without host bits.`);
    return { prefix };
  }
  if (addressText === undefined) return {};
  const address = parseIpv4(addressText);
  if (address === undefined) throw new BadRequest(`"${addressText.slice(0, 64)}" is not an IPv4 address.`);
  return { address };
}

/** Between pages the event loop runs, and a slow reader is waited for: keepalives go first. */
async function sendPages(call: grpc.ServerWritableStream<object, unknown>, routes: Iterable<RouteView>): Promise<void> {
  let page: RouteView[] = [];
  const send = async (): Promise<void> => {
    const room = call.write({ routes: page });
    page = [];
    if (room) await new Promise((next) => setImmediate(next));
    else await drained(call);
  };
  for (const route of routes) {
    page.push(route);
    if (page.length < PAGE) continue;
    await send();
    if (call.cancelled || call.destroyed) return;
  }
  if (page.length > 0) await send();
}

const drained = (call: grpc.ServerWritableStream<object, unknown>): Promise<void> =>
  new Promise((next) => {
    const go = (): void => {
      for (const event of ['drain', 'cancelled', 'close', 'error']) call.off(event, go);
      next();
    };
    for (const event of ['drain', 'cancelled', 'close', 'error']) call.on(event, go);
  });
