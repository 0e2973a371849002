/** Inheritance: a node says more than its group, a group more than the kind, a kind more than the defaults. Pure. */
import { type Fields, type Findings, NO_FIELDS, type Sections } from './document.ts';
import type { FollowedField } from './fields.ts';

/** A node's fields with all that it inherits. */
export interface Merged {
  readonly name: string;
  /** "topology.nodes.r1" */
  readonly path: string;
  readonly text: (field: FollowedField) => string | undefined;
  /** From the defaults to the node, no line twice. */
  readonly list: (field: FollowedField) => readonly string[];
  /** A later layer's value of the same key wins. */
  readonly map: (field: FollowedField) => Readonly<Record<string, string>>;
}

export function mergeNode(sections: Sections, name: string, found: Findings): Merged {
  const path = `topology.nodes.${name}`;
  const own = sections.nodes.get(name) ?? NO_FIELDS;
  const groupName = own.text.group ?? sections.defaults.text.group;
  const group = groupName === undefined ? NO_FIELDS : sections.groups.get(groupName);
  if (group === undefined) {
    const groups = [...sections.groups.keys()].join(', ');
    found.refuse(
      `${path}.group`,
      `there is no group "${groupName}". ${groups ? `Groups: ${groups}.` : 'There is none.'}`,
    );
  }
  const kindName = own.text.kind ?? group?.text.kind ?? sections.defaults.text.kind;
  const kind = (kindName !== undefined && sections.kinds.get(kindName)) || NO_FIELDS;
  const layers: readonly Fields[] = [sections.defaults, kind, group ?? NO_FIELDS, own];
  return {
    name,
    path,
    text: (field) => (field === 'kind' ? kindName : layers.findLast((l) => l.text[field] !== undefined)?.text[field]),
    list: (field) => [...new Set(layers.flatMap((l) => l.lists[field] ?? []))],
    map: (field) => Object.assign({}, ...layers.map((l) => l.maps[field] ?? {})),
  };
}
