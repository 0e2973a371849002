/** Long lists of neighbors, read without YAML's whole machinery: a thousand lines like `- { name: rack1, address: 10.9.0.2,
 *  asn: 65001 }` took longer to parse than the sessions with them to come up. Pure.
 *
 *  What is read here is a narrow form, whose meaning is beyond doubt: a list below a key at the margin, each element on a line
 *  of its own and in braces, plain words, numbers and addresses only. A list that has one other line is YAML's as a whole. The
 *  lines are blanked, so that all else keeps its place, and come back as the nodes that YAML would have made of them. */
import { type Document, isMap, isScalar, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';

interface QuickList {
  /** Where its key stands. */
  readonly at: number;
  readonly elements: readonly YAMLMap[];
}

export interface QuickText {
  /** Of the same length and lines as the original. */
  readonly text: string;
  readonly lists: readonly QuickList[];
}

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

export function takeQuickLists(text: string): QuickText {
  const lines = text.split('\n');
  const lists: QuickList[] = [];
  const blanked = [...lines];
  let at = 0;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    if (KEY_LINE.test(line)) {
      const list = listBelow(lines, i, at + line.length + 1);
      if (list !== undefined) {
        lists.push({ at, elements: list.elements });
        for (const n of list.lines) blanked[n] = ' '.repeat(lines[n]?.length ?? 0);
      }
    }
    at += line.length + 1;
  }
  return lists.length === 0 ? { text, lists } : { text: blanked.join('\n'), lists };
}

/** Puts the elements where YAML found nothing. */
export function putQuickLists(document: Document, lists: readonly QuickList[]): void {
  const { contents } = document;
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
