/** Messages as they are on the wire, one behind the other: what a program wrote into a file. Pure. */
import { decodeOpen, type OpenMessage } from '../bgp-js/wire/open.ts';
import type { Captured, CaptureReader, Place, ToldContext } from './captured.ts';
import { chooseContext, undirectedContext } from './context.ts';
import { type Cut, MessageCutter } from './message-cutter.ts';
import { SKIPPED } from './skipped.ts';

const OPEN = 1;

/** Messages of one stream, of which nobody knows who sent which; up to two OPENs tell the context. */
export class UndirectedMessages {
  private readonly told: ToldContext;
  private readonly opens: OpenMessage[] = [];

  constructor(told: ToldContext) {
    this.told = told;
  }
  *captured(cuts: Iterable<Cut>, place: (offset: number) => ReturnType<Place>): Generator<Captured> {
    for (const cut of cuts) {
      const at: Place = (octet) => place(cut.place(octet).offset);
      if (cut.kind === 'skipped') yield { kind: 'note', place: at, text: SKIPPED[cut.why](cut.octets), bad: true };
      else yield { kind: 'message', bytes: cut.bytes, place: at, ...this.context(cut.bytes) };
    }
  }
  private context(bytes: Uint8Array) {
    const open = bytes[18] === OPEN ? decodeOpen(bytes, 0, bytes.length) : undefined;
    if (open?.ok && this.opens.length < 2) this.opens.push(open.value);
    const [a, b] = this.opens;
    return a !== undefined && b !== undefined
      ? undirectedContext(this.told, bytes, a, b)
      : chooseContext(this.told, bytes, a);
  }
}

export function rawReader(told: ToldContext): CaptureReader {
  const cutter = new MessageCutter(false);
  const messages = new UndirectedMessages(told);
  const place = (offset: number) => ({ offset });
  let offset = 0;
  return {
    *push(chunk) {
      cutter.add(chunk, offset);
      offset += chunk.length;
      yield* messages.captured(cutter.cut(), place);
    },
    *end() {
      yield* messages.captured(cutter.broken(), place);
    },
  };
}
