/** A YAML or JSON text, walked by a table of settings: values with the line each stood on, and a fault for everything the
 *  table does not know or allow. Pure. It knows no setting by name. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node } from 'yaml';
import type { ConfigFault } from './node-config.ts';
import { parseQuickly } from './quick-lists.ts';
import type { Setting, SettingTable } from './settings.ts';
import { suggest } from './suggest.ts';
import type { ValueType } from './value-types.ts';

type Parsed<S> = S extends { readonly type: ValueType<infer T> } ? T : never;
type ValueOf<S> = S extends { readonly many: true | 'or-one' } ? readonly Parsed<S>[] : Parsed<S>;

/** What a file says about one table, with where it says it. */
export class Values<Table> {
  /** "" for the node, "neighbors[2]." for an element. */
  readonly prefix: string;
  private readonly values = new Map<string, unknown>();
  private readonly elements = new Map<string, readonly unknown[]>();
  private readonly lines = new Map<string, number>();

  constructor(prefix: string) {
    this.prefix = prefix;
  }
  set(path: string, value: unknown): void {
    this.values.set(path, value);
  }
  /** A list is a value only when every element is; the good elements can be had one by one all the same. */
  setEach(path: string, elements: readonly unknown[]): void {
    this.elements.set(path, elements);
    if (elements.every((v) => v !== undefined)) this.values.set(path, elements);
  }
  /** [index, value] of the elements without a fault, for checks among them. */
  each<P extends keyof Table & string>(path: P): readonly (readonly [number, Parsed<Table[P]>])[] {
    const all = (this.elements.get(path) ?? []) as readonly (Parsed<Table[P]> | undefined)[];
    return all.flatMap((value, i) => (value === undefined ? [] : [[i, value] as const]));
  }
  place(path: string, line: number | undefined): void {
    if (line !== undefined) this.lines.set(path, line);
  }
  /** As the row's type parsed it: the only cast between a file and its types. */
  get<P extends keyof Table & string>(path: P): ValueOf<Table[P]> | undefined {
    return this.values.get(path) as ValueOf<Table[P]> | undefined;
  }
  /** Also true for a section, and for a setting whose value was faulty. */
  mentions(path: string): boolean {
    return this.lines.has(path);
  }
  line(path: string): number | undefined {
    return this.lines.get(path);
  }
}

const MOST_FAULTS = 100;
/** Of settings that somebody may have meant. */
const MOST_LISTED = 10;
const SHOWN = 60;
/** A file is read whole and its faults are kept: both are bounded. */
const MOST_CHARACTERS = 1 << 20;

export class DocumentReader {
  readonly faults: ConfigFault[] = [];
  private readonly text: string;
  private readonly counter = new LineCounter();
  private readonly document;

  constructor(text: string) {
    this.text = text.length > MOST_CHARACTERS ? '' : text;
    this.document = parseQuickly(this.text);
    this.counter.addNewLine(0);
    for (let at = this.text.indexOf('\n'); at >= 0; at = this.text.indexOf('\n', at + 1))
      this.counter.addNewLine(at + 1);
    if (text.length > MOST_CHARACTERS)
      this.fault('', undefined, `has ${text.length} characters`, `Keep it below ${MOST_CHARACTERS}.`);
    for (const e of this.document.errors)
      this.faultAt(
        '',
        this.counter.linePos(e.pos[0]).line,
        undefined,
        `is not YAML or JSON: ${e.message}`,
        syntaxRemedy(e.code),
      );
  }

  /** The document's map, or undefined with a fault. An empty file is an empty map. */
  root(): Node | undefined {
    const contents = this.document.contents;
    if (this.document.errors.length > 0) return undefined;
    if (contents === null || isMap(contents)) return contents ?? this.document.createNode({});
    this.fault('', contents, 'is not a map of settings', 'Begin with lines like asn: 65001.');
    return undefined;
  }

  fault(path: string, node: Node | undefined, text: string, remedy: string, secret = false): void {
    this.faultAt(
      path,
      node && this.lineOf(node),
      secret || node === undefined ? undefined : this.source(node),
      text,
      remedy,
    );
  }
  faultAt(path: string, line: number | undefined, value: string | undefined, text: string, remedy: string): void {
    if (this.faults.length >= MOST_FAULTS) return;
    this.faults.push({
      path,
      ...(line !== undefined && { line }),
      ...(value !== undefined && { value }),
      text,
      remedy,
    });
  }

  /** Reads `map` into `values`. `lists` are keys that hold a list of maps; their elements are given back, by key. */
  read<Table extends SettingTable>(
    map: Node,
    table: Table,
    values: Values<Table>,
    lists: readonly string[] = [],
  ): ReadonlyMap<string, readonly Node[]> {
    const elements = new Map<string, readonly Node[]>();
    const { paths, sections } = outlineOf(table);
    const walk = (node: Node, section: string): void => {
      if (!isMap(node)) return;
      for (const pair of node.items) {
        const keyNode = pair.key as Node;
        const key = isScalar(keyNode) ? String(keyNode.value) : '';
        const path = section + key;
        const value = this.resolve(pair.value as Node | null);
        const isSection = sections.has(path);
        if (!Object.hasOwn(table, path) && !isSection && !(section === '' && lists.includes(key))) {
          this.unknown(values.prefix, section, key, keyNode, [...paths, ...(section === '' ? lists : [])]);
          continue;
        }
        values.place(path, this.lineOf(keyNode));
        const at = values.prefix + path;
        if (value === undefined || (isScalar(value) && value.value === null))
          this.faultAt(
            at,
            this.lineOf(keyNode),
            undefined,
            'has no value',
            'Write one, or leave the line out to use the default.',
          );
        else if (section === '' && lists.includes(key)) elements.set(key, this.maps(at, value));
        else if (isSection && isMap(value)) walk(value, `${path}.`);
        else if (Object.hasOwn(table, path)) this.leaf(at, path, value, table[path] as Setting<unknown>, values);
        else this.fault(at, value, 'is not a section', `Write its settings below it: ${sectionKeys(paths, path)}.`);
      }
    };
    walk(map, '');
    return elements;
  }

  private leaf(at: string, path: string, node: Node, setting: Setting<unknown>, values: Values<never>): void {
    if (!setting.many) {
      const value = this.scalar(at, node, setting);
      if (value !== undefined) values.set(path, value);
      return;
    }
    if (!isSeq(node) && setting.many === 'or-one') {
      const value = this.scalar(at, node, setting);
      values.setEach(path, [value]);
      return;
    }
    if (!isSeq(node)) {
      this.fault(at, node, 'is not a list', `Write it in brackets: [${this.source(node)}].`);
      return;
    }
    const all = node.items.map((item, i) =>
      this.scalar(`${at}[${i}]`, this.resolve(item as Node | null) ?? node, setting),
    );
    for (const [i, item] of node.items.entries()) values.place(`${path}[${i}]`, this.lineOf(item as Node));
    values.setEach(path, all);
  }

  private scalar(at: string, node: Node, setting: Setting<unknown>): unknown {
    if (!isScalar(node)) {
      this.fault(
        at,
        node,
        `is not a single value (${setting.type.name})`,
        'Write one value here.',
        setting.type.secret,
      );
      return undefined;
    }
    const parsed = setting.type.parse(node.value);
    if (parsed.ok) return parsed.value;
    this.fault(at, node, parsed.error.text, parsed.error.remedy, setting.type.secret);
    return undefined;
  }

  private maps(at: string, node: Node): readonly Node[] {
    if (!isSeq(node)) {
      this.fault(at, node, 'is not a list', 'Write each element as a line that begins with "- ".');
      return [];
    }
    return node.items.flatMap((item, i) => {
      const map = this.resolve(item as Node | null);
      if (map !== undefined && isMap(map)) return [map];
      this.fault(
        `${at}[${i}]`,
        map ?? node,
        'is not a map of settings',
        'Write it as "- address: 10.9.0.2" and so on.',
      );
      return [];
    });
  }

  private unknown(prefix: string, section: string, key: string, node: Node, paths: readonly string[]): void {
    const siblings = [
      ...new Set(paths.filter((p) => p.startsWith(section)).map((p) => p.slice(section.length).split('.')[0] ?? '')),
    ];
    const elsewhere = paths.find((p) => p.split('.').at(-1) === key);
    const meant = suggest(key, siblings) ?? elsewhere;
    const more = siblings.length - MOST_LISTED;
    const list =
      more > 0
        ? `See gingham config settings, or write one of: ${siblings.slice(0, MOST_LISTED).join(', ')} and ${more} more.`
        : `The settings here are: ${siblings.join(', ')}.`;
    this.faultAt(
      prefix + section + key.slice(0, SHOWN),
      this.lineOf(node),
      undefined,
      'is not a setting',
      meant === undefined ? list : `Did you mean ${meant}?`,
    );
  }

  /** An alias stands for what it names; one step is enough, because an anchor cannot be on an alias. */
  private resolve(node: Node | null): Node | undefined {
    if (node === null || node === undefined) return undefined;
    return isAlias(node) ? node.resolve(this.document) : node;
  }
  lineOf(node: Node): number | undefined {
    return node.range ? this.counter.linePos(node.range[0]).line : undefined;
  }
  private source(node: Node): string {
    const [from, to] = node.range ?? [0, 0];
    const raw = this.text.slice(from, to).trim().split('\n')[0] ?? '';
    return raw.length > SHOWN ? `${raw.slice(0, SHOWN)}…` : raw;
  }
}

interface Outline {
  readonly paths: readonly string[];
  /** "listen", "cluster.store": what has settings below it. */
  readonly sections: ReadonlySet<string>;
}
const outlines = new WeakMap<SettingTable, Outline>();

/** Worked out once: a thousand neighbors are read by one table. */
function outlineOf(table: SettingTable): Outline {
  const known = outlines.get(table);
  if (known !== undefined) return known;
  const paths = Object.keys(table);
  const above = (path: string): string[] =>
    path.split('.').flatMap((_, i, parts) => (i === 0 ? [] : [parts.slice(0, i).join('.')]));
  const made = { paths, sections: new Set(paths.flatMap(above)) };
  outlines.set(table, made);
  return made;
}

const sectionKeys = (paths: readonly string[], section: string): string =>
  [
    ...new Set(paths.filter((p) => p.startsWith(`${section}.`)).map((p) => p.slice(section.length + 1).split('.')[0])),
  ].join(', ');

const syntaxRemedy = (code: string): string =>
  code === 'DUPLICATE_KEY'
    ? 'Keep one of the two lines.'
    : code === 'MULTIPLE_DOCS'
      ? 'Keep one document: remove the line --- and what follows.'
      : 'Mend the line; indentation is spaces, and a value with ": " or " #" wants quotes.';
