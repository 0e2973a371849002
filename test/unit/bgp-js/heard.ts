import type { Connection } from '../../../src/bgp-js/session/session-types.ts';

/** Resolves with all that came, when it is so much. */
export const heard = (connection: Connection, octets: number): Promise<Uint8Array> =>
  new Promise((resolve) => {
    const all = new Uint8Array(octets);
    let at = 0;
    connection.onData = (slab, start, end) => {
      all.set(slab.subarray(start, end), at);
      slab.fill(0, start, end); // as the next read would
      at += end - start;
      if (at === octets) resolve(all);
      return end;
    };
  });
