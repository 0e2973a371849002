/** ObjectMeta as the API server checks it. Pure. The real server refuses what this refuses, so the lab finds it first. */
import type { ObjectMeta } from '../port.ts';
import { isObject } from './patch.ts';
import type { Cause } from './status.ts';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const MOST_ANNOTATION_BYTES = 256 * 1024;

const fault = (field: string, message: string): Cause => ({ reason: 'FieldValueInvalid', field, message });
const quote = (value: unknown): string => JSON.stringify(String(value).slice(0, 80));

/** Everything that is wrong, not just the first; empty when nothing is. */
export function metadataFaults(metadata: ObjectMeta): Cause[] {
  const faults: Cause[] = [];
  const { name } = metadata;
  if (typeof name !== 'string' || name === '')
    faults.push({
      reason: 'FieldValueRequired',
      field: 'metadata.name',
      message: 'Required value: name or generateName is required',
    });
  else if (name.length > 253 || !SUBDOMAIN.test(name))
    faults.push(
      fault(
        'metadata.name',
        `Invalid value: ${quote(name)}: a name is at most 253 characters of lower case a-z, 0-9, '-' and '.', and starts and ends with a letter or digit (RFC 1123)`,
      ),
    );
  faults.push(...textMap('metadata.labels', metadata.labels, labelFault));
  faults.push(...textMap('metadata.annotations', metadata.annotations, () => undefined));
  let bytes = 0;
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) bytes += key.length + String(value).length;
  if (bytes > MOST_ANNOTATION_BYTES)
    faults.push(fault('metadata.annotations', `Too long: ${bytes} bytes; at most ${MOST_ANNOTATION_BYTES} are kept`));
  return faults;
}

const labelFault = (value: string): string | undefined =>
  value.length <= 63 && LABEL_VALUE.test(value)
    ? undefined
    : "a label's value is at most 63 characters of A-Z, a-z, 0-9, '-', '_' and '.', and starts and ends with a letter or digit";

function textMap(field: string, map: unknown, check: (value: string) => string | undefined): Cause[] {
  if (map === undefined || map === null) return [];
  if (!isObject(map)) return [fault(field, 'Invalid value: must be an object of strings')];
  const faults: Cause[] = [];
  for (const [key, value] of Object.entries(map)) {
    const [first = '', second] = key.split('/', 2);
    const bare = second ?? first;
    const wrongPrefix = second !== undefined && (first.length > 253 || !SUBDOMAIN.test(first.toLowerCase()));
    if (key.split('/').length > 2 || wrongPrefix || bare.length > 63 || !QUALIFIED.test(bare))
      faults.push(fault(field, `Invalid value: ${quote(key)}: a key is [DNS-PREFIX/]NAME, NAME at most 63 characters`));
    if (typeof value !== 'string')
      faults.push(fault(`${field}.${key}`, `Invalid value: ${quote(value)}: must be a string; put it in quotes`));
    else {
      const wrong = check(value);
      if (wrong !== undefined) faults.push(fault(field, `Invalid value: ${quote(value)}: ${wrong}`));
    }
  }
  return faults;
}
