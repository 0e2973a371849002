/** JSON merge patch (RFC 7396) and JSON patch (RFC 6902). Pure: the argument is never changed. */
import { isDeepStrictEqual } from 'node:util';
import type { Json, JsonObject } from '../port.ts';

/** A patch that cannot be applied; the caller words it with the object's name. */
export class PatchFault extends Error {
  override readonly name = 'PatchFault';
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7396 §2: null removes, an object merges, anything else replaces. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const out = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) out.delete(key);
    else out.set(key, mergePatch(out.get(key), value));
  }
  return Object.fromEntries(out);
}

const MOST_OPERATIONS = 10_000; // as the API server

/** RFC 6902 §4: all operations in order, or none. */
export function jsonPatch(target: Json, operations: Json): Json {
  if (!Array.isArray(operations)) throw new PatchFault('a JSON patch is an array of operations (RFC 6902 §3)');
  if (operations.length > MOST_OPERATIONS)
    throw new PatchFault(`the patch has ${operations.length} operations; ${MOST_OPERATIONS} is the most that is taken`);
  let value = target;
  operations.forEach((operation: Json, i) => {
    try {
      value = applyOperation(value, operation);
    } catch (error) {
      throw error instanceof PatchFault ? new PatchFault(`operation ${i}: ${error.message}`) : error;
    }
  });
  return value;
}

function applyOperation(value: Json, operation: Json): Json {
  if (!isObject(operation)) throw new PatchFault('not an object');
  const path = pointer(operation['path'], 'path');
  const operand = (): Json => {
    if (!Object.hasOwn(operation, 'value')) throw new PatchFault(`"${String(operation['op'])}" needs a value`);
    return operation['value'] as Json;
  };
  switch (operation['op']) {
    case 'add':
      return edit(value, path, 'add', operand());
    case 'remove':
      return edit(value, path, 'remove', null);
    case 'replace':
      return edit(value, path, 'replace', operand());
    case 'copy':
      return edit(value, path, 'add', at(value, pointer(operation['from'], 'from')));
    case 'move': {
      const from = pointer(operation['from'], 'from');
      if (from.length < path.length && from.every((step, i) => step === path[i]))
        throw new PatchFault(`"/${from.join('/')}" cannot be moved into a part of itself`);
      return edit(edit(value, from, 'remove', null), path, 'add', at(value, from));
    }
    case 'test':
      if (!isDeepStrictEqual(at(value, path), operand()))
        throw new PatchFault(`test failed: the value at "/${path.join('/')}" is another`);
      return value;
    default:
      throw new PatchFault(
        `unknown operation "${String(operation['op'])}"; add, remove, replace, move, copy and test exist`,
      );
  }
}

/** RFC 6901: "" is the whole, "~1" is "/", "~0" is "~". */
function pointer(text: Json | undefined, field: string): string[] {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/')))
    throw new PatchFault(`${field} is not a JSON pointer like /spec/cidr (RFC 6901)`);
  return text
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function at(value: Json, path: readonly string[]): Json {
  let here: Json = value;
  for (const step of path) {
    if (Array.isArray(here)) here = here[index(step, here.length - 1)] as Json;
    else if (isObject(here) && Object.hasOwn(here, step)) here = here[step] as Json;
    else throw missing(path);
  }
  return here;
}

function index(step: string, most: number): number {
  if (!/^(?:0|[1-9][0-9]{0,8})$/.test(step) || Number(step) > most)
    throw new PatchFault(`"${step}" is no index here; 0 to ${most} exist`);
  return Number(step);
}

const missing = (path: readonly string[]): PatchFault => new PatchFault(`nothing is at "/${path.join('/')}"`);

function edit(value: Json, path: readonly string[], how: 'add' | 'remove' | 'replace', operand: Json): Json {
  const [step, ...rest] = path;
  if (step === undefined) return operand; // the whole document; remove leaves null, which no resource is
  if (Array.isArray(value)) {
    const copy = [...(value as Json[])];
    if (rest.length > 0) {
      const i = index(step, copy.length - 1);
      copy[i] = edit(copy[i] as Json, rest, how, operand);
    } else if (how === 'add') copy.splice(step === '-' ? copy.length : index(step, copy.length), 0, operand);
    else if (how === 'remove') copy.splice(index(step, copy.length - 1), 1);
    else copy[index(step, copy.length - 1)] = operand;
    return copy;
  }
  if (!isObject(value)) throw missing(path);
  const copy = new Map(Object.entries(value));
  if (!copy.has(step) && (rest.length > 0 || how !== 'add')) throw missing(path);
  if (rest.length > 0) copy.set(step, edit(copy.get(step) as Json, rest, how, operand));
  else if (how === 'remove') copy.delete(step);
  else copy.set(step, operand);
  return Object.fromEntries(copy);
}
