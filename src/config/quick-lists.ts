/** Long lists of neighbors, read without YAML's whole machinery: a thousand lines like `- { name: rack1, address: 10.9.0.2,
 *  asn: 65001 }` took longer to parse than the sessions with them to come up. Pure.
 *
 *  What is read here is a narrow form, whose meaning is beyond doubt: a list below a key at the margin, each element on a line
 *  of its own and in braces, plain words, numbers and addresses only. A list that has one other line is YAML's as a whole. YAML
 *  does not see the lines (to pass by a thousand empty ones took it as long as all else together); they come back as the nodes that
 *  it would have made of them, and what it did make is moved to where it stands in the file. */
import { type Document, isMap, isNode, isScalar, Pair, parseDocument, Scalar, visit, YAMLMap, YAMLSeq } from 'yaml';

interface QuickList {
  /** Where its key stands. */
  readonly at: number;
  readonly elements: readonly YAMLMap[];
}

/** What YAML does not see. */
interface Cut {
  /** Where it was, in the text that is left. */
  readonly at: number;
  /** Characters that this cut and those before it took. */
  readonly total: number;
}

export interface QuickText {
  /** The original without the lines of the lists. */
  readonly text: string;
  readonly lists: readonly QuickList[];
  readonly cuts: readonly Cut[];
}

const PARSE = { prettyErrors: false } as const;
/** Below it YAML is quick enough. */
const LEAST_ELEMENTS = 16;
const KEY_LINE = /^[A-Za-z]+:$/;
const ELEMENT = /^( +)- \{ ([A-Za-z0-9_.:/, -]*) \}$/;
const FIELD = /^([A-Za-z]+): ([A-Za-z0-9_.:/-]+)$/;
const NUMBER = /^(?:0|[1-9][0-9]{0,14})$/;
/** Plain scalars that are text in every schema of YAML. */
const WORD = /^[A-Za-z][A-Za-z0-9_./-]*$/;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,2})?$/;
const IPV6 = /^[0-9a-fA-F]{1,4}:[0-9a-fA-F:]*:[0-9a-fA-F]{1,4}$/;
const SPECIAL = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

/** The document of a text. Where YAML finds a fault it reads all of it, however long that takes: what it says of a fault, and where,
 *  depends on what stands around. */
export function parseQuickly(text: string): Document.Parsed {
  const quick = takeQuickLists(text);
  const document = parseDocument(quick.text, PARSE);
  if (quick.lists.length > 0 && document.errors.length > 0) return parseDocument(text, PARSE);
  putQuickLists(document, quick);
  return document;
}

export function takeQuickLists(text: string): QuickText {
  const lines = text.split('\n');
  const lists: QuickList[] = [];
  const cuts: Cut[] = [];
  const left: string[] = [];
  let at = 0;
  let total = 0;
  let taken: ReadonlySet<number> = new Set();
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (taken.has(i)) {
      total += line.length + 1;
      cuts.push({ at: at + line.length + 1 - total, total });
    } else left.push(line);
    if (KEY_LINE.test(line)) {
      const list = listBelow(lines, i, at + line.length + 1);
      if (list !== undefined) {
        lists.push({ at, elements: list.elements });
        taken = new Set(list.lines);
      }
    }
    at += line.length + 1;
  }
  return lists.length === 0 ? { text, lists, cuts } : { text: left.join('\n'), lists, cuts };
}

/** Where in the original stands what is at `offset` of the text that was left. */
function inOriginal({ cuts }: QuickText, offset: number): number {
  let low = 0;
  let high = cuts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cuts[middle]?.at ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return offset + (cuts[low - 1]?.total ?? 0);
}

/** Puts everything where it stands in the original, and the elements where YAML found nothing. */
function putQuickLists(document: Document, quick: QuickText): void {
  const { contents } = document;
  const { lists } = quick;
  if (lists.length === 0) return;
  visit(document, (_, node) => {
    if (!isNode(node) || !node.range) return;
    const [start, valueEnd, end] = node.range;
    node.range = [inOriginal(quick, start), inOriginal(quick, valueEnd), inOriginal(quick, end)];
  });
  if (!isMap(contents)) return;
  for (const pair of contents.items) {
    if (!isScalar(pair.key)) continue;
    const key = pair.key.range?.[0];
    const list = lists.find(({ at }) => at === key);
    if (list === undefined) continue;
    const seq = new YAMLSeq<YAMLMap>();
    seq.items = [...list.elements];
    const [first, last] = [list.elements[0]?.range?.[0] ?? 0, list.elements.at(-1)?.range?.[1] ?? 0];
    seq.range = [first, last, last];
    pair.value = seq;
  }
}

/** `at`: offset of the line behind the key's. */
function listBelow(
  lines: readonly string[],
  key: number,
  at: number,
): { readonly elements: YAMLMap[]; readonly lines: number[] } | undefined {
  const elements: YAMLMap[] = [];
  const taken: number[] = [];
  let indent: number | undefined;
  for (let n = key + 1; n < lines.length; n++) {
    const line = lines[n] ?? '';
    const start = at;
    at += line.length + 1;
    if (line === '' || /^ *#/.test(line)) continue;
    // Back at the margin: what follows is no part of the list.
    if (/^[A-Za-z]/.test(line)) break;
    const [, spaces, inside] = ELEMENT.exec(line) ?? [];
    if (spaces === undefined || inside === undefined || spaces.length !== (indent ?? spaces.length)) return undefined;
    indent = spaces.length;
    const element = elementOf(inside, start + indent + 4);
    if (element === undefined) return undefined;
    element.range = [start + indent + 2, start + line.length, start + line.length];
    elements.push(element);
    taken.push(n);
  }
  return elements.length < LEAST_ELEMENTS ? undefined : { elements, lines: taken };
}

function elementOf(inside: string, at: number): YAMLMap | undefined {
  const map = new YAMLMap();
  map.flow = true;
  const names = new Set<string>();
  for (const field of inside.split(', ')) {
    const [, name, written] = FIELD.exec(field) ?? [];
    if (name === undefined || written === undefined || names.has(name) || SPECIAL.test(name)) return undefined;
    const value = plainValue(written);
    if (value === undefined) return undefined;
    names.add(name);
    map.items.push(new Pair(scalar(name, name, at), scalar(value, written, at + name.length + 2)));
    at += field.length + 2;
  }
  return map;
}

function plainValue(written: string): string | number | boolean | undefined {
  if (NUMBER.test(written)) return Number(written);
  if (written === 'true' || written === 'false') return written === 'true';
  const isText = WORD.test(written) ? !SPECIAL.test(written) : IPV4.test(written) || IPV6.test(written);
  return isText ? written : undefined;
}

function scalar(value: string | number | boolean, source: string, at: number): Scalar {
  const made = new Scalar(value);
  made.source = source;
  made.range = [at, at + source.length, at + source.length];
  return made;
}
