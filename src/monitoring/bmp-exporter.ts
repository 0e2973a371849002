/** One monitoring station told of all peers: what is up and what they announced, then every change, then again after a lost
 *  connection. Pure of I/O: the connection, time and what there is to tell come in. RFC 7854 3.3.
 *
 *  UPDATEs go on as they came, before our policy had a word. The dump of what a peer said before is made of the tables, a few
 *  routes in a turn: what it says of a prefix is the state of that moment, so an UPDATE that comes in between is told after or
 *  before it, and never contradicts it. A station that does not read is cut off: queueing for it would be our memory. */
import type { Clock, Timers } from '../base/ports.ts';
import type { Reason } from '../base/reason.ts';
import {
  initiation,
  type MonitoredPeer,
  type PeerDownReason,
  type PeerUpFacts,
  peerDown,
  peerUp,
  routeMonitoring,
  type Statistics,
  statistics,
  termination,
} from './bmp-messages.ts';

/** The stream to a station. */
export interface BmpStream {
  /** False: more than it takes now waits; onDrain tells. */
  write(octets: Uint8Array): boolean;
  /** Octets that wait in our process. */
  readonly unsent: number;
  end(lastOctets: Uint8Array): void;
}
export interface BmpStreamOwner {
  onOpen(stream: BmpStream): void;
  onDrain(): void;
  /** Also when it never opened. */
  onClose(reason: Reason): void;
}

/** What an Established peer or the Loc-RIB has to say. */
export interface Monitored {
  readonly peer: MonitoredPeer;
  readonly up: PeerUpFacts;
  /** Wall clock, ms. */
  readonly upAt: number;
  /** What it announced, as UPDATEs, End-of-RIB last; read a little at a time. Undefined: enough for this turn. */
  updates(): Iterable<Uint8Array | undefined>;
  statistics(): Statistics;
}

export interface BmpExporterOptions {
  readonly sysName: string;
  readonly sysDescr: string;
  readonly statisticsSec: number;
  readonly reconnectSec: number;
  readonly dial: (owner: BmpStreamOwner) => void;
  /** All that is up. */
  readonly monitored: () => Iterable<Monitored>;
  readonly clock: Clock;
  readonly timers: Timers;
  /** A later turn of the event loop. */
  readonly schedule: (run: () => void) => void;
  /** Connected, or not any more. */
  readonly onState?: (state: BmpState) => void;
}

export interface BmpState {
  readonly connected: boolean;
  /** Wall clock, ms, of the last change of `connected`. */
  readonly since: number;
  readonly reason?: Reason;
  readonly messages: number;
}

/** UPDATEs of a dump in one turn of the event loop: well below a millisecond's worth of hundreds. */
const SLICE = 200;
/** Above it the station is given up on. */
const MOST_UNSENT = 32 * 1024 * 1024;

export class BmpExporter {
  private readonly options: BmpExporterOptions;
  private stream: BmpStream | undefined;
  private dumps: Iterator<Uint8Array | undefined>[] = [];
  private slicing = false;
  private blocked = false;
  private stopped = false;
  private cancelTimer: (() => void) | undefined;
  private changedAt: number;
  private reason: Reason | undefined;
  private messages = 0;

  constructor(options: BmpExporterOptions) {
    this.options = options;
    this.changedAt = options.clock.wall();
  }

  get state(): BmpState {
    return {
      connected: this.stream !== undefined,
      since: this.changedAt,
      ...(this.reason && { reason: this.reason }),
      messages: this.messages,
    };
  }

  start(): void {
    this.options.dial({
      onOpen: (stream) => this.opened(stream),
      onDrain: () => {
        this.blocked = false;
        this.wake();
      },
      onClose: (reason) => this.lost(reason),
    });
  }

  stop(): void {
    this.stopped = true;
    this.cancelTimer?.();
    this.dumps = [];
    this.stream?.end(termination('administrativelyClosed'));
    this.stream = undefined;
  }

  /** A session came up. */
  up(monitored: Monitored): void {
    if (this.stream === undefined) return;
    this.write(peerUp(monitored.peer, monitored.upAt, monitored.up));
    this.dumps.push(this.dump(monitored));
    this.wake();
  }

  down(peer: MonitoredPeer, why: PeerDownReason): void {
    this.write(peerDown(peer, this.options.clock.wall(), why));
  }

  /** An UPDATE of an Established peer, header and all; it is copied. */
  update(peer: MonitoredPeer, octets: Uint8Array): void {
    if (this.stream !== undefined) this.write(routeMonitoring(peer, this.options.clock.wall(), octets));
  }

  private opened(stream: BmpStream): void {
    if (this.stopped) {
      stream.end(termination('administrativelyClosed'));
      return;
    }
    this.stream = stream;
    this.changedAt = this.options.clock.wall();
    this.reason = undefined;
    this.blocked = false;
    this.options.onState?.(this.state);
    this.write(initiation(this.options.sysName, this.options.sysDescr));
    for (const monitored of this.options.monitored()) this.up(monitored);
    this.cancelTimer = this.options.timers.after(this.options.statisticsSec * 1000, () => this.report());
  }

  private lost(reason: Reason): void {
    if (this.stopped) return;
    this.cancelTimer?.();
    this.stream = undefined;
    this.dumps = [];
    const isNews = this.reason?.code !== reason.code;
    this.changedAt = this.options.clock.wall();
    this.reason = reason;
    if (isNews) this.options.onState?.(this.state);
    this.cancelTimer = this.options.timers.after(this.options.reconnectSec * 1000, () => this.start());
  }

  private report(): void {
    const now = this.options.clock.wall();
    for (const { peer, statistics: of } of this.options.monitored()) this.write(statistics(peer, now, of()));
    if (this.stream !== undefined)
      this.cancelTimer = this.options.timers.after(this.options.statisticsSec * 1000, () => this.report());
  }

  private *dump({ peer, updates }: Monitored): Generator<Uint8Array | undefined> {
    for (const update of updates())
      yield update === undefined ? undefined : routeMonitoring(peer, this.options.clock.wall(), update);
  }

  private wake(): void {
    if (this.slicing || this.blocked || this.dumps.length === 0) return;
    this.slicing = true;
    this.options.schedule(() => {
      this.slicing = false;
      this.slice();
      this.wake();
    });
  }

  private slice(): void {
    for (let n = 0; n < SLICE && !this.blocked; n++) {
      const next = this.dumps[0]?.next();
      if (next === undefined) return;
      if (next.done === true) this.dumps.shift();
      else if (next.value === undefined) return;
      else this.write(next.value);
    }
  }

  private write(octets: Uint8Array): void {
    const { stream } = this;
    if (stream === undefined) return;
    if (stream.unsent + octets.length > MOST_UNSENT) {
      stream.end(termination('outOfResources'));
      this.lost({
        code: 'STATION_TOO_SLOW',
        text: `the station left ${stream.unsent} octets unread; it is told everything anew when it is back`,
      });
      return;
    }
    this.messages++;
    if (!stream.write(octets)) this.blocked = true;
  }
}
