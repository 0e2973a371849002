/** The control service: the calls, over whatever connections it is given. What is answered comes from a ControlSource. Who listens is
 *  control-socket.ts, which loads this file, and gRPC with it, when somebody asks. */
import type { Duplex } from 'node:stream';
import * as grpc from '@grpc/grpc-js';
import { invariant } from '../base/invariant.ts';
import { toStatusView } from './health.ts';
import { sendPages, sendPieces } from './pages.ts';
import { BadRequest, drainOf, queryOf, targetOf } from './query.ts';
import { CHANGE, INSPECT, type ServiceDefinition } from './rpc-schema.ts';
import { type ControlSource, NotThere } from './source.ts';

/** Where the server writes what it cannot answer to anybody: a pino logger fits. */
export interface ControlLog {
  warn(fields: Readonly<Record<string, unknown>>, text: string): void;
}

export interface ControlServerOptions {
  readonly source: ControlSource;
  readonly log: ControlLog;
}

export interface ControlServer {
  serve(connection: Duplex): void;
  close(): Promise<void>;
}

const LONGEST_REQUEST_BYTES = 1 << 16;
const CLOSE_MS = 500;

export function startControlServer({ source, log }: ControlServerOptions): ControlServer {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': LONGEST_REQUEST_BYTES });
  const failed = (name: string, error: unknown): grpc.ServiceError => {
    const text = error instanceof Error ? error.message : String(error);
    const code =
      error instanceof BadRequest
        ? grpc.status.INVALID_ARGUMENT
        : error instanceof NotThere
          ? grpc.status.NOT_FOUND
          : grpc.status.INTERNAL;
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
  const stream =
    (
      name: string,
      send: (call: grpc.ServerWritableStream<object, unknown>) => Promise<void>,
    ): grpc.handleServerStreamingCall<object, unknown> =>
    (call) => {
      Promise.resolve()
        .then(() => send(call))
        .then(
          () => call.end(),
          // Destroying the stream would leave the client waiting for its deadline: an emitted error becomes the call's status.
          (error: unknown) => call.emit('error', failed(name, error)),
        );
    };
  addEvery(server, INSPECT, {
    GetStatus: unary('GetStatus', async () => toStatusView(await source.status())),
    ListPeers: unary('ListPeers', async () => ({ peers: await source.peers() })),
    ListRoutes: stream('ListRoutes', (call) => sendPages(call, source.routes(queryOf(call.request)))),
    Explain: unary('Explain', (request) => source.explain(targetOf(request))),
    DumpTables: stream('DumpTables', (call) => sendPieces(call, source.dumpTables())),
    ListBlocks: unary('ListBlocks', async () => ({ blocks: await source.blocks() })),
    ListPods: unary('ListPods', async () => ({ pods: await source.pods() })),
  });
  addEvery(server, CHANGE, {
    ReloadConfig: unary('ReloadConfig', (request) =>
      source.reload({ dryRun: 'dryRun' in request && request.dryRun === true }),
    ),
    Drain: unary('Drain', (request) => source.drain(drainOf(request))),
    Undrain: unary('Undrain', () => source.undrain()),
  });
  const door = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  return {
    serve: (connection) => door.injectConnection(connection),
    close: () => close(server),
  };
}

/** gRPC answers a method without a handler with UNIMPLEMENTED, and ignores a handler without a method: neither is meant. */
function addEvery(server: grpc.Server, service: ServiceDefinition, handlers: grpc.UntypedServiceImplementation): void {
  const [declared, written] = [Object.keys(service).sort().join(), Object.keys(handlers).sort().join()];
  invariant(declared === written, `gingham.proto declares ${declared}, the server answers ${written}`);
  server.addService(service, handlers);
}

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
