/** Packets to the BGP messages of their connections, each read in the context that both OPENs of its connection agreed on.
 *  Pure, bounded: the connection that has been silent longest makes room for a new one. */
import { formatIp } from '../base/ip.ts';
import { decodeOpen, type OpenMessage } from '../bgp-js/wire/open.ts';
import type { Captured, Endpoint, Moment, Place, ToldContext } from './captured.ts';
import { chooseContext } from './context.ts';
import { type Cut, MessageCutter } from './message-cutter.ts';
import { type NoSegment, type Segment, segmentOf } from './packet.ts';
import { SKIPPED } from './skipped.ts';
import { TcpStream, type WaitingRoom } from './tcp-stream.ts';

const MAX_CONNECTIONS = 2048;
const OPEN = 1;

interface Direction {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly tcp: TcpStream;
  cutter: MessageCutter | undefined;
  /** The OPEN that the sender sent. */
  open: OpenMessage | undefined;
}
/** Both ways; [0] is the way of the first packet. */
type Connection = readonly [Direction, Direction];

export class Connections {
  private readonly port: number;
  private readonly told: ToldContext;
  private readonly room: WaitingRoom = { octets: 0 };
  private readonly connections = new Map<string, Connection>();
  /** Frames that had nothing for us, by why. */
  readonly passedOver = new Map<NoSegment | 'another TCP port', number>();
  frames = 0;
  /** Segments of our port. */
  found = 0;

  constructor(port: number, told: ToldContext) {
    this.port = port;
    this.told = told;
  }
  /** A frame of `linkType`, which lies at `offset` of the input. */
  *frame(linkType: number, bytes: Uint8Array, offset: number, time: Moment | undefined): Generator<Captured> {
    this.frames++;
    const segment = segmentOf(linkType, bytes, 0, bytes.length);
    if (typeof segment === 'string') this.passOver(segment);
    else yield* this.segment(segment, bytes, offset, time);
  }
  *segment(segment: Segment, bytes: Uint8Array, offset: number, time: Moment | undefined): Generator<Captured> {
    if (segment.sourcePort !== this.port && segment.destinationPort !== this.port) {
      this.passOver('another TCP port');
      return;
    }
    this.found++;
    let [way, back] = this.find(segment);
    if (segment.syn) {
      // The same four numbers and another first sequence number: a new connection.
      if (way.tcp.started && way.tcp.initial !== segment.sequence) {
        yield* this.close([way, back], time);
        [way, back] = this.find(segment);
      }
      if (!way.tcp.started) way.tcp.synchronise(segment.sequence);
    }
    const sequence = segment.syn ? (segment.sequence + 1) >>> 0 : segment.sequence;
    const payload = bytes.subarray(segment.start, segment.end);
    yield* this.follow(way, back, way.tcp.segment(sequence, payload, offset + segment.start, segment.cut), time);
  }
  /** The capture ends. */
  *end(): Generator<Captured> {
    for (const connection of [...this.connections.values()]) yield* this.close(connection, undefined);
  }
  private *close([way, back]: Connection, time: Moment | undefined): Generator<Captured> {
    for (const [one, other] of [
      [way, back],
      [back, way],
    ] as const) {
      yield* this.follow(one, other, one.tcp.end(), time);
      if (one.cutter !== undefined) yield* this.hand(one, other, one.cutter.broken(), time);
    }
    this.connections.delete(keyOf(way.from, way.to));
  }
  private *follow(
    way: Direction,
    back: Direction,
    ordered: ReturnType<TcpStream['segment']>,
    time: Moment | undefined,
  ): Generator<Captured> {
    for (const piece of ordered) {
      way.cutter ??= new MessageCutter(way.tcp.initial === undefined);
      if (piece.kind === 'octets') {
        way.cutter.add(piece.bytes, piece.offset);
        yield* this.hand(way, back, way.cutter.cut(), time);
      } else {
        yield* this.hand(way, back, way.cutter.broken(), time);
        const text = `${piece.octets} octets of this connection are not in the capture`;
        yield note(text, way, (octet) => ({ offset: piece.offset + octet }), time);
      }
    }
  }
  private *hand(way: Direction, back: Direction, cuts: Iterable<Cut>, time: Moment | undefined): Generator<Captured> {
    for (const cut of cuts) {
      if (cut.kind === 'skipped')
        yield note(SKIPPED[cut.why](cut.octets), way, cut.place, time, cut.why === 'unsynchronised');
      else {
        const { bytes, place } = cut;
        if (bytes[18] === OPEN) learn(way, bytes);
        const chosen = chooseContext(this.told, bytes, way.open, back.open);
        yield { kind: 'message', bytes, place, from: way.from, to: way.to, ...(time && { time }), ...chosen };
      }
    }
  }
  /** The connection of a segment, its way first; made when it is new. */
  private find(segment: Segment): Connection {
    const from = { address: segment.source, port: segment.sourcePort };
    const to = { address: segment.destination, port: segment.destinationPort };
    const key = keyOf(from, to);
    const known = this.connections.get(key);
    if (known !== undefined) {
      // The Map's order is the order of last use.
      this.connections.delete(key);
      this.connections.set(key, known);
      const [one, other] = known;
      return one.from.address === from.address && one.from.port === from.port ? known : [other, one];
    }
    if (this.connections.size >= MAX_CONNECTIONS) {
      const [oldest] = this.connections;
      if (oldest !== undefined) {
        this.connections.delete(oldest[0]);
        for (const { tcp } of oldest[1]) tcp.drop();
      }
    }
    const made: Connection = [direction(from, to, this.room), direction(to, from, this.room)];
    this.connections.set(key, made);
    return made;
  }
  private passOver(why: NoSegment | 'another TCP port'): void {
    this.passedOver.set(why, (this.passedOver.get(why) ?? 0) + 1);
  }
}

const direction = (from: Endpoint, to: Endpoint, room: WaitingRoom): Direction => ({
  from,
  to,
  tcp: new TcpStream(room),
  cutter: undefined,
  open: undefined,
});

/** The same for both ways. */
function keyOf(a: Endpoint, b: Endpoint): string {
  const [one, other] = [a, b].map((e) => `${formatIp(e.address)} ${e.port}`) as [string, string];
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}

function learn(way: Direction, bytes: Uint8Array): void {
  const open = decodeOpen(bytes, 0, bytes.length);
  if (open.ok) way.open = open.value;
}

const note = (text: string, way: Direction, place: Place, time: Moment | undefined, bad = false): Captured => ({
  kind: 'note',
  text,
  ...(bad ? { bad: true as const } : {}),
  place,
  from: way.from,
  to: way.to,
  ...(time && { time }),
});
