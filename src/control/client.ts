/** The command's side of the control socket: one call each, with a deadline. */
import * as grpc from '@grpc/grpc-js';
import { CHANGE, INSPECT, type MethodDefinition, method } from './rpc-schema.ts';
import type {
  BlockView,
  DrainReport,
  ExplanationView,
  PodView,
  ReloadReport,
  RouteView,
  StatusView,
  UndrainReport,
} from './views.ts';
import type { PeerView } from './views-of-peers.ts';

/** `unreachable`: nobody there, no permission, or no answer in time. `not-there`: no such route or peer. `failed`: the daemon
 *  answered with an error. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly kind: 'unreachable' | 'not-there' | 'failed';

  constructor(kind: ControlError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface ControlClient {
  status(): Promise<StatusView>;
  peers(): Promise<readonly PeerView[]>;
  /** Fields as in RoutesRequest of gingham.proto. */
  routes(query: RoutesAsked): Promise<readonly RouteView[]>;
  /** The same, page by page as they come: a full table needs little memory. */
  eachRoute(query: RoutesAsked, onPage: (routes: readonly RouteView[]) => void): Promise<void>;
  /** Text of a prefix or an address. */
  explain(target: string): Promise<ExplanationView>;
  /** MRT records in pieces. */
  dumpTables(onPiece: (records: Uint8Array) => void): Promise<void>;
  blocks(): Promise<readonly BlockView[]>;
  pods(): Promise<readonly PodView[]>;
  reload(dryRun: boolean): Promise<ReloadReport>;
  /** Fields as in DrainRequest of gingham.proto. */
  drain(asked?: { readonly waitMs?: number; readonly stay?: boolean }): Promise<DrainReport>;
  undrain(): Promise<UndrainReport>;
  close(): void;
}

export interface RoutesAsked {
  readonly prefix?: string;
  readonly address?: string;
  readonly allPaths?: boolean;
  readonly receivedFrom?: string;
  readonly rejectedOnly?: boolean;
  readonly advertisedTo?: string;
  readonly family?: 'ipv4' | 'ipv6';
}

const LONGEST_REPLY_BYTES = 64 << 20;

/** Connects at the first call. */
export function openControlClient(socketPath: string, timeoutMs: number): ControlClient {
  const client = new grpc.Client(`unix:${socketPath}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': LONGEST_REPLY_BYTES,
    'grpc.enable_http_proxy': 0,
  });
  const options = (): grpc.CallOptions => ({ deadline: Date.now() + timeoutMs });
  const fail = (error: grpc.ServiceError): ControlError => toControlError(error, socketPath, timeoutMs);

  // The one place where a decoded message becomes its view; a test compares gingham.proto with views.ts field by field.
  const unary = <T>(m: MethodDefinition, request: object): Promise<T> =>
    new Promise((done, reject) => {
      client.makeUnaryRequest(
        m.path,
        m.requestSerialize,
        m.responseDeserialize,
        request,
        new grpc.Metadata(),
        options(),
        (error, value) => {
          if (error) reject(fail(error));
          else done(value as T);
        },
      );
    });
  /** The deadline is for each page: how many there are is not known before. */
  const stream = <T>(m: MethodDefinition, request: object, onPage: (page: T) => void): Promise<void> =>
    new Promise((done, reject) => {
      const call = client.makeServerStreamRequest(
        m.path,
        m.requestSerialize,
        m.responseDeserialize,
        request,
        new grpc.Metadata(),
      );
      let silent = false;
      const timer = setTimeout(() => {
        silent = true;
        call.cancel();
      }, timeoutMs);
      call.on('data', (page: T) => {
        timer.refresh();
        onPage(page);
      });
      call.on('error', (error: grpc.ServiceError) => {
        clearTimeout(timer);
        reject(fail(silent ? Object.assign(error, { code: grpc.status.DEADLINE_EXCEEDED }) : error));
      });
      call.on('end', () => {
        clearTimeout(timer);
        done();
      });
    });

  return {
    status: () => unary<StatusView>(method(INSPECT, 'GetStatus'), {}),
    peers: async () => (await unary<{ peers: PeerView[] }>(method(INSPECT, 'ListPeers'), {})).peers,
    routes: async (query) => {
      const all: RouteView[] = [];
      await stream<{ routes: RouteView[] }>(method(INSPECT, 'ListRoutes'), query, (page) => {
        for (const route of page.routes) all.push(route);
      });
      return all;
    },
    eachRoute: (query, onPage) =>
      stream<{ routes: RouteView[] }>(method(INSPECT, 'ListRoutes'), query, ({ routes }) => onPage(routes)),
    explain: (target) => unary<ExplanationView>(method(INSPECT, 'Explain'), { target }),
    dumpTables: (onPiece) =>
      stream<{ records: Uint8Array }>(method(INSPECT, 'DumpTables'), {}, ({ records }) => onPiece(records)),
    blocks: async () => (await unary<{ blocks: BlockView[] }>(method(INSPECT, 'ListBlocks'), {})).blocks,
    pods: async () => (await unary<{ pods: PodView[] }>(method(INSPECT, 'ListPods'), {})).pods,
    reload: (dryRun) => unary<ReloadReport>(method(CHANGE, 'ReloadConfig'), { dryRun }),
    drain: (asked = {}) => unary<DrainReport>(method(CHANGE, 'Drain'), asked),
    undrain: () => unary<UndrainReport>(method(CHANGE, 'Undrain'), {}),
    close: () => client.close(),
  };
}

function toControlError(error: grpc.ServiceError, socketPath: string, timeoutMs: number): ControlError {
  switch (error.code) {
    case grpc.status.UNAVAILABLE:
      return new ControlError('unreachable', `no daemon answers on ${socketPath}${cause(error.details)}`);
    case grpc.status.DEADLINE_EXCEEDED:
      return new ControlError(
        'unreachable',
        `the daemon on ${socketPath} gave no answer within ${timeoutMs / 1000} s. Use --timeout to wait longer.`,
      );
    case grpc.status.NOT_FOUND:
      return new ControlError('not-there', error.details);
    case grpc.status.UNIMPLEMENTED:
      return new ControlError(
        'failed',
        `the daemon on ${socketPath} is of another version: ${error.details}. Restart it with this one.`,
      );
    default:
      return new ControlError('failed', error.details || error.message);
  }
}

function cause(details: string): string {
  if (details.includes('EACCES')) return ': permission denied. Use sudo, or join the group that owns the socket.';
  if (details.includes('ENOENT'))
    return ': there is no such socket. Start `gingham node --config FILE`, or name the socket with --socket.';
  if (details.includes('ECONNREFUSED'))
    return ': the socket is left over from a daemon that is gone. Start `gingham node --config FILE`.';
  return `: ${details}`;
}
