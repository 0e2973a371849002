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
  /** All changes in order, and batches in the order of their coming; what failed, and nothing for what succeeded. Up to 64 go from
   *  this thread at once; more on a thread of libuv's pool, so that timers and sockets go on meanwhile. What comes while a thread
   *  is sending is made ready for it. */
  batch(batch: RouteBatch): Promise<BatchFailure[]>;
  /** The same for at most 64, done when it returns; undefined when there was no answer, so that only a dump can tell. */
  batchNow(batch: RouteBatch): BatchFailure[] | undefined;
  /** By which the kernel names us as the cause of an event. */
  readonly portId: number;
  close(): void;
}

const RECEIVE_BUFFER_BYTES = 4 << 20;
/** The kernel works inside send(), 2 to 8 us a route, and a hop to a thread and back costs 50 to 200 us: so many are cheaper
 *  here, and hold the event loop for less than half a millisecond. */
export const ROUTES_AT_ONCE = 64;
/** 8 to 16 ms of a thread, about 300 KB: one send longer than the socket's buffer (1 MB) would be refused. Fewer would make a
 *  busy machine's time to wake a thread the larger part. */
const ROUTES_PER_SEND = 4096;
const DUMP_ATTEMPTS = 10;
const EIO = 5;
const EBADF = 9;
const SENT: Promise<void> = Promise.resolve();

/** A part of a batch, encoded. */
interface Part {
  readonly answer: Promise<void>;
  state(): 'open' | 'answered' | 'lost';
  /** Resolves when the kernel has worked on it; the answer may come later. */
  send(onThread: boolean): Promise<void>;
}

interface Pending {
  readonly what: string;
  onData(m: MessageView): void;
  /** errno 0 is the ACK. True when this ends the exchange. */
  onError(seq: number, errno: number, text: string): boolean;
  onDone(errno: number, text: string): void;
  onLost(error: NetlinkError): void;
}

/** Sequence numbers first to last; only the last is acknowledged. */
interface Batch {
  readonly first: number;
  readonly last: number;
  readonly pending: Pending;
}

class Client implements NetlinkClient {
  private readonly options: NetlinkOptions;
  private lastPortId = 0;
  private socket: NetlinkSocket | undefined;
  private seq = 0;
  /** By sequence number. */
  private readonly pending = new Map<number, Pending>();
  /** Of many numbers each, and few at a time: searched. */
  private readonly batches: Batch[] = [];
  private readonly writer = new MessageWriter(32 << 10);
  /** For batches. One whose bytes a thread is sending is not among them. */
  private readonly idleWriters: MessageWriter[] = [];
  private dumps: Promise<unknown> = Promise.resolve();
  /** The last batch that was given to a thread. Never rejects. */
  private sending: Promise<void> = SENT;
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
    void this.transmit(w.view(), seq, request.slow === true);
  }
  /** Resolves when the kernel has worked on it, whatever it answered. Not slow: that is when this returns. */
  private transmit(bytes: Uint8Array, seq: number, slow: boolean): Promise<void> {
    const sent = (n: number): void => {
      const pending = n >= 0 ? undefined : this.take(seq);
      pending?.onLost(new NetlinkError(pending.what, -n, errnoName(-n), 'not sent'));
    };
    try {
      if (this.closed) sent(-EBADF);
      else {
        this.socket ??= this.open();
        if (slow) return this.socket.sendSlow(bytes).then(sent);
        sent(this.socket.send(bytes));
      }
    } catch (error) {
      sent(error instanceof Error && 'errno' in error ? -Number(error.errno) : -EIO);
    }
    return SENT;
  }
  async batch(batch: RouteBatch): Promise<BatchFailure[]> {
    const failures: BatchFailure[] = [];
    const answers: Promise<void>[] = [];
    for (let from = 0; from < batch.size; from += ROUTES_PER_SEND) {
      const to = Math.min(from + ROUTES_PER_SEND, batch.size);
      const part = this.encodePart(batch, from, to, failures);
      answers.push(part.answer);
      part.answer.catch(() => {}); // told by Promise.all below
      const before = this.sending;
      this.sending = before.then(() => part.send(to - from > ROUTES_AT_ONCE));
      await before;
    }
    await Promise.all(answers);
    return failures;
  }
  batchNow(batch: RouteBatch): BatchFailure[] | undefined {
    const { size } = batch;
    if (size > ROUTES_AT_ONCE) throw new RangeError(`${size} routes at once, and ${ROUTES_AT_ONCE} are the most`);
    if (size === 0) return [];
    const failures: BatchFailure[] = [];
    const part = this.encodePart(batch, 0, size, failures);
    part.answer.catch(() => {}); // told by the answer below
    void part.send(false);
    this.socket?.drain(() => part.state() !== 'open');
    return part.state() === 'answered' ? failures : undefined;
  }
  private encodePart(batch: RouteBatch, from: number, to: number, failures: BatchFailure[]): Part {
    const first = this.nextSeq(to - from);
    const last = first + to - from - 1;
    let state: ReturnType<Part['state']> = 'open';
    const answer = new Promise<void>((resolve, reject) => {
      const pending: Pending = {
        what: `change ${to - from} routes`,
        onData: () => {},
        onError: (seq, errno, text) => {
          if (errno !== 0) failures.push({ index: from + seq - first, errno, code: errnoName(errno), text });
          if (seq !== last) return false;
          state = 'answered';
          resolve();
          return true;
        },
        onDone: () => {},
        onLost: (error) => {
          state = 'lost';
          reject(error);
        },
      };
      this.batches.push({ first, last, pending });
    });
    const writer = this.idleWriters.pop() ?? new MessageWriter(ROUTES_AT_ONCE * 64);
    writer.reset();
    batch.write(writer, from, to, first);
    const send = (onThread: boolean): Promise<void> => {
      const sent = this.transmit(writer.view(), last, onThread);
      if (onThread) return sent.then(() => void this.idleWriters.push(writer));
      this.idleWriters.push(writer);
      return sent;
    };
    return { answer, state: () => state, send };
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
      const { seq } = m;
      const pending = this.pending.get(seq) ?? this.batches.find((b) => seq >= b.first && seq <= b.last)?.pending;
      if (pending === undefined) continue;
      if (m.type === k.NLMSG_ERROR) {
        if (pending.onError(seq, m.errno(), m.errorText())) this.take(seq);
      } else if (m.type === k.NLMSG_DONE) {
        this.pending.delete(seq);
        pending.onDone(m.errno(), m.doneText());
      } else pending.onData(m);
    }
  }
  /** The exchange of this number, which is over. */
  private take(seq: number): Pending | undefined {
    const at = this.batches.findIndex((b) => seq >= b.first && seq <= b.last);
    if (at >= 0) return this.batches.splice(at, 1)[0]?.pending;
    const pending = this.pending.get(seq);
    this.pending.delete(seq);
    return pending;
  }
  /** The socket is gone and answers with it: every open request fails, the next one opens a new socket. */
  private lose(errno: number, code: string): void {
    this.socket?.close();
    this.socket = undefined;
    const lost = [...this.pending.values(), ...this.batches.map((b) => b.pending)];
    this.pending.clear();
    this.batches.length = 0;
    for (const p of lost) p.onLost(new NetlinkError(p.what, errno, code, 'the netlink socket was lost, read again'));
  }
  close(): void {
    this.closed = true;
    this.lose(EBADF, 'EBADF');
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
