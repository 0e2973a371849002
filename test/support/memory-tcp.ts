/** TCP in memory, on fake time: every write arrives 1 ms later, in order. Splits and cuts are up to the test. */
import { formatIp, type IpAddress } from '../../src/base/ip.ts';
import { err, ok } from '../../src/base/result.ts';
import type { Connection, SessionConfig, Transport } from '../../src/bgp-js/session/session-types.ts';
import type { FakeTime } from './fake-time.ts';

const LATENCY_MS = 1;
/** As the real one has. */
const HIGH_WATER = 256 * 1024;

export class MemoryConnection implements Connection {
  readonly localPort: number;
  readonly remotePort: number;
  onData: Connection['onData'];
  onClose: Connection['onClose'];
  onDrain: Connection['onDrain'];
  other: MemoryConnection | undefined;
  /** Everything that was written, for looking at. */
  readonly written: Uint8Array[] = [];
  gone = false;
  paused = false;
  /** The other side's TCP takes nothing: what is written waits here. */
  stalled = false;
  unsent = 0;
  /** The cable is cut: writes go nowhere. */
  cut = false;
  private waiting = new Uint8Array(0);
  private readonly time: FakeTime;
  readonly localAddress: IpAddress;
  readonly remoteAddress: IpAddress;

  constructor(time: FakeTime, local: IpAddress, localPort: number, remote: IpAddress, remotePort: number) {
    this.time = time;
    this.localAddress = local;
    this.localPort = localPort;
    this.remoteAddress = remote;
    this.remotePort = remotePort;
  }
  write(bytes: Uint8Array): boolean {
    if (this.gone) return true;
    const copy = bytes.slice();
    this.written.push(copy);
    if (this.stalled) {
      this.unsent += copy.length;
      return this.unsent < HIGH_WATER;
    }
    if (!this.cut) this.time.after(LATENCY_MS, () => this.other?.arrive(copy));
    return true;
  }
  arrive(bytes: Uint8Array): void {
    if (this.gone) return;
    const joined = new Uint8Array(this.waiting.length + bytes.length);
    joined.set(this.waiting);
    joined.set(bytes, this.waiting.length);
    this.waiting = joined;
    this.flush();
  }
  private flush(): void {
    if (this.paused || this.waiting.length === 0 || this.onData === undefined) return;
    const bytes = this.waiting;
    this.waiting = new Uint8Array(0);
    const start = this.onData(bytes, 0, bytes.length);
    this.waiting = bytes.slice(start);
  }
  end(lastBytes?: Uint8Array): void {
    if (lastBytes !== undefined) this.write(lastBytes);
    this.close();
  }
  destroy(): void {
    this.onData = this.onClose = this.onDrain = undefined;
    this.close();
  }
  private close(): void {
    if (this.gone) return;
    this.gone = true;
    if (!this.cut) this.time.after(LATENCY_MS, () => this.other?.closed());
  }
  closed(error?: NodeJS.ErrnoException): void {
    if (this.gone) return;
    this.gone = true;
    this.onClose?.(error);
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
    this.flush();
  }
  readPending(done: () => void): void {
    this.time.after(0, () => {
      this.flush();
      done();
    });
  }
}

/** Who listens where. A dial to nobody is refused. */
export class MemoryTcp {
  private readonly time: FakeTime;
  private readonly listeners = new Map<IpAddress, (c: Connection) => void>();
  private nextPort = 40_000;
  /** All connections ever made, the dialling ends. */
  readonly dialled: MemoryConnection[] = [];

  constructor(time: FakeTime) {
    this.time = time;
  }
  listen(address: IpAddress, onConnection: (c: Connection) => void): void {
    this.listeners.set(address, onConnection);
  }
  unlisten(address: IpAddress): void {
    this.listeners.delete(address);
  }
  /** Both ends of a new connection. */
  pair(from: IpAddress, to: IpAddress): [MemoryConnection, MemoryConnection] {
    const port = this.nextPort++;
    const near = new MemoryConnection(this.time, from, port, to, 179);
    const far = new MemoryConnection(this.time, to, 179, from, port);
    near.other = far;
    far.other = near;
    this.dialled.push(near);
    return [near, far];
  }
  transport(from: IpAddress): Transport {
    return {
      dial: (config: SessionConfig, done) => {
        return this.time.after(LATENCY_MS, () => {
          const listener = this.listeners.get(config.peerAddress);
          if (listener === undefined) {
            done(err({ code: 'TCP_REFUSED', text: `nobody listens at ${formatIp(config.peerAddress)}` }));
            return;
          }
          const [near, far] = this.pair(config.localAddress ?? from, config.peerAddress);
          listener(far);
          done(ok(near));
        });
      },
    };
  }
}
