/** The services of proto/gingham/v1/gingham.proto as gRPC method definitions. Pure: the file is bundled as text, so that
 *  nothing is read at run time. Absent optional fields stay absent; lists and plain fields are always there. */
import { fromJSON, type Options, type PackageDefinition } from '@grpc/proto-loader';
import protobuf from 'protobufjs';
import text from '../../proto/gingham/v1/gingham.proto';
import { invariant } from '../base/invariant.ts';

export type ServiceDefinition = Extract<
  PackageDefinition[string],
  { readonly [method: string]: { readonly path: string } }
>;
export type MethodDefinition = ServiceDefinition[string];

const OPTIONS: Options = { defaults: true, arrays: true, longs: Number, enums: String };

/** The parsed file: what the test compares with views.ts. */
export const protoRoot = (): protobuf.Root => protobuf.parse(text).root;

function service(definition: PackageDefinition, name: string): ServiceDefinition {
  const found = definition[`gingham.v1.${name}`];
  invariant(found !== undefined && !('format' in found), `gingham.proto has no service ${name}`);
  return found as ServiceDefinition;
}

const definition = fromJSON(protoRoot().toJSON(), OPTIONS);

export const INSPECT = service(definition, 'Inspect');
export const CHANGE = service(definition, 'Change');

export function method(of: ServiceDefinition, name: string): MethodDefinition {
  const found = of[name];
  invariant(found !== undefined, `gingham.proto has no method ${name}`);
  return found;
}
