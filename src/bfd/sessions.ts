/** All sessions of this machine: whose packet is it, discriminators, and what is told of them. Pure of I/O. RFC 5880 6.3 and
 *  6.8.6, RFC 5881 3. Bounded: what no session of ours waits for is dropped without a trace but one number. */
import type { IpAddress } from '../base/ip.ts';
import type { Clock, Random, Timers } from '../base/ports.ts';
import type { Reason } from '../base/reason.ts';
import type { BfdTarget } from './bfd-types.ts';
import {
  type BfdCommand,
  type BfdEngine,
  type BfdEngineEvent,
  DISCARDED,
  PACKETS_IN,
  PACKETS_OUT,
} from './engine-types.ts';
import { type ControlPacket, decodeControlPacket } from './packet.ts';
import { BfdSession, type StateChange } from './session.ts';
import type { OnDatagram, Wire, WirePath } from './wire.ts';

export interface SessionsPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly openWire: (onDatagram: OnDatagram) => Wire;
  onEvent(event: BfdEngineEvent): void;
}

/** What views show may be as old as this. */
const TELL_LATER_MS = 200;

interface Entry {
  readonly id: number;
  readonly target: BfdTarget;
  readonly session: BfdSession;
  readonly path: WirePath;
  readonly counters: Float64Array;
  fault: Reason | undefined;
  lastDiscard: Reason | undefined;
  cancelTell: (() => void) | undefined;
  /** Set while a stop goes on. */
  cancelGone: (() => void) | undefined;
}

export class BfdSessions implements BfdEngine {
  private readonly ports: SessionsPorts;
  private readonly wire: Wire;
  private readonly byId = new Map<number, Entry>();
  private readonly byDiscriminator = new Map<number, Entry>();
  private readonly byAddress = new Map<IpAddress, Entry[]>();
  private closed = false;
  /** Packets that no session waited for; what the kernel's filter dropped is not among them. */
  unknown = 0;

  constructor(ports: SessionsPorts) {
    this.ports = ports;
    this.wire = ports.openWire((bytes, length, from, device) => this.receive(bytes, length, from, device));
  }

  tell(command: BfdCommand): void {
    if (this.closed) return;
    if (command.kind === 'open') this.open(command);
    else if (command.kind === 'close') this.close();
    else {
      const entry = this.byId.get(command.id);
      if (entry === undefined) return;
      if (command.kind === 'change') entry.session.change(command.timing);
      else if (command.kind === 'stop') this.stop(entry);
      else this.resume(entry);
    }
  }

  private open({ id, target, timing, counters }: BfdCommand & { kind: 'open' }): void {
    const discriminator = this.freeDiscriminator();
    const { clock, timers, random } = this.ports;
    const session = new BfdSession(discriminator, timing, {
      clock,
      timers,
      random,
      transmit: (bytes) => this.transmit(entry, bytes),
      readWaiting: () => this.wire.readWaiting(),
      onState: (change) => {
        if (change.from === 'Up' || change.to === 'Up') this.tellNow(entry, change);
      },
      onChange: () => this.tellLater(entry),
    });
    const entry: Entry = {
      id,
      target,
      session,
      path: this.wire.open(target, discriminator),
      counters,
      fault: undefined,
      lastDiscard: undefined,
      cancelTell: undefined,
      cancelGone: undefined,
    };
    this.byId.set(id, entry);
    this.byDiscriminator.set(discriminator, entry);
    this.byAddress.set(target.address, [entry, ...(this.byAddress.get(target.address) ?? [])]);
    session.start();
    this.tellLater(entry);
  }

  /** Random, so that nobody off the path can name it; never 0. 6.8.1 */
  private freeDiscriminator(): number {
    for (;;) {
      const tried = 1 + Math.floor(this.ports.random() * 0xffffffff);
      if (!this.byDiscriminator.has(tried)) return tried;
    }
  }

  /** AdminDown goes on for the time in which the neighbour would notice our silence. 6.8.16 */
  private stop(entry: Entry): void {
    if (entry.cancelGone !== undefined) return;
    entry.session.disable();
    entry.cancelGone = this.ports.timers.after(entry.session.remoteDetectionTimeMs, () => {
      this.remove(entry);
      this.ports.onEvent({ kind: 'gone', id: entry.id });
    });
  }

  private resume(entry: Entry): void {
    entry.cancelGone?.();
    entry.cancelGone = undefined;
    entry.session.enable();
  }

  private close(): void {
    for (const entry of [...this.byId.values()]) {
      if (entry.cancelGone === undefined) entry.session.disable();
      this.remove(entry);
    }
    this.closed = true;
    this.wire.close();
    this.ports.onEvent({ kind: 'closed' });
  }

  private remove(entry: Entry): void {
    entry.session.close();
    entry.path.close();
    entry.cancelTell?.();
    entry.cancelGone?.();
    this.byId.delete(entry.id);
    this.byDiscriminator.delete(entry.session.localDiscriminator);
    const others = this.byAddress.get(entry.target.address)?.filter((e) => e !== entry) ?? [];
    if (others.length > 0) this.byAddress.set(entry.target.address, others);
    else this.byAddress.delete(entry.target.address);
  }

  private receive(bytes: Uint8Array, length: number, from: IpAddress, device: string | undefined): void {
    const decoded = decodeControlPacket(bytes, length);
    if (!decoded.ok) {
      this.discard(this.ofSender(from, device), decoded.error);
      return;
    }
    const packet = decoded.value;
    const entry = this.sessionOf(packet, from, device);
    if (entry === undefined) {
      this.discard(this.ofSender(from, device), {
        code: 'BFD_UNKNOWN_DISCRIMINATOR',
        text: `it is for a session ${packet.yourDiscriminator} that is not ours any more`,
      });
      return;
    }
    entry.counters[PACKETS_IN] = (entry.counters[PACKETS_IN] ?? 0) + 1;
    entry.session.receive(packet);
  }

  /** By our discriminator alone once the neighbour knows it: its address may change. 6.3 */
  private sessionOf(packet: ControlPacket, from: IpAddress, device: string | undefined): Entry | undefined {
    if (packet.yourDiscriminator !== 0) return this.byDiscriminator.get(packet.yourDiscriminator);
    return this.ofSender(from, device);
  }

  /** The latest that is not being stopped; one that names the device before one that takes any. RFC 5881 3 */
  private ofSender(from: IpAddress, device: string | undefined): Entry | undefined {
    const all = this.byAddress.get(from);
    if (all === undefined) return undefined;
    const fits = (e: Entry, wanted: string | undefined): boolean => e.target.interface === wanted;
    const live = all.filter((e) => e.cancelGone === undefined);
    return (
      live.find((e) => device !== undefined && fits(e, device)) ??
      live.find((e) => fits(e, undefined)) ??
      all.find((e) => fits(e, device) || fits(e, undefined))
    );
  }

  private discard(entry: Entry | undefined, reason: Reason): void {
    if (entry === undefined) {
      this.unknown += 1;
      return;
    }
    entry.counters[DISCARDED] = (entry.counters[DISCARDED] ?? 0) + 1;
    entry.lastDiscard = reason;
    this.tellLater(entry);
  }

  private transmit(entry: Entry, bytes: Uint8Array): void {
    const fault = entry.path.send(bytes);
    if (fault === undefined) entry.counters[PACKETS_OUT] = (entry.counters[PACKETS_OUT] ?? 0) + 1;
    if (fault?.text === entry.fault?.text) return;
    entry.fault = fault;
    this.tellLater(entry);
  }

  private tellLater(entry: Entry): void {
    entry.cancelTell ??= this.ports.timers.after(TELL_LATER_MS, () => this.tellNow(entry, undefined));
  }

  private tellNow(entry: Entry, change: StateChange | undefined): void {
    entry.cancelTell?.();
    entry.cancelTell = undefined;
    const { id, session, fault, lastDiscard } = entry;
    this.ports.onEvent({
      kind: 'session',
      id,
      snapshot: session.snapshot(),
      ...(change && { change }),
      ...(fault && { fault }),
      ...(lastDiscard && { lastDiscard }),
    });
  }
}
