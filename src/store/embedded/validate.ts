/** Validation by a CRD's schema, through ajv. Pure. Two things ajv does not know: whole numbers that are bigint, and the
 *  API server's wording of faults. A kind's validator is compiled when it is first needed. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Json } from '../port.ts';
import type { Schema } from './served-kind.ts';
import type { Cause } from './status.ts';

interface NumberRule {
  readonly whole: boolean;
  readonly nullable: boolean;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

const INT64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };
const INT32 = { least: -(2n ** 31n), most: 2n ** 31n - 1n };

/** Text of the fault, or undefined. Comparison of number with bigint is exact in JavaScript. */
function numberFault(rule: NumberRule, value: unknown): string | undefined {
  if (value === null && rule.nullable) return undefined;
  if (typeof value !== 'number' && typeof value !== 'bigint')
    return rule.whole ? 'must be of type integer' : 'must be of type number';
  if (rule.whole && typeof value === 'number' && !Number.isInteger(value)) return 'must be of type integer';
  if (rule.minimum !== undefined && value < rule.minimum) return `should be greater than or equal to ${rule.minimum}`;
  if (rule.maximum !== undefined && value > rule.maximum) return `should be less than or equal to ${rule.maximum}`;
  const range = rule.format === 'int32' ? INT32 : rule.whole ? INT64 : undefined;
  if (range !== undefined && (value < range.least || value > range.most))
    return `should be a ${rule.format ?? 'int64'}: ${range.least} to ${range.most}`;
  return undefined;
}

/** Answers all faults of an object, at most about 100. */
export function compileSchema(schema: Schema): (object: Json) => Cause[] {
  let validate: ValidateFunction | undefined;
  return (object) => {
    validate ??= compiler().compile(toAjv(schema));
    if (validate(object)) return [];
    return (validate.errors ?? []).slice(0, 100).map((error) => toCause(error, object));
  };
}

function compiler(): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: true, verbose: true, validateFormats: false, logger: false });
  ajv.addKeyword({
    keyword: 'numberRule',
    validate: (rule: NumberRule, value: unknown) => numberFault(rule, value) === undefined,
  });
  return ajv;
}

/** A structural schema in ajv's words. apiVersion, kind and metadata are checked elsewhere (metadata.ts). */
function toAjv(schema: Schema): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const nullable = schema.nullable === true;
  if (schema['x-kubernetes-int-or-string'] === true) out['type'] = ['integer', 'string'];
  else if (schema.type === 'integer' || schema.type === 'number') {
    const { format, minimum, maximum } = schema;
    out['numberRule'] = { whole: schema.type === 'integer', nullable, format, minimum, maximum };
  } else if (schema.type !== undefined) out['type'] = nullable ? [schema.type, 'null'] : schema.type;
  if (schema.enum !== undefined) out['enum'] = nullable ? [...schema.enum, null] : schema.enum;
  for (const key of ['required', 'pattern', 'minLength', 'maxLength', 'minItems', 'maxItems'] as const)
    if (schema[key] !== undefined) out[key] = schema[key];
  if (schema.items !== undefined) out['items'] = toAjv(schema.items);
  if (schema.properties !== undefined)
    out['properties'] = Object.fromEntries(
      Object.entries(schema.properties)
        .filter(([key]) => key !== 'metadata')
        .map(([key, s]) => [key, toAjv(s)]),
    );
  if (typeof schema.additionalProperties === 'object') out['additionalProperties'] = toAjv(schema.additionalProperties);
  return out;
}

function toCause(error: ErrorObject, object: Json): Cause {
  const steps = error.instancePath
    .split('/')
    .slice(1)
    .map((s) => s.replaceAll('~1', '/').replaceAll('~0', '~'));
  const value = steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], object);
  const field = steps.map((s, i) => (/^[0-9]+$/.test(s) && i > 0 ? `[${s}]` : `${i > 0 ? '.' : ''}${s}`)).join('');
  const shown =
    typeof value === 'string'
      ? JSON.stringify(value.slice(0, 80))
      : Array.isArray(value)
        ? 'array'
        : value === null
          ? 'null'
          : typeof value === 'object'
            ? 'object'
            : String(value);
  const parameters = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'required': {
      const missing = String(parameters['missingProperty']);
      return {
        reason: 'FieldValueRequired',
        field: field === '' ? missing : `${field}.${missing}`,
        message: 'Required value',
      };
    }
    case 'enum': {
      const allowed = (parameters['allowedValues'] as unknown[]).map((v) => JSON.stringify(v)).join(', ');
      return {
        reason: 'FieldValueNotSupported',
        field,
        message: `Unsupported value: ${shown}: supported values: ${allowed}`,
      };
    }
    case 'numberRule': {
      const rule = error.schema as NumberRule | undefined;
      const why = (rule && numberFault(rule, value)) ?? 'must be a number in range';
      return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${shown}: ${field} in body ${why}` };
    }
    case 'type':
      return {
        reason: 'FieldValueTypeInvalid',
        field,
        message: `Invalid value: ${shown}: ${field} in body must be of type ${String(parameters['type']).replace(',null', ' or null')}`,
      };
    default:
      return {
        reason: 'FieldValueInvalid',
        field,
        message: `Invalid value: ${shown}: ${error.message ?? error.keyword}`,
      };
  }
}
