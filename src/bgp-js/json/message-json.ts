/** Any framed message as JSON. Pure: never throws, whatever the bytes. RFC 4271 4; a message with faults is shown as far as
 *  it can be read, and each fault says what a speaker would do. */
import type { UpdateContext } from '../update/update-context.ts';
import { familyName } from '../wire/family.ts';
import { frameError, frameLength } from '../wire/framer.ts';
import { HEADER_LENGTH, KEEPALIVE, NOTIFICATION, OPEN, ROUTE_REFRESH, UPDATE } from '../wire/message.ts';
import { decodeNotification, notificationName, shutdownText, unwrapHardReset } from '../wire/notification.ts';
import { decodeRouteRefresh, REFRESH_BEGIN, REFRESH_END, REFRESH_REQUEST } from '../wire/route-refresh.ts';
import { faultJson, resetJson } from './fault-json.ts';
import { toHex } from './hex.ts';
import type { FaultJson, MessageJson, NotificationJson, RouteRefreshJson } from './json-types.ts';
import { openJson } from './open-json.ts';
import { updateJson } from './update-json.ts';

/** Shortest of each type that can be shown at all. */
const LEAST = [0, 29, 23, 21, HEADER_LENGTH, HEADER_LENGTH];
const MARKER = 16;
const LONGEST_HEX = 256;

/** `bytes` is one message, header included, as long as its header says where that can be. */
export function messageJson(bytes: Uint8Array, context: UpdateContext): MessageJson {
  const faults = headerFaults(bytes, context);
  const type = bytes[HEADER_LENGTH - 1] ?? 0;
  if (bytes.length < HEADER_LENGTH || bytes.length < (LEAST[type] ?? Number.POSITIVE_INFINITY))
    return unreadable(bytes, faults);
  const shown = show(bytes, type, context);
  return shown === undefined ? unreadable(bytes, faults) : { ...shown, faults: [...faults, ...shown.faults] };
}

function show(bytes: Uint8Array, type: number, context: UpdateContext): MessageJson | undefined {
  switch (type) {
    case OPEN:
      return openJson(bytes);
    case UPDATE:
      return updateJson(bytes, context);
    case NOTIFICATION:
      return notificationJson(bytes);
    case KEEPALIVE:
      return { type: 'keepalive', length: bytes.length, faults: [] };
    case ROUTE_REFRESH:
      return routeRefreshJson(bytes);
    default:
      return undefined;
  }
}

/** What the framer of a session would say. RFC 4271 6.1 */
function headerFaults(bytes: Uint8Array, context: UpdateContext): FaultJson[] {
  const framed = frameLength(bytes, 0, bytes.length, context.maxMessageLength);
  if (framed === bytes.length) return [];
  if (framed >= 0) {
    const text = `${bytes.length} octets are not one message: its length says otherwise (RFC 4271 4.1)`;
    return [faultJson('reset', 1, 2, text, MARKER)];
  }
  const error = frameError(framed, bytes, 0);
  const marker = bytes.findIndex((octet) => octet !== 0xff);
  return [resetJson(error, error.subcode === 1 ? marker : error.subcode === 2 ? MARKER : HEADER_LENGTH - 1)];
}

const unreadable = (bytes: Uint8Array, faults: readonly FaultJson[]): MessageJson => ({
  type: 'unreadable',
  length: bytes.length,
  hex: toHex(bytes, 0, Math.min(bytes.length, LONGEST_HEX)),
  faults,
});

function notificationJson(bytes: Uint8Array): NotificationJson {
  const error = decodeNotification(bytes, 0, bytes.length);
  const name = notificationName(error.code, error.subcode);
  const said = shutdownText(error);
  const inner = unwrapHardReset(error);
  const innerSaid = inner && shutdownText(inner);
  return {
    type: 'notification',
    length: bytes.length,
    code: error.code,
    subcode: error.subcode,
    name,
    ...(said !== undefined && { shutdownText: said }),
    ...(inner !== undefined && {
      hardReset: {
        code: inner.code,
        subcode: inner.subcode,
        name: notificationName(inner.code, inner.subcode),
        ...(innerSaid !== undefined && { shutdownText: innerSaid }),
      },
    }),
    ...(error.data.length > 0 && { data: toHex(error.data) }),
    faults: [],
  };
}

const KINDS: Readonly<Record<number, string>> = {
  [REFRESH_REQUEST]: 'request',
  [REFRESH_BEGIN]: 'begin',
  [REFRESH_END]: 'end',
};

function routeRefreshJson(bytes: Uint8Array): RouteRefreshJson {
  const head = { type: 'route-refresh' as const, length: bytes.length };
  const refresh = decodeRouteRefresh(bytes, 0, bytes.length);
  if (!refresh.ok) return { ...head, faults: [resetJson(refresh.error, MARKER)] };
  const { family, subtype, orf } = refresh.value;
  return {
    ...head,
    family: familyName(family),
    kind: KINDS[subtype] ?? `subtype ${subtype}`,
    ...(orf !== undefined && { orf: toHex(orf) }),
    faults: [],
  };
}
