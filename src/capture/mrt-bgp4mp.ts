/** BGP4MP records: messages and state changes of one session. Pure. RFC 6396 4.4, ADD-PATH subtypes RFC 8050 3. */
import { Reader } from '../base/bytes.ts';
import type { IpAddress } from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import { readIpv6 } from '../base/ipv6.ts';
import type { Captured, Endpoint, Moment, ToldContext } from './captured.ts';
import { recordContext } from './context.ts';
import { type Cut, MessageCutter } from './message-cutter.ts';
import { SKIPPED } from './skipped.ts';

/** The body of a record, where it lies, and when it was written. */
export interface RecordBody {
  readonly body: Uint8Array;
  readonly offset: number;
  readonly time: Moment;
}

interface SubtypeRow {
  readonly what: 'message' | 'state-change';
  readonly as4: boolean;
  readonly addPath: boolean;
  /** The collector itself sent it. RFC 6396 4.4.5 */
  readonly local: boolean;
}
const subtype = (what: SubtypeRow['what'], as4: boolean, local = false, addPath = false): SubtypeRow => ({
  what,
  as4,
  local,
  addPath,
});

const SUBTYPES: Readonly<Record<number, SubtypeRow>> = {
  0: subtype('state-change', false),
  1: subtype('message', false),
  4: subtype('message', true),
  5: subtype('state-change', true),
  6: subtype('message', false, true),
  7: subtype('message', true, true),
  8: subtype('message', false, false, true),
  9: subtype('message', true, false, true),
  10: subtype('message', false, true, true),
  11: subtype('message', true, true, true),
};

/** Undefined for a subtype that nobody has assigned. Throws ShortRead. */
export function readBgp4mp(number: number, record: RecordBody, told: ToldContext): Iterable<Captured> | undefined {
  const row = SUBTYPES[number];
  if (row === undefined) return undefined;
  const r = new Reader(record.body);
  const asn = (): number => (row.as4 ? r.u32() : r.u16());
  const [peerAsn, localAsn] = [asn(), asn()];
  r.u16(); // interface index
  const afi = r.u16();
  const address = (): IpAddress => (afi === 2 ? readIpv6(r.view(16), 0) : ipv4(r.u32()));
  const peer: Endpoint = { address: address(), asn: peerAsn };
  const local: Endpoint = { address: address(), asn: localAsn };
  const origin = { time: record.time, from: row.local ? local : peer, to: row.local ? peer : local };
  const at = record.offset + r.position;
  if (row.what === 'state-change') {
    const [oldState, newState] = [r.u16(), r.u16()];
    return [{ kind: 'state-change', ...origin, place: (octet) => ({ offset: at + octet }), oldState, newState }];
  }
  return messages(r.view(r.left), at, origin, (bytes) =>
    recordContext(told, bytes, { fourOctetAs: row.as4, addPath: row.addPath, ibgp: peerAsn === localAsn }),
  );
}

function* messages(
  bytes: Uint8Array,
  offset: number,
  origin: Pick<Extract<Captured, { kind: 'message' }>, 'time' | 'from' | 'to'>,
  context: (bytes: Uint8Array) => ReturnType<typeof recordContext>,
): Generator<Captured> {
  const cutter = new MessageCutter(false);
  cutter.add(bytes, offset);
  const cuts: Cut[] = [...cutter.cut(), ...cutter.broken()];
  for (const cut of cuts)
    if (cut.kind === 'message') yield { ...cut, ...origin, ...context(cut.bytes) };
    else yield { kind: 'note', ...origin, place: cut.place, text: SKIPPED[cut.why](cut.octets), bad: true };
}
