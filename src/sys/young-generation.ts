/** V8's young generation, where new objects live until a scavenge has looked at them twice. Left alone it doubles whenever much of
 *  it survives, to 48 MB, and keeps what it got: a daemon that has read a long list once is that much larger for the rest of its
 *  life. Its tables are no objects, and what is left is short-lived, so a small one costs next to nothing: measured on a full
 *  table, nothing, and 10 MB less; a mesh of a thousand joins in a tenth more time and 22 of 125 MB less; a listing of a million
 *  routes takes 15 % longer. */
import v8 from 'node:v8';

/** From now on it grows no more: 4 MB where the modules of the daemon have just been loaded. V8 reads this flag each time that it
 *  would grow; --max-semi-space-size, which says it properly, is read before the first line of ours (Node 20 to 24). */
export function freezeYoungGeneration(): void {
  v8.setFlagsFromString('--semi-space-growth-factor=1');
}
