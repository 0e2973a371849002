/** A BFD session in fake time, and what it sends. */
import type { BfdTiming } from '../../src/bfd/bfd-types.ts';
import { type ControlPacket, decodeControlPacket } from '../../src/bfd/packet.ts';
import { BfdSession, type StateChange } from '../../src/bfd/session.ts';
import { FakeTime } from './fake-time.ts';

export const PACKET: ControlPacket = {
  diagnostic: 0,
  state: 'Down',
  poll: false,
  final: false,
  controlPlaneIndependent: false,
  demand: false,
  multiplier: 3,
  myDiscriminator: 0xbbbb,
  yourDiscriminator: 0xaaaa,
  desiredMinTxUs: 100_000,
  requiredMinRxUs: 100_000,
  requiredMinEchoRxUs: 0,
};

export interface TestSession {
  readonly time: FakeTime;
  readonly session: BfdSession;
  /** With the time of sending. */
  readonly sent: (ControlPacket & { readonly at: number })[];
  readonly changes: StateChange[];
  /** Receives PACKET with these differences. */
  hear(difference?: Partial<ControlPacket>): void;
  last(): ControlPacket & { readonly at: number };
  /** Through the three-way handshake; what was sent so far is forgotten. */
  comeUp(): void;
}

export interface TestSessionOptions {
  readonly timing?: BfdTiming;
  readonly random?: () => number;
  readonly time?: FakeTime;
  readonly discriminator?: number;
  readonly onSend?: (bytes: Uint8Array) => void;
  readonly readWaiting?: () => void;
}

export function bfdSession(options: TestSessionOptions = {}): TestSession {
  const time = options.time ?? new FakeTime();
  const sent: (ControlPacket & { at: number })[] = [];
  const changes: StateChange[] = [];
  const session = new BfdSession(
    options.discriminator ?? 0xaaaa,
    options.timing ?? { intervalMs: 100, multiplier: 3 },
    {
      clock: time,
      timers: time,
      random: options.random ?? (() => 0.5),
      transmit: (bytes) => {
        const decoded = decodeControlPacket(bytes);
        if (!decoded.ok) throw new Error(decoded.error.text);
        sent.push({ ...decoded.value, at: time.now() });
        options.onSend?.(bytes.slice());
      },
      readWaiting: () => options.readWaiting?.(),
      onState: (change) => void changes.push(change),
      onChange: () => {},
    },
  );
  const hear = (difference: Partial<ControlPacket> = {}): void => session.receive({ ...PACKET, ...difference });
  return {
    time,
    session,
    sent,
    changes,
    hear,
    last: () => {
      const last = sent.at(-1);
      if (last === undefined) throw new Error('nothing was sent');
      return last;
    },
    comeUp() {
      session.start();
      hear({ state: 'Down', yourDiscriminator: 0 });
      hear({ state: 'Init' });
      hear({ state: 'Up', final: true });
      hear({ state: 'Up' });
      sent.length = 0;
      changes.length = 0;
    },
  };
}
