/** Label and field selectors as the API takes them in a query. Pure. */
import type { Resource } from '../port.ts';
import { badRequest } from './status.ts';

export type Predicate = (object: Resource) => boolean;

const LABEL = '[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?';
const VALUE = '(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?';
const EQUALITY = new RegExp(`^(${LABEL})\\s*(==|=|!=)\\s*(${VALUE})$`);
const SET = new RegExp(`^(${LABEL})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const PRESENCE = new RegExp(`^(!?)\\s*(${LABEL})$`);
const MOST_TERMS = 100;

/** "a=b,c!=d,e in (f,g),h notin (i),j,!k"; "" and absent select everything (undefined). Throws a 400 that quotes the term. */
export function labelSelector(text: string | undefined): Predicate | undefined {
  const terms = splitTerms(text);
  if (terms.length === 0) return undefined;
  const tests = terms.map(labelTerm);
  return (object) => {
    const labels = object.metadata.labels ?? {};
    return tests.every((test) => test(labels));
  };
}

/** Commas inside parentheses do not part terms. */
function splitTerms(text: string | undefined): string[] {
  if (text === undefined || text.trim() === '') return [];
  const terms = text.split(/,(?![^(]*\))/).map((t) => t.trim());
  if (terms.length > MOST_TERMS)
    throw badRequest(`selector has ${terms.length} terms; ${MOST_TERMS} is the most that is taken`);
  return terms;
}

function labelTerm(term: string): (labels: Readonly<Record<string, string>>) => boolean {
  const equality = EQUALITY.exec(term);
  if (equality !== null) {
    const [, key = '', operator, value = ''] = equality;
    return operator === '!=' ? (l) => l[key] !== value : (l) => l[key] === value;
  }
  const set = SET.exec(term);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((v) => v.trim()));
    return operator === 'in'
      ? (l) => l[key] !== undefined && values.has(l[key])
      : (l) => l[key] === undefined || !values.has(l[key]);
  }
  const presence = PRESENCE.exec(term);
  if (presence !== null) {
    const [, not, key = ''] = presence;
    return not === '!' ? (l) => l[key] === undefined : (l) => l[key] !== undefined;
  }
  throw badRequest(
    `unable to parse requirement "${term}" of the label selector; write KEY=VALUE, KEY!=VALUE, KEY in (A,B), KEY notin (A,B), KEY or !KEY`,
  );
}

/** "metadata.name=x"; other paths only where `anyPath` says that the kind has them (core kinds: spec.nodeName and so on). */
export function fieldSelector(text: string | undefined, anyPath: boolean): Predicate | undefined {
  const terms = splitTerms(text);
  if (terms.length === 0) return undefined;
  const tests = terms.map((term) => {
    const match = /^([A-Za-z][A-Za-z0-9.]*)\s*(==|=|!=)\s*(.*)$/.exec(term);
    if (match === null)
      throw badRequest(`unable to parse "${term}" of the field selector; write PATH=VALUE or PATH!=VALUE`);
    const [, path = '', operator, value = ''] = match;
    if (!anyPath && path !== 'metadata.name' && path !== 'metadata.namespace')
      throw badRequest(`field label not supported: "${path}"; use metadata.name or metadata.namespace`);
    const steps = path.split('.');
    return (object: Resource): boolean => (fieldAt(object, steps) === value) === (operator !== '!=');
  });
  return (object) => tests.every((test) => test(object));
}

/** A missing field is the empty string, as in the API server. */
function fieldAt(object: unknown, steps: readonly string[]): string {
  let at: unknown = object;
  for (const step of steps) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return '';
    at = (at as Record<string, unknown>)[step];
  }
  return typeof at === 'string' || typeof at === 'number' || typeof at === 'boolean' ? String(at) : '';
}

export const both = (a: Predicate | undefined, b: Predicate | undefined): Predicate | undefined =>
  a === undefined ? b : b === undefined ? a : (object) => a(object) && b(object);
