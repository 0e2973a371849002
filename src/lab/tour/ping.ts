/** Pings between namespaces, all pairs at once, by one raw socket in each: a hundred pairs cost a hundred packets, not
 *  a hundred processes, and ping(8) need not be there. The sockets stay in the pods' namespaces, we stay at home. */
import { formatIpv4, type Ipv4, ipv4 } from '../../base/ipv4.ts';
import { AF_INET, IPPROTO_ICMP, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW } from '../../sys/constants.ts';
import { type FdSocket, openFdSocket } from '../../sys/fd-socket.ts';
import * as ffi from '../../sys/ffi.ts';
import { inNetns } from '../../sys/netns.ts';
import { decodeEchoReply, encodeEcho } from './icmp.ts';

export interface PingEnd {
  readonly name: string;
  readonly address: Ipv4;
  /** Absent: it is pinged and does not ping. */
  readonly netns?: string;
}

export interface Pong {
  readonly ms: number;
  readonly ttl: number;
}

/** Rows in the order of the ends that ping, columns in the order of all ends. */
export interface PingMatrix {
  readonly from: readonly PingEnd[];
  readonly to: readonly PingEnd[];
  readonly answers: readonly (readonly (Pong | undefined)[])[];
}

/** A pair that has no answer yet is asked again so often: a lost first packet costs this, not a second. */
const ROUND_MS = 100;

class Pinger {
  readonly answers: (Pong | undefined)[];
  private readonly targets: readonly PingEnd[];
  private readonly socket: FdSocket;
  private readonly id: number;
  private readonly asked = new Map<number, { readonly target: number; readonly at: number }>();
  private sequence = 0;

  constructor(netns: string, id: number, targets: readonly PingEnd[]) {
    this.targets = targets;
    this.answers = targets.map(() => undefined);
    this.id = id;
    const type = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const fd = inNetns(netns, () => ffi.socket(AF_INET, type, IPPROTO_ICMP));
    this.socket = openFdSocket(fd, (bytes, length) => this.onPacket(bytes.subarray(0, length)), ignore, 1 << 16);
  }

  get done(): boolean {
    return this.answers.every((a) => a !== undefined);
  }

  askMissing(): void {
    for (let i = 0; i < this.targets.length; i++) if (this.answers[i] === undefined) this.ask(i);
  }

  ask(target: number): void {
    this.sequence = (this.sequence + 1) & 0xffff;
    const echo = encodeEcho(this.id, this.sequence);
    const address = socketAddress(this.targets[target]?.address ?? ipv4(0));
    this.asked.set(this.sequence, { target, at: performance.now() });
    // A refusal (no route yet) is an answer that is missing, and asked for again.
    ffi.sendto(this.socket.fd, echo, echo.length, 0, address);
  }

  private onPacket(packet: Uint8Array): void {
    const reply = decodeEchoReply(packet);
    const asked = reply?.id === this.id ? this.asked.get(reply.sequence) : undefined;
    if (!reply || !asked || this.targets[asked.target]?.address !== reply.source) return;
    this.answers[asked.target] ??= { ms: performance.now() - asked.at, ttl: reply.ttl };
  }

  close(): void {
    this.socket.close();
  }
}

/** A raw socket is told of nothing that a missing answer would not say as well. */
const ignore = (): void => {};

/** struct sockaddr_in: family in host order (little endian on all we run on), port 0, address in network order. */
function socketAddress(address: Ipv4): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt32BE(address, 4);
  return bytes;
}

async function withPingers(
  ends: readonly PingEnd[],
  body: (pingers: readonly Pinger[]) => Promise<void>,
): Promise<PingMatrix> {
  const from = ends.filter((end) => end.netns !== undefined);
  const pingers = from.map((end, i) => new Pinger(end.netns as string, i + 1, ends));
  try {
    await body(pingers);
    return { from, to: ends, answers: pingers.map((p) => p.answers) };
  } finally {
    for (const pinger of pingers) pinger.close();
  }
}

/** Each pair once, one after the other: times that mean something. */
export const pingOneByOne = (ends: readonly PingEnd[]): Promise<PingMatrix> =>
  withPingers(ends, async (pingers) => {
    for (const pinger of pingers) {
      for (let i = 0; i < ends.length; i++) {
        pinger.ask(i);
        const until = performance.now() + ROUND_MS;
        while (pinger.answers[i] === undefined && performance.now() < until) await new Promise(setImmediate);
      }
    }
  });

/** Pings from each end with a namespace to every other end, until all answered or `patienceMs` is over. */
export const pingAll = (ends: readonly PingEnd[], patienceMs: number): Promise<PingMatrix> =>
  withPingers(ends, async (pingers) => {
    const deadline = performance.now() + patienceMs;
    do {
      for (const pinger of pingers) pinger.askMissing();
      await roundOrAll(pingers);
    } while (!pingers.every((p) => p.done) && performance.now() < deadline);
  });

async function roundOrAll(pingers: readonly Pinger[]): Promise<void> {
  const until = performance.now() + ROUND_MS;
  while (performance.now() < until && !pingers.every((p) => p.done)) await new Promise((next) => setTimeout(next, 5));
}

export const countAnswers = ({ answers }: PingMatrix): { readonly answered: number; readonly asked: number } => {
  const all = answers.flat();
  return { answered: all.filter((a) => a !== undefined).length, asked: all.length };
};

/** The pairs without an answer, for messages. */
export const silentPairs = ({ from, to, answers }: PingMatrix): string[] =>
  from.flatMap((a, i) =>
    to.filter((_, j) => answers[i]?.[j] === undefined).map((b) => `${a.name} -> ${b.name} (${formatIpv4(b.address)})`),
  );
