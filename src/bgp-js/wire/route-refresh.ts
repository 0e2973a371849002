/** ROUTE-REFRESH, bytes <-> value. Pure. RFC 2918 3, with the subtypes of RFC 7313 3.2; an ORF part (RFC 5291 4) stays as it is.
 *  Which of them count in a session is conversation.ts. */
import { err, ok, type Result } from '../../base/result.ts';
import { type BgpError, bgpError } from './error.ts';
import type { Family } from './family.ts';
import { HEADER_LENGTH, message, ROUTE_REFRESH } from './message.ts';

/** The octet between AFI and SAFI, reserved before RFC 7313. */
export const REFRESH_REQUEST = 0;
/** BoRR: all routes of the family follow. */
export const REFRESH_BEGIN = 1;
/** EoRR: these were all. */
export const REFRESH_END = 2;

/** What a ROUTE-REFRESH says. RFC 2918 3, RFC 7313 3.2 */
export interface RouteRefresh {
  readonly family: Family;
  /** 0 request, 1 BoRR, 2 EoRR; receivers ignore the others. RFC 7313 5 */
  readonly subtype: number;
  /** What stands behind the four octets of a request: outbound route filters, opaque to us. RFC 5291 4 */
  readonly orf?: Uint8Array;
}

/** AFI (2), subtype (1), SAFI (1) */
const BODY = 4;

/** Decodes a framed ROUTE-REFRESH, header included; answers 7/1 with the whole message for a length that cannot be: RFC 7313 5. */
export function decodeRouteRefresh(bytes: Uint8Array, start: number, end: number): Result<RouteRefresh, BgpError> {
  const at = start + HEADER_LENGTH;
  const length = end - at;
  const subtype = bytes[at + 2] ?? 0;
  if (length < BODY || (length > BODY && (subtype === REFRESH_BEGIN || subtype === REFRESH_END)))
    return err(
      bgpError(
        7,
        1,
        `a ROUTE-REFRESH of ${length} octets behind its header; RFC 7313 5 wants ${BODY}`,
        bytes.slice(start, end),
      ),
    );
  const family = { afi: ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0), safi: bytes[at + 3] ?? 0 };
  return ok({ family, subtype, ...(length > BODY ? { orf: bytes.slice(at + BODY, end) } : {}) });
}

/** The whole message. */
export function encodeRouteRefresh(refresh: RouteRefresh): Uint8Array {
  const { family, subtype, orf } = refresh;
  const body = new Uint8Array(BODY + (orf?.length ?? 0));
  body.set([family.afi >>> 8, family.afi & 0xff, subtype, family.safi]);
  if (orf !== undefined) body.set(orf, BODY);
  return message(ROUTE_REFRESH, body);
}
