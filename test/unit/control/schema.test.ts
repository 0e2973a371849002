/** gingham.proto and the views are written by hand, side by side: here they are held together. */
import fs from 'node:fs';
import type protobuf from 'protobufjs';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { protoRoot } from '../../../src/control/rpc-schema.ts';

type Fields = Record<string, string>;

/** "optional number", "list of Reason", "string": one wording for both sides. */
const wording = (type: string, list: boolean, optional: boolean): string =>
  `${optional ? 'optional ' : ''}${list ? 'list of ' : ''}${type}`;
const messageName = (name: string): string => name.replace(/View$/, '').replace(/^StatusFacts$/, 'Status');

function viewFields(): Map<string, Fields> {
  const found = new Map<string, Fields>();
  for (const file of ['control/views.ts', 'control/views-of-peers.ts', 'base/reason.ts']) {
    const url = new URL(`../../../src/${file}`, import.meta.url);
    const source = ts.createSourceFile(file, fs.readFileSync(url, 'utf8'), ts.ScriptTarget.ES2023, true);
    for (const node of source.statements.filter(ts.isInterfaceDeclaration)) {
      const name = messageName(node.name.text);
      const fields = found.get(name) ?? {};
      for (const member of node.members.filter(ts.isPropertySignature)) {
        const type = member.type?.getText() ?? '';
        const element = /^readonly (.*)\[\]$/.exec(type)?.[1];
        fields[member.name.getText()] = wording(
          messageName(element ?? type),
          element !== undefined,
          member.questionToken !== undefined,
        );
      }
      found.set(name, fields);
    }
  }
  return found;
}

const SCALARS: Fields = { uint32: 'number', uint64: 'number', double: 'number', string: 'string', bool: 'boolean' };

function protoFields(): Map<string, Fields> {
  const found = new Map<string, Fields>();
  const types = protoRoot().lookup('gingham.v1') as protobuf.Namespace;
  for (const type of types.nestedArray as protobuf.Type[]) {
    if (type.fields === undefined || /(Request|Reply|Page)$/.test(type.name)) continue;
    const fields: Fields = {};
    for (const f of type.fieldsArray) {
      const optional = f.options?.['proto3_optional'] === true;
      fields[f.name] = wording(SCALARS[f.type] ?? f.type, f.repeated, optional);
    }
    found.set(type.name, fields);
  }
  return found;
}

test('every message of gingham.proto has the fields of its view: names, types, lists and what may be absent', () => {
  const [proto, views] = [protoFields(), viewFields()];
  expect([...proto.keys()].sort()).toEqual([...views.keys()].sort());
  for (const [name, fields] of proto) expect({ [name]: fields }).toEqual({ [name]: views.get(name) });
});

test('services: reading and changing are apart', () => {
  const methods = (service: string): string[] =>
    Object.keys(protoRoot().lookupService(`gingham.v1.${service}`).methods);
  expect(methods('Inspect')).toEqual([
    'GetStatus',
    'ListPeers',
    'ListRoutes',
    'Explain',
    'DumpTables',
    'ListBlocks',
    'ListPods',
  ]);
  expect(methods('Change')).toEqual(['ReloadConfig', 'Drain', 'Undrain']);
});
