/** What an executable wants of the machine it is started on: its loader, its libraries, and the versions it knows them by.
 *  Pure: bytes in, names out. ELF-64, little-endian, which is every architecture Node.js is released for but s390x. */

export interface ElfNeeds {
  /** e_machine: 62 is x86-64, 183 AArch64. */
  readonly machine: number;
  /** Absent: statically linked. */
  readonly loader?: string;
  readonly libraries: readonly ElfLibrary[];
}
export interface ElfLibrary {
  /** "libstdc++.so.6" */
  readonly name: string;
  /** "GLIBCXX_3.4.21", as DT_VERNEED has them. */
  readonly versions: readonly string[];
}

const MAGIC = 0x7f454c46;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT = { needed: 1n, strtab: 5n, verneed: 0x6ffffffen, verneednum: 0x6fffffffn } as const;
/** Far above any real one: a damaged file must not make us walk for ever. */
const MOST_RECORDS = 4096;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Undefined when the bytes are no such file, or a damaged one. */
export function readElfNeeds(bytes: Uint8Array): ElfNeeds | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (view.getUint32(0) !== MAGIC || view.getUint8(4) !== CLASS_64 || view.getUint8(5) !== LITTLE_ENDIAN)
      return undefined;
    return read(view);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // an offset points out of the file
    throw error;
  }
}

function read(view: DataView): ElfNeeds {
  const segments = readSegments(view);
  const machine = view.getUint16(18, true);
  const interpreter = segments.find((s) => s.type === PT_INTERP);
  const loader = interpreter === undefined ? {} : { loader: text(view, interpreter.offset) };
  const dynamic = segments.find((s) => s.type === PT_DYNAMIC);
  if (dynamic === undefined) return { machine, ...loader, libraries: [] };

  const needed: number[] = [];
  const found = new Map<bigint, number>();
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    const tag = view.getBigInt64(at, true);
    const value = word(view, at + 8);
    if (tag === 0n) break;
    if (tag === DT.needed) needed.push(value);
    else found.set(tag, value);
  }
  const strings = fileOffset(segments, found.get(DT.strtab));
  const versions = readVersions(view, {
    at: fileOffset(segments, found.get(DT.verneed)),
    count: found.get(DT.verneednum) ?? 0,
    strings,
  });
  const libraries = needed.map((offset) => {
    const name = text(view, strings + offset);
    return { name, versions: versions.get(name) ?? [] };
  });
  return { machine, ...loader, libraries };
}

function readSegments(view: DataView): readonly Segment[] {
  const table = word(view, 32);
  const [size, count] = [view.getUint16(54, true), view.getUint16(56, true)];
  return Array.from({ length: count }, (_, i) => {
    const at = table + i * size;
    return {
      type: view.getUint32(at, true),
      offset: word(view, at + 8),
      address: word(view, at + 16),
      size: word(view, at + 32),
    };
  });
}

/** Verneed: version, aux count, file name, first aux, next; Vernaux: hash, flags, other, name, next. */
function readVersions(
  view: DataView,
  table: { readonly at: number; readonly count: number; readonly strings: number },
): ReadonlyMap<string, readonly string[]> {
  const versions = new Map<string, string[]>();
  let at = table.at;
  for (let i = 0; i < Math.min(table.count, MOST_RECORDS); i++) {
    const names: string[] = [];
    let aux = at + view.getUint32(at + 8, true);
    for (let j = 0; j < view.getUint16(at + 2, true); j++) {
      names.push(text(view, table.strings + view.getUint32(aux + 8, true)));
      aux += view.getUint32(aux + 12, true);
    }
    versions.set(text(view, table.strings + view.getUint32(at + 4, true)), names);
    at += view.getUint32(at + 12, true);
  }
  return versions;
}

function fileOffset(segments: readonly Segment[], address: number | undefined): number {
  if (address === undefined) return 0;
  const holder = segments.find((s) => s.type === PT_LOAD && address >= s.address && address < s.address + s.size);
  return holder === undefined ? Number.MAX_SAFE_INTEGER : address - holder.address + holder.offset;
}

const word = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

function text(view: DataView, at: number): string {
  let end = at;
  while (view.getUint8(end) !== 0) end++;
  return new TextDecoder('latin1').decode(new Uint8Array(view.buffer, view.byteOffset + at, end - at));
}
