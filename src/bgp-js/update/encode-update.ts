/** An object -> UPDATE messages. Pure. RFC 4271 4.3, 4760, 7606 5.1. */
import { invariant } from '../../base/invariant.ts';
import type { UpdateContext } from './update-context.ts';
import type { Update } from './update-types.ts';

/** Whole messages, one behind the other; more than one where kinds of routes or lengths ask for it. */
export function encodeUpdate(_update: Update, _context: UpdateContext): Uint8Array {
  invariant(false, 'to be filled');
}
