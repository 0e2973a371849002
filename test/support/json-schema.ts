/** The schemas of `gingham decode -o json`, as strict as a test wants them: a key that no schema names is a fault here, though
 *  users are told that keys are added. */
import fs from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

type Json = Record<string, unknown>;
const read = (file: string): Json =>
  JSON.parse(fs.readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')) as Json;

const MESSAGE = read('bgp-js/json/message.schema.json');
const CAPTURED = read('capture/captured.schema.json');

/** Every object with named keys refuses others; unevaluated ones, so that schemas may be put together. */
function closed(node: unknown, isBase = false): unknown {
  if (Array.isArray(node)) return node.map((n) => closed(n));
  if (typeof node !== 'object' || node === null) return node;
  const copy: Json = {};
  for (const [key, value] of Object.entries(node)) copy[key] = key === 'properties' ? values(value) : closed(value);
  if (copy['type'] === 'object' && 'properties' in copy && !('additionalProperties' in copy) && !isBase)
    copy['unevaluatedProperties'] = false;
  return copy;
}
const values = (properties: unknown): unknown =>
  Object.fromEntries(Object.entries(properties as Json).map(([key, value]) => [key, closed(value)]));

/** Schemas that others add keys to stay open: the message below a captured one, and an attribute below its type's row. */
const OPEN_BASES = ['open', 'update', 'notification', 'keepalive', 'routeRefresh', 'unreadable', 'attribute'];

function strict(schema: Json): Json {
  const defs = schema['$defs'] as Json;
  const made = Object.fromEntries(
    Object.entries(defs).map(([name, def]) => {
      const shut = closed(def) as Json;
      if (OPEN_BASES.includes(name)) delete shut['unevaluatedProperties'];
      return [name, shut];
    }),
  );
  return { ...schema, $defs: made };
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(strict(MESSAGE));
const captured = strict(CAPTURED);
const message = (captured['$defs'] as Json)['message'] as { allOf: Json[] };
// Together they name all keys of a line.
for (const part of message.allOf) delete part['unevaluatedProperties'];
(message as Json)['unevaluatedProperties'] = false;
const validateLine = ajv.compile(captured);
const validateMessage = ajv.compile({
  ...read('bgp-js/json/message.schema.json'),
  $id: 'closed',
  $defs: (strict(MESSAGE) as Json)['$defs'],
  unevaluatedProperties: false,
});
const CAPABILITY_VALUES = ((MESSAGE['$defs'] as Json)['capabilityValue'] as { properties: Record<string, Json> })
  .properties;

const errorsOf = (validate: ValidateFunction, value: unknown): string[] =>
  validate(value)
    ? []
    : (validate.errors ?? []).map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`);

/** What a line of `-o json` is wrong in; empty when it is right. */
export const lineErrors = (line: unknown): string[] => [...errorsOf(validateLine, line), ...capabilityErrors(line)];
export const messageErrors = (value: unknown): string[] => [
  ...errorsOf(validateMessage, value),
  ...capabilityErrors(value),
];

const byCode = new Map<string, ValidateFunction>();

/** A capability's value has the form of its code. */
function capabilityErrors(line: unknown): string[] {
  const { capabilities } = line as { capabilities?: { code: number; value?: unknown }[] };
  return (capabilities ?? []).flatMap(({ code, value }) => {
    const schema = CAPABILITY_VALUES[code];
    if (value === undefined) return [];
    if (schema === undefined) return [`capability ${code} has a value and no schema`];
    let validate = byCode.get(String(code));
    if (validate === undefined) {
      validate = ajv.compile({
        $id: `capability-${code}`,
        $defs: { family: { type: 'string' } },
        ...(closed(schema) as Json),
      });
      byCode.set(String(code), validate);
    }
    return errorsOf(validate, value);
  });
}
