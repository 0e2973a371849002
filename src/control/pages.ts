/** Long answers in pages. Between two the event loop runs, and a slow reader is waited for: keepalives go first. Pure but for
 *  the call it writes to. */
import type { RouteView } from './views.ts';

/** As much of gRPC's ServerWritableStream as is needed here. */
interface Call {
  write(page: object): boolean;
  readonly cancelled: boolean;
  readonly destroyed: boolean;
  on(event: string, then: () => void): unknown;
  off(event: string, then: () => void): unknown;
}

/** A page takes about a millisecond to make: the loop is never held longer. */
const PAGE = 32;
const PIECE_BYTES = 64 * 1024;

export async function sendPages(call: Call, routes: Iterable<RouteView | undefined>): Promise<void> {
  let page: RouteView[] = [];
  for (const route of routes) {
    if (route !== undefined) page.push(route);
    if (route !== undefined && page.length < PAGE) continue;
    if (page.length > 0) await send(call, { routes: page });
    else await new Promise((next) => setImmediate(next));
    page = [];
    if (call.cancelled || call.destroyed) return;
  }
  if (page.length > 0) await send(call, { routes: page });
}

/** Records are joined to pieces of about 64 KiB. */
export async function sendPieces(call: Call, records: Iterable<Uint8Array | undefined>): Promise<void> {
  let piece: Uint8Array[] = [];
  let bytes = 0;
  for (const record of records) {
    if (record !== undefined) {
      piece.push(record);
      bytes += record.length;
      if (bytes < PIECE_BYTES && piece.length < PAGE) continue;
    }
    if (bytes > 0) await send(call, { records: Buffer.concat(piece) });
    else await new Promise((next) => setImmediate(next));
    piece = [];
    bytes = 0;
    if (call.cancelled || call.destroyed) return;
  }
  if (bytes > 0) await send(call, { records: Buffer.concat(piece) });
}

async function send(call: Call, page: object): Promise<void> {
  const room = call.write(page);
  if (room) await new Promise((next) => setImmediate(next));
  else await drained(call);
}

const drained = (call: Call): Promise<void> =>
  new Promise((next) => {
    const go = (): void => {
      for (const event of ['drain', 'cancelled', 'close', 'error']) call.off(event, go);
      next();
    };
    for (const event of ['drain', 'cancelled', 'close', 'error']) call.on(event, go);
  });
