/** Any BGP message, bytes <-> value, for those who read one and not a million: a session reads over its slab. Pure.
 *  RFC 4271 4; the messages themselves are in wire/ and update/. */
import { assertNever } from '../base/invariant.ts';
import { err, ok, type Result } from '../base/result.ts';
import { decodeUpdate } from './update/decode-update.ts';
import { encodeUpdate } from './update/encode-update.ts';
import { PLAIN_CONTEXT, type UpdateContext } from './update/update-context.ts';
import type { DecodedUpdate, Update } from './update/update-types.ts';
import { type BgpError, bgpError } from './wire/error.ts';
import { frameError, frameLength } from './wire/framer.ts';
import { KEEPALIVE_MESSAGE, NOTIFICATION, OPEN, ROUTE_REFRESH, UPDATE } from './wire/message.ts';
import { decodeNotification, encodeNotification } from './wire/notification.ts';
import { decodeOpen, encodeOpen, type OpenMessage } from './wire/open.ts';
import { decodeRouteRefresh, encodeRouteRefresh, type RouteRefresh } from './wire/route-refresh.ts';

/** What is sent. */
export type Message =
  | { readonly type: 'open'; readonly open: OpenMessage }
  | { readonly type: 'update'; readonly update: Update }
  /** Code, subcode and data; `text` says it in words. RFC 4271 4.5 */
  | { readonly type: 'notification'; readonly error: BgpError }
  | { readonly type: 'keepalive' }
  | { readonly type: 'route-refresh'; readonly refresh: RouteRefresh };

/** What is read: an UPDATE comes with its faults. */
export type DecodedMessage =
  | Exclude<Message, { readonly type: 'update' }>
  | { readonly type: 'update'; readonly update: DecodedUpdate };

/** One whole message stands in [start, end), header included. `context` is what the two OPENs agreed on; only UPDATE and the
 *  greatest length ask for it. The error is the one that a session would answer with (RFC 4271 6); the faults of an UPDATE
 *  are in its value, also one that ends a session. Never throws, whatever the bytes. */
export function decodeMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  context: UpdateContext = PLAIN_CONTEXT,
): Result<DecodedMessage, BgpError> {
  const length = frameLength(bytes, start, end, context.maxMessageLength);
  if (length < 0) return err(frameError(length, bytes, start));
  if (length === 0 || length !== end - start) return err(misfit(bytes, start, end, length));
  switch (bytes[start + 18]) {
    case OPEN: {
      const open = decodeOpen(bytes, start, end);
      return open.ok ? ok({ type: 'open', open: open.value }) : open;
    }
    case UPDATE:
      return ok({ type: 'update', update: decodeUpdate(bytes, start, end, context) });
    case NOTIFICATION:
      return ok({ type: 'notification', error: decodeNotification(bytes, start, end) });
    case ROUTE_REFRESH: {
      const refresh = decodeRouteRefresh(bytes, start, end);
      return refresh.ok ? ok({ type: 'route-refresh', refresh: refresh.value }) : refresh;
    }
    default: // the framer has let one type more through
      return ok({ type: 'keepalive' });
  }
}

function misfit(bytes: Uint8Array, start: number, end: number, length: number): BgpError {
  const have = end - start;
  const says =
    have < 19 ? 'a header has 19' : `its header says ${length || (bytes[start + 16]! << 8) | bytes[start + 17]!}`;
  return bgpError(
    1,
    2,
    `${have} octets are not one message: ${says} (RFC 4271 4.1)`,
    bytes.slice(start + 16, Math.min(end, start + 18)),
  );
}

/** The message as bytes; an UPDATE that does not fit one message becomes several, one behind the other. */
export function encodeMessage(message: Message, context: UpdateContext = PLAIN_CONTEXT): Uint8Array {
  switch (message.type) {
    case 'open':
      return encodeOpen(message.open);
    case 'update':
      return encodeUpdate(message.update, context);
    case 'notification':
      return encodeNotification(message.error, context.maxMessageLength);
    case 'keepalive':
      return KEEPALIVE_MESSAGE;
    case 'route-refresh':
      return encodeRouteRefresh(message.refresh);
    default:
      return assertNever(message);
  }
}
