/** Octets out of text as people paste it: bare hex with white space, colons, 0x, \x and commas, comments behind # ; //, and
 *  dumps with offsets (xxd, hexdump -C, tcpdump -x and -X, Wireshark's copies) with or without their column of characters.
 *  Pure. Every octet remembers its line and column, so that a fault can be pointed at. */
import { err, ok, type Result } from '../base/result.ts';
import type { CaptureFault } from './captured.ts';

/** Octets that belong together: one dump from its offset 0 on, or all the bare hex there is. */
export interface HexBlock {
  readonly bytes: Uint8Array;
  /** Of each octet, from 1. */
  readonly lines: Uint32Array;
  readonly columns: Uint32Array;
}

/** A dump's line is an offset, a colon or two blanks, groups, then perhaps characters. */
const OFFSET_LINE = /^(\s*)(?:0x)?([0-9a-f]{4,16})(?::\s|:$|\s\s|\s(?=[0-9a-f]{2}(?:\s|$))|$)\s*(.*)$/i;
const GROUP = /^(?:[0-9a-f]{2}){1,8}$/i;
/** What may stand between bare octets and mean nothing. */
const FILLER = /0x|\\x?|[\s:,.;|"'{}()_-]/gi;

class Block {
  readonly bytes: number[] = [];
  readonly lines: number[] = [];
  readonly columns: number[] = [];
  /** Dumps of both ways of a connection differ by their indent (Wireshark's Follow TCP Stream). */
  readonly indent: number | undefined;
  /** Where the character column of its lines begins. */
  characters = Number.POSITIVE_INFINITY;
  width = 0;

  constructor(indent: number | undefined) {
    this.indent = indent;
  }
  add(octet: number, line: number, column: number): void {
    this.bytes.push(octet);
    this.lines.push(line);
    this.columns.push(column);
  }
  /** The octets of a run of digits that begins at `column` (from 0). */
  addDigits(digits: string, line: number, column: number): void {
    for (let i = 0; i + 2 <= digits.length; i += 2)
      this.add(Number.parseInt(digits.slice(i, i + 2), 16), line, column + i + 1);
  }
}

export function parseHexText(text: string): Result<readonly HexBlock[], CaptureFault> {
  const lines = text.split(/\r?\n/);
  const blocks = isDump(lines) ? dumpBlocks(lines) : bareBlock(lines);
  if (!blocks.ok) return blocks;
  const found = blocks.value.filter((b) => b.bytes.length > 0);
  if (found.length === 0) return err(fault(1, 1, 'there is no hex in it'));
  return ok(
    found.map((b) => ({
      bytes: Uint8Array.from(b.bytes),
      lines: Uint32Array.from(b.lines),
      columns: Uint32Array.from(b.columns),
    })),
  );
}

const fault = (line: number, column: number, text: string, offset = 0): CaptureFault => ({
  offset,
  line,
  column,
  text,
});

/** What only a dump has in front of its octets: tcpdump's and xxd's offsets. */
const CERTAIN_OFFSET = /^\s*(?:0x[0-9a-f]{4,8}|[0-9a-f]{8}):\s+[0-9a-f]{2}/i;

/** The first line with hex begins with offset 0, and what follows it is octets. A message never begins with four zeros. */
function isDump(lines: readonly string[]): boolean {
  for (const line of lines) {
    if (CERTAIN_OFFSET.test(line)) return true;
    const match = OFFSET_LINE.exec(line);
    if (match !== null && /^0+$/.test(match[2] as string) && /^[0-9a-f]{2}/i.test(match[3] as string)) return true;
    if (/^(?:[0-9a-f]{2}[\s:,]?){4}/i.test(line.trim())) return false;
  }
  return false;
}

function dumpBlocks(lines: readonly string[]): Result<readonly Block[], CaptureFault> {
  const blocks: Block[] = [];
  for (const [i, line] of lines.entries()) {
    const match = OFFSET_LINE.exec(line);
    // Headings: tcpdump's summary of the packet, a title, an empty line.
    if (match === null) continue;
    const [whole, indent = '', digits = '', rest = ''] = match;
    const offset = Number.parseInt(digits, 16);
    const octets = /^[0-9a-f]{2}/i.test(rest);
    // Time stamps and sequence numbers of a heading look like offsets; they are followed by words.
    if (!octets && rest !== '') continue;
    let block = blocks.findLast((b) => b.indent === indent.length && b.bytes.length === offset);
    if (block === undefined || offset === 0) {
      if (offset !== 0) {
        const before = blocks.findLast((b) => b.indent === indent.length)?.bytes.length ?? 0;
        const text = `offset ${offset} (0x${offset.toString(16)}) where ${before} octets (0x${before.toString(16)}) came before: lines are missing`;
        return err(fault(i + 1, indent.length + 1, text, before));
      }
      block = new Block(indent.length);
      blocks.push(block);
    }
    if (octets) dumpLine(block, rest, i + 1, whole.length - rest.length, nextOffset(lines, i, offset));
  }
  return ok(blocks);
}

/** How many octets a line has, if the offset of the next one tells. */
function nextOffset(lines: readonly string[], at: number, offset: number): number | undefined {
  const match = OFFSET_LINE.exec(lines[at + 1] ?? '');
  const next = match === null ? Number.NaN : Number.parseInt(match[2] as string, 16);
  return next > offset && next - offset <= 256 ? next - offset : undefined;
}

/** Groups of octets up to the column of characters, which may look like octets too: the next line's offset, the lines before,
 *  and a gap of blanks tell where it begins. */
function dumpLine(block: Block, rest: string, line: number, column: number, wanted: number | undefined): void {
  const most = wanted ?? (block.width || 16);
  let count = 0;
  let end = 0;
  for (const match of rest.matchAll(/\S+/g)) {
    const [group] = match;
    const gap = match.index - end;
    const at = column + match.index;
    // hexdump and Wireshark set the two halves of a line apart.
    const half = count === 8 && gap <= 3 && group.length === 2;
    if (!GROUP.test(group) || count + group.length / 2 > most || at >= block.characters) break;
    if (count > 0 && gap > 1 && !half && wanted === undefined) break;
    block.addDigits(group, line, at);
    count += group.length / 2;
    end = match.index + group.length;
  }
  const behind = /\S/.exec(rest.slice(end));
  if (wanted === count && behind !== null) block.characters = Math.min(block.characters, column + end + behind.index);
  block.width = Math.max(block.width, count);
}

function bareBlock(lines: readonly string[]): Result<readonly Block[], CaptureFault> {
  const block = new Block(undefined);
  let half: { readonly digit: string; readonly line: number; readonly column: number } | undefined;
  for (const [i, line] of lines.entries()) {
    const bare = line.replace(/(?:#|;|\/\/).*$/, '').replace(FILLER, (filler) => ' '.repeat(filler.length));
    for (const match of bare.matchAll(/\S+/g)) {
      const [digits] = match;
      const wrong = /[^0-9a-f]/i.exec(digits);
      if (wrong !== null) {
        const text = `"${shown(digits)}" is no hex. Comments begin with #, ; or //`;
        return err(fault(i + 1, match.index + wrong.index + 1, text, block.bytes.length));
      }
      let from = 0;
      if (half !== undefined) {
        // A number of digits that is odd may have been cut by a line's end.
        block.add(Number.parseInt(half.digit + digits.slice(0, 1), 16), half.line, half.column);
        half = undefined;
        from = 1;
      }
      block.addDigits(digits.slice(from), i + 1, match.index + from);
      if ((digits.length - from) % 2 === 1)
        half = { digit: digits.slice(-1), line: i + 1, column: match.index + digits.length };
    }
  }
  if (half !== undefined)
    return err(fault(half.line, half.column, 'half an octet is left: an odd number of digits', block.bytes.length));
  return ok([block]);
}

/** What is not hex may be anything: a terminal must not obey it. */
const shown = (text: string): string => text.slice(0, 20).replace(/[^\x20-\x7e]/g, '·');
