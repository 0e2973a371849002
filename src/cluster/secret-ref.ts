/** `password: { secretKeyRef: { name, key } }` of BGPPeer and BGPConfiguration. Pure: the Secrets' values come in. */
import type { Reason } from '../base/reason.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Json } from '../store/port.ts';

/** By "secret/key". A Secret or key that is not there is a reason; one that was not asked for yet is absent. */
export type Passwords = ReadonlyMap<string, Result<string, Reason>>;

export interface SecretRef {
  readonly name: string;
  readonly key: string;
}
export const secretKey = ({ name, key }: SecretRef): string => `${name}/${key}`;

/** Undefined for anything that is not such a reference. */
export function readSecretRef(value: Json | undefined): SecretRef | undefined {
  const ref = field(value, 'secretKeyRef');
  const [name, key] = [field(ref, 'name'), field(ref, 'key')];
  return typeof name === 'string' && name !== '' && typeof key === 'string' && key !== '' ? { name, key } : undefined;
}

const field = (value: Json | undefined, name: string): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (Object.entries(value).find(([key]) => key === name)?.[1] as Json | undefined)
    : undefined;

/** Linux takes at most that many octets as a TCP MD5 key. */
const LONGEST = 80;

export function passwordOf(value: Json | undefined, passwords: Passwords): Result<string, Reason> {
  const ref = readSecretRef(value);
  if (ref === undefined)
    return err({
      code: 'SECRET_REF_INVALID',
      text: 'password has no secretKeyRef with name and key. Write both, or remove it to run without TCP MD5.',
    });
  const found =
    passwords.get(secretKey(ref)) ??
    err({ code: 'SECRET_NOT_READ', text: `the Secret "${ref.name}" has not been read yet` });
  if (!found.ok) return found;
  const bytes = Buffer.byteLength(found.value);
  if (bytes >= 1 && bytes <= LONGEST) return ok(found.value);
  return err({
    code: 'SECRET_INVALID',
    text: `key "${ref.key}" of Secret "${ref.name}" has ${bytes} bytes; TCP MD5 takes 1 to ${LONGEST} (RFC 2385, Linux). Use another on both sides.`,
  });
}
