/** YAML of a topology to its sections, field by field: what is followed, what is ignored (a note), what is refused (a
 *  fault). Pure. What the sections mean together is merge.ts and check.ts. */
import { inspect } from 'node:util';
import { parseDocument } from 'yaml';
import { suggest } from '../../config/suggest.ts';
import {
  FOLLOWED,
  type FollowedField,
  IGNORED,
  IGNORED_LINK,
  IGNORED_TOP,
  REFUSED,
  REFUSED_LINK,
  SECTIONS,
} from './fields.ts';

/** What one section says of a node. */
export interface Fields {
  readonly text: Readonly<Partial<Record<FollowedField, string>>>;
  readonly lists: Readonly<Partial<Record<FollowedField, readonly string[]>>>;
  readonly maps: Readonly<Partial<Record<FollowedField, Readonly<Record<string, string>>>>>;
}
export interface LinkFields {
  /** "topology.links[0]" */
  readonly path: string;
  readonly endpoints: readonly string[];
  readonly mtu?: number;
}
export interface Sections {
  readonly name?: string;
  readonly defaults: Fields;
  readonly kinds: ReadonlyMap<string, Fields>;
  readonly groups: ReadonlyMap<string, Fields>;
  readonly nodes: ReadonlyMap<string, Fields>;
  readonly links: readonly LinkFields[];
}

/** Faults and notes, each a sentence that begins with the path. */
export class Findings {
  readonly faults: string[] = [];
  readonly notes: string[] = [];
  refuse(path: string, why: string): void {
    this.faults.push(`${path}: ${why}`);
  }
  ignore(path: string, why: string): void {
    this.notes.push(`${path} is ignored: ${why}.`);
  }
}

export const NO_FIELDS: Fields = { text: {}, lists: {}, maps: {} };
const SHOWN_CHARS = 60;
/** Aliases of aliases make a small file large. */
const MOST_ALIASES = 100;

/** A value as it may stand in a message. */
export const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? `"${value}"` : inspect(value, { depth: 2, breakLength: Infinity });
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
};

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isScalar = (value: unknown): value is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof value);

const isFollowed = (key: string): key is FollowedField => Object.hasOwn(FOLLOWED, key);

export function readSections(text: string, found: Findings): Sections | undefined {
  const document = parseDocument(text, { merge: true, logLevel: 'silent' });
  const [error] = document.errors;
  if (error) {
    found.faults.push(`not YAML: ${error.message.split('\n')[0]?.replace(/:$/, '')}.`);
    return undefined;
  }
  let root: unknown;
  try {
    root = document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (error) {
    found.faults.push(`not YAML that can be read: ${error instanceof Error ? error.message : String(error)}.`);
    return undefined;
  }
  if (!isMap(root)) {
    found.faults.push('a topology is a map with name and topology, and this is none.');
    return undefined;
  }
  for (const [key, value] of Object.entries(root)) {
    if (key === 'name' || key === 'topology') continue;
    if (Object.hasOwn(IGNORED_TOP, key)) found.ignore(key, IGNORED_TOP[key] ?? '');
    else unknown(found, key, key, value, ['name', 'topology', ...Object.keys(IGNORED_TOP)]);
  }
  const topology = mapAt(root['topology'], 'topology', found);
  if (root['topology'] === undefined) found.refuse('topology', 'is missing. It holds nodes and links.');
  for (const [key, value] of Object.entries(topology)) {
    if (!SECTIONS.some((s) => s === key)) unknown(found, `topology.${key}`, key, value, SECTIONS);
  }
  const name = root['name'];
  if (name !== undefined && !isScalar(name)) found.refuse('name', `${shown(name)} is no text.`);
  return {
    ...(isScalar(name) && { name: String(name) }),
    defaults: fieldsOf(topology['defaults'], 'topology.defaults', found),
    kinds: fieldsByName(topology['kinds'], 'topology.kinds', found),
    groups: fieldsByName(topology['groups'], 'topology.groups', found),
    nodes: fieldsByName(topology['nodes'], 'topology.nodes', found),
    links: linksOf(topology['links'], found),
  };
}

function unknown(found: Findings, path: string, key: string, value: unknown, known: readonly string[]): void {
  const meant = suggest(key, known);
  found.refuse(
    path,
    `no such field here (its value: ${shown(value)}). ${meant === undefined ? 'Take it out.' : `Did you mean ${meant}?`}`,
  );
}

function mapAt(value: unknown, path: string, found: Findings): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (isMap(value)) return value;
  found.refuse(path, `${shown(value)} is no map.`);
  return {};
}

function fieldsByName(value: unknown, path: string, found: Findings): Map<string, Fields> {
  return new Map(
    Object.entries(mapAt(value, path, found)).map(([name, fields]) => [
      name,
      fieldsOf(fields, `${path}.${name}`, found),
    ]),
  );
}

function fieldsOf(value: unknown, path: string, found: Findings): Fields {
  const text: Record<string, string> = {};
  const lists: Record<string, readonly string[]> = {};
  const maps: Record<string, Readonly<Record<string, string>>> = {};
  for (const [key, given] of Object.entries(mapAt(value, path, found))) {
    const at = `${path}.${key}`;
    if (isFollowed(key)) {
      switch (FOLLOWED[key]) {
        case 'text':
          if (isScalar(given)) text[key] = String(given);
          else found.refuse(at, `${shown(given)} is no text.`);
          break;
        case 'list':
          if (Array.isArray(given) && given.every(isScalar)) lists[key] = given.map(String);
          else found.refuse(at, `${shown(given)} is no list of texts.`);
          break;
        case 'map':
          if (isMap(given) && Object.values(given).every(isScalar)) maps[key] = mapText(given);
          else found.refuse(at, `${shown(given)} is no map of names to texts.`);
          break;
      }
    } else if (Object.hasOwn(IGNORED, key)) found.ignore(at, IGNORED[key] ?? '');
    else if (Object.hasOwn(REFUSED, key)) found.refuse(at, `is not followed here: ${REFUSED[key]}.`);
    else unknown(found, at, key, given, Object.keys(FOLLOWED));
  }
  return { text, lists, maps };
}

const mapText = (map: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, String(value)]));

function linksOf(value: unknown, found: Findings): LinkFields[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    found.refuse('topology.links', `${shown(value)} is no list.`);
    return [];
  }
  return value.flatMap((link: unknown, i) => {
    const path = `topology.links[${i}]`;
    if (!isMap(link)) {
      found.refuse(path, `${shown(link)} is no map with endpoints.`);
      return [];
    }
    const { endpoints, mtu, ...rest } = link;
    for (const [key, given] of Object.entries(rest)) {
      if (Object.hasOwn(IGNORED_LINK, key)) found.ignore(`${path}.${key}`, IGNORED_LINK[key] ?? '');
      else if (Object.hasOwn(REFUSED_LINK, key))
        found.refuse(`${path}.${key}`, `is not followed here: ${REFUSED_LINK[key]}.`);
      else unknown(found, `${path}.${key}`, key, given, ['endpoints', 'mtu']);
    }
    if ('type' in rest) return []; // its endpoints have another form, and one fault is enough
    if (!Array.isArray(endpoints) || !endpoints.every((e) => typeof e === 'string')) {
      found.refuse(`${path}.endpoints`, `${shown(endpoints)} is no list of texts like "node:eth1".`);
      return [];
    }
    if (mtu !== undefined && !(Number.isInteger(mtu) && Number(mtu) >= 68 && Number(mtu) <= 65_535)) {
      found.refuse(`${path}.mtu`, `${shown(mtu)} is no MTU. Use 68 to 65535, for instance 1500.`);
      return [{ path, endpoints }];
    }
    return [{ path, endpoints, ...(mtu !== undefined && { mtu: Number(mtu) }) }];
  });
}
