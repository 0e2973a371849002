/** A framed UPDATE -> an object. Pure. RFC 4271 4.3, 4760, 7606. */
import { invariant } from '../../base/invariant.ts';
import type { UpdateContext } from './update-context.ts';
import type { DecodedUpdate } from './update-types.ts';

/** `bytes` from `start` to `end` is one UPDATE, header included. Never throws, whatever the bytes. */
export function decodeUpdate(_bytes: Uint8Array, _start: number, _end: number, _context: UpdateContext): DecodedUpdate {
  invariant(false, 'to be filled');
}
