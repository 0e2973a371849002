/** The context a captured message is read in: what the command line says, else what the OPENs of its session agreed on, else
 *  what the message itself gives away. Pure. RFC 5492 3: a capability counts when both sides sent it. */
import type { UpdateContext } from '../bgp-js/update/update-context.ts';
import { IPV4_UNICAST, keyOfFamily } from '../bgp-js/wire/family.ts';
import type { OpenMessage } from '../bgp-js/wire/open.ts';
import type { ContextSource, ToldContext } from './captured.ts';
import { type Sketch, sketchUpdate } from './sketch.ts';

const IPV4_KEY = keyOfFamily(IPV4_UNICAST);
const AFI_IPV6 = 2;
/** IPv4 unicast, multicast, labelled and VPN: those that RFC 8950 4 is about. */
const IPV4_FAMILIES: ReadonlySet<number> = new Set([1, 2, 4, 128].map((safi) => 256 + safi));

export interface Chosen {
  readonly context: UpdateContext;
  readonly contextFrom: ContextSource;
}

/** What the record that holds the message says about it. RFC 6396 4.4, RFC 8050 3 */
export interface RecordContext {
  readonly fourOctetAs: boolean;
  readonly addPath: boolean;
  readonly ibgp: boolean;
}

/** `sender` and `receiver` are their OPENs as far as they were seen. */
export function chooseContext(
  told: ToldContext,
  message: Uint8Array,
  sender?: OpenMessage,
  receiver?: OpenMessage,
): Chosen {
  const sketch = sketchUpdate(message);
  const one = sender ?? receiver;
  if (one === undefined) return outOfItself(told, sketch);
  // One OPEN only: the other side is taken to have agreed.
  return outOfOpens(told, sketch, sender ?? one, receiver ?? one, sender === undefined || receiver === undefined);
}

/** Both OPENs are known and not who sent the message: a paste of hex. */
export function undirectedContext(told: ToldContext, message: Uint8Array, a: OpenMessage, b: OpenMessage): Chosen {
  const [there, back] = [chooseContext(told, message, a, b), chooseContext(told, message, b, a)];
  const addPath = new Set([...there.context.addPath, ...back.context.addPath]);
  return { ...there, context: { ...there.context, addPath } };
}

export function recordContext(told: ToldContext, message: Uint8Array, record: RecordContext): Chosen {
  const sketch = sketchUpdate(message);
  const families = new Set([IPV4_KEY, ...sketch.families]);
  const context: UpdateContext = {
    ...liberal(sketch),
    fourOctetAs: told.fourOctetAs ?? record.fourOctetAs,
    ibgp: told.ibgp ?? record.ibgp,
    families,
    addPath: (told.addPath ?? record.addPath) ? families : NONE,
    maxMessageLength: 65535,
  };
  return { context, contextFrom: isTold(told) ? 'told' : 'record' };
}

const NONE: ReadonlySet<number> = new Set();
const isTold = (told: ToldContext): boolean => Object.values(told).some((v) => v !== undefined);

/** What no octet tells is taken as allowed: a decoder shows, it does not judge a configuration it cannot see. */
const liberal = (sketch: Sketch) => ({
  extendedNextHop: IPV4_FAMILIES,
  aigp: true,
  ...(sketch.confederation && { confederation: true }),
});

function outOfItself(told: ToldContext, sketch: Sketch): Chosen {
  const families = new Set([IPV4_KEY, ...sketch.families]);
  const guessed = sketch.fourOctetAs !== undefined || sketch.internal || sketch.addPath.size > 0;
  const context: UpdateContext = {
    ...liberal(sketch),
    fourOctetAs: told.fourOctetAs ?? sketch.fourOctetAs ?? true,
    ibgp: told.ibgp ?? sketch.internal,
    families,
    addPath: told.addPath === undefined ? sketch.addPath : told.addPath ? families : NONE,
    maxMessageLength: told.extendedMessages === true ? 65535 : 4096,
  };
  return { context, contextFrom: isTold(told) ? 'told' : guessed ? 'guess' : 'plain' };
}

const asnOf = (open: OpenMessage): number => open.capabilities.fourOctetAsn ?? open.myAs;
/** No multiprotocol capability means IPv4 unicast. RFC 4760 8 */
const familiesOf = (open: OpenMessage): ReadonlySet<number> =>
  new Set((open.capabilities.multiprotocol ?? [IPV4_UNICAST]).map(keyOfFamily));

function outOfOpens(
  told: ToldContext,
  sketch: Sketch,
  sender: OpenMessage,
  receiver: OpenMessage,
  half: boolean,
): Chosen {
  const [ours, theirs] = [sender.capabilities, receiver.capabilities];
  const offered = familiesOf(receiver);
  const families = new Set([...familiesOf(sender)].filter((key) => offered.has(key)));
  const takes = new Set((theirs.addPath ?? []).filter((f) => f.receive || half).map(keyOfFamily));
  const sends = (ours.addPath ?? []).filter((f) => (f.send || half) && takes.has(keyOfFamily(f))).map(keyOfFamily);
  const hops = new Set((theirs.extendedNextHop ?? []).filter((e) => e.nextHopAfi === AFI_IPV6).map(keyOfFamily));
  const bothHops = (ours.extendedNextHop ?? []).map(keyOfFamily).filter((key) => hops.has(key));
  const extended = ours.extendedMessages === true && theirs.extendedMessages === true;
  const context: UpdateContext = {
    ...liberal(sketch),
    fourOctetAs: told.fourOctetAs ?? (ours.fourOctetAsn !== undefined && theirs.fourOctetAsn !== undefined),
    // One OPEN does not say whether the AS numbers are the same.
    ibgp: told.ibgp ?? (half ? sketch.internal : asnOf(sender) === asnOf(receiver)),
    families,
    addPath: told.addPath === undefined ? new Set(sends) : told.addPath ? families : NONE,
    extendedNextHop: new Set(bothHops),
    maxMessageLength: (told.extendedMessages ?? extended) ? 65535 : 4096,
  };
  return { context, contextFrom: isTold(told) ? 'told' : 'open' };
}
