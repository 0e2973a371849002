/** Requests and their answers over one socket: acknowledged changes, single reads, dumps, batches of routes.
 *  An answer is found by its sequence number. Dumps go one after the other: the kernel runs one per socket (EBUSY). */
import { errnoName } from '../sys/ffi.ts';
import * as k from './constants.ts';
import { MessageView } from './message-view.ts';
import { MessageWriter } from './message-writer.ts';
import { NetlinkError, type NetlinkRequest } from './request.ts';
import type { BatchFailure, RouteBatch } from './route-batch.ts';
import { type NetlinkSocket, openNetlinkSocket } from './socket.ts';

/** Decodes the view's current message; undefined leaves it out. */
export type Decode<T> = (m: MessageView) => T | undefined;

export interface NetlinkClient {
  /** Resolves when the kernel has acknowledged; rejects with NetlinkError. */
  request(request: NetlinkRequest): Promise<void>;
  /** One object back. Rejects with NetlinkError, ENODEV for a link that is not there. */
  query<T>(request: NetlinkRequest, decode: Decode<T>): Promise<T | undefined>;
  /** All objects, repeated when the kernel says that they changed meanwhile. */
  /** `onRestart` tells a decoder with effects of its own to begin again. */
  dump<T>(request: NetlinkRequest, decode: Decode<T>, onRestart?: () => void): Promise<T[]>;
  /** All changes in order, in sends of at most 128; what failed, and nothing for what succeeded. */
  batch(batch: RouteBatch): Promise<BatchFailure[]>;
  /** By which the kernel names us as the cause of an event. */
  readonly portId: number;
  close(): void;
}

const RECEIVE_BUFFER_BYTES = 4 << 20;
/** The kernel works inside send(), about 4 us a route: 128 hold the thread for half a millisecond. */
const ROUTES_PER_SEND = 128;
const DUMP_ATTEMPTS = 10;

interface Pending {
  readonly what: string;
  /** Sequence numbers [from, last]; only the last is acknowledged. */
  readonly last: number;
  onData(m: MessageView): void;
  /** errno 0 is the ACK. True when this ends the exchange. */
  onError(seq: number, errno: number, text: string): boolean;
  onDone(errno: number, text: string): void;
  onLost(error: NetlinkError): void;
}

class Client implements NetlinkClient {
  private readonly options: NetlinkOptions;
  private lastPortId = 0;
  private socket: NetlinkSocket | undefined;
  private seq = 0;
  /** By the first sequence number; a batch is in it once for each number. */
  private readonly pending = new Map<number, Pending>();
  private readonly writer = new MessageWriter(32 << 10);
  private dumps: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(options: NetlinkOptions) {
    this.options = options;
    this.socket = this.open();
  }
  get portId(): number {
    return this.lastPortId;
  }
  private open(): NetlinkSocket {
    const socket = openNetlinkSocket(
      { receiveBufferBytes: RECEIVE_BUFFER_BYTES, ...this.options, portId: this.lastPortId },
      (bytes, length) => this.onBytes(bytes, length),
      (error) => this.lose(error.errno === undefined ? 0 : Math.abs(error.errno), error.code ?? 'EIO'),
    );
    this.lastPortId = socket.portId;
    return socket;
  }
  request(request: NetlinkRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      this.send(request, k.NLM_F_ACK, {
        onData: () => {},
        onAck: (error) => (error ? reject(error) : resolve()),
      });
    });
  }
  query<T>(request: NetlinkRequest, decode: Decode<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      let found: T | undefined;
      this.send(request, k.NLM_F_ACK, {
        onData: (m) => {
          found ??= decode(m);
        },
        onAck: (error) => (error ? reject(error) : resolve(found)),
      });
    });
  }
  dump<T>(request: NetlinkRequest, decode: Decode<T>, onRestart?: () => void): Promise<T[]> {
    const turn = this.dumps.then(() => this.dumpUntilWhole(request, decode, onRestart));
    this.dumps = turn.catch(() => {});
    return turn;
  }
  private async dumpUntilWhole<T>(request: NetlinkRequest, decode: Decode<T>, onRestart?: () => void): Promise<T[]> {
    for (let attempt = 1; ; attempt++) {
      const { rows, interrupted } = await this.dumpOnce(request, decode);
      // After ten attempts the last answer is as good as any: callers who must be exact listen to events as well.
      if (!interrupted || attempt === DUMP_ATTEMPTS) return rows;
      onRestart?.();
    }
  }
  private dumpOnce<T>(request: NetlinkRequest, decode: Decode<T>): Promise<{ rows: T[]; interrupted: boolean }> {
    return new Promise((resolve, reject) => {
      const rows: T[] = [];
      let interrupted = false;
      this.send(request, k.NLM_F_DUMP, {
        onData: (m) => {
          if ((m.flags & k.NLM_F_DUMP_INTR) !== 0) interrupted = true;
          const row = decode(m);
          if (row !== undefined) rows.push(row);
        },
        onAck: (error) => (error ? reject(error) : resolve({ rows, interrupted })),
      });
    });
  }
  private send(
    request: NetlinkRequest,
    flags: number,
    on: { onData(m: MessageView): void; onAck(error: NetlinkError | undefined): void },
  ): void {
    const seq = this.nextSeq(1);
    const fail = (errno: number, text: string): void =>
      on.onAck(errno === 0 ? undefined : new NetlinkError(request.what, errno, errnoName(errno), text));
    this.pending.set(seq, {
      what: request.what,
      last: seq,
      onData: on.onData,
      onError: (_seq, errno, text) => {
        fail(errno, text);
        return true;
      },
      onDone: fail,
      onLost: (error) => on.onAck(error),
    });
    const w = request.slow ? new MessageWriter(1024) : this.writer;
    w.reset();
    w.begin(request.type, request.flags | flags, seq);
    request.body(w);
    w.end();
    this.transmit(w.view(), seq, request.slow === true);
  }
  private transmit(bytes: Uint8Array, seq: number, slow: boolean): void {
    const sent = (n: number): void => {
      const pending = this.pending.get(seq);
      if (n >= 0 || pending === undefined) return;
      this.forget(seq, pending.last);
      pending.onLost(new NetlinkError(pending.what, -n, errnoName(-n), 'not sent'));
    };
    try {
      if (this.closed) {
        sent(-9);
        return;
      }
      this.socket ??= this.open();
      if (slow) void this.socket.sendSlow(bytes).then(sent);
      else sent(this.socket.send(bytes));
    } catch (error) {
      sent(error instanceof Error && 'errno' in error ? -Number(error.errno) : -5);
    }
  }
  async batch(batch: RouteBatch): Promise<BatchFailure[]> {
    const failures: BatchFailure[] = [];
    for (let from = 0; from < batch.size; from += ROUTES_PER_SEND) {
      await this.batchPart(batch, from, Math.min(from + ROUTES_PER_SEND, batch.size), failures);
      if (from + ROUTES_PER_SEND < batch.size) await new Promise<void>((next) => setImmediate(next));
    }
    return failures;
  }
  private batchPart(batch: RouteBatch, from: number, to: number, failures: BatchFailure[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const first = this.nextSeq(to - from);
      const last = first + to - from - 1;
      const part: Pending = {
        what: `change ${to - from} routes`,
        last,
        onData: () => {},
        onError: (seq, errno, text) => {
          if (errno !== 0) failures.push({ index: from + seq - first, errno, code: errnoName(errno), text });
          if (seq === last) resolve();
          return seq === last;
        },
        onDone: () => {},
        onLost: reject,
      };
      for (let seq = first; seq <= last; seq++) this.pending.set(seq, part);
      this.writer.reset();
      batch.write(this.writer, from, to, first);
      this.transmit(this.writer.view(), first, false);
    });
  }
  private nextSeq(count: number): number {
    if (this.seq + count > 0xffffffff) this.seq = 0;
    const first = this.seq + 1;
    this.seq += count;
    return first;
  }
  private onBytes(bytes: Uint8Array, length: number): void {
    const m = new MessageView(bytes, length);
    while (m.advance()) {
      const pending = this.pending.get(m.seq);
      if (pending === undefined) continue;
      if (m.type === k.NLMSG_ERROR) {
        const seq = m.seq;
        if (pending.onError(seq, m.errno(), m.errorText())) this.forget(seq, pending.last);
        else this.pending.delete(seq);
      } else if (m.type === k.NLMSG_DONE) {
        this.pending.delete(m.seq);
        pending.onDone(m.errno(), m.doneText());
      } else pending.onData(m);
    }
  }
  /** Drops the exchange that ends with `last`, all its numbers. */
  private forget(_seq: number, last: number): void {
    const pending = this.pending.get(last);
    for (let seq = last; pending !== undefined && last - seq < ROUTES_PER_SEND; seq--)
      if (this.pending.get(seq) === pending) this.pending.delete(seq);
  }
  /** The socket is gone and answers with it: every open request fails, the next one opens a new socket. */
  private lose(errno: number, code: string): void {
    this.socket?.close();
    this.socket = undefined;
    const lost = new Set(this.pending.values());
    this.pending.clear();
    for (const p of lost) p.onLost(new NetlinkError(p.what, errno, code, 'the netlink socket was lost, read again'));
  }
  close(): void {
    this.closed = true;
    this.lose(9, 'EBADF');
  }
}

export interface NetlinkOptions {
  /** A path such as /run/netns/x: the socket is born there and then used from home for ever. */
  readonly netns?: string;
  readonly receiveBufferBytes?: number;
}

/** Throws SysError when the namespace is gone or sockets are forbidden. */
export async function openNetlink(options: NetlinkOptions = {}): Promise<NetlinkClient> {
  return new Client(options);
}
