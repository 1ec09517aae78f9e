import { OperatorError } from '../../errors.ts';

/** A writer schema with its names resolved. `props` are a type's other properties (`connect.name`, …). */
export type AvroNode =
  | { readonly kind: 'primitive'; readonly type: Primitive; readonly props: Props }
  | { readonly kind: 'record'; readonly name: string; readonly fields: readonly AvroField[]; readonly props: Props }
  | { readonly kind: 'union'; readonly branches: readonly AvroNode[] }
  | { readonly kind: 'array' | 'map'; readonly items: AvroNode; readonly props: Props }
  | { readonly kind: 'enum' }
  | { readonly kind: 'fixed'; readonly size: number };

export interface AvroField {
  readonly name: string;
  readonly node: AvroNode;
  readonly props: Props;
}

export type Primitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'string' | 'bytes';
type Props = Readonly<Record<string, unknown>>;

const PRIMITIVES: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'string',
  'bytes',
]);

/**
 * Resolves a valid Avro schema (parsed JSON). Throws OperatorError for one that contains itself, or whose type is JSON's null, which avsc takes
 * for Avro's: no row can be read with it.
 */
export function schemaTree(schema: unknown): AvroNode {
  return nodeOf(schema, '', new Map());
}

type Names = Map<string, AvroNode | undefined>;

function nodeOf(schema: unknown, namespace: string, names: Names): AvroNode {
  if (typeof schema === 'string') return named(schema, namespace, names);
  if (Array.isArray(schema)) {
    return { kind: 'union', branches: schema.map((branch) => nodeOf(branch, namespace, names)) };
  }
  if (typeof schema !== 'object' || schema === null) {
    throw new OperatorError(`An Avro schema has ${JSON.stringify(schema)} where a type is due`, {
      advice: 'Look at the schema in the registry; another program may have registered it.',
    });
  }
  const props = schema as Props;
  const { type } = props;
  switch (type) {
    case 'record':
    case 'error':
      return recordOf(props, namespace, names);
    case 'enum':
      return define(props, namespace, names, { kind: 'enum' });
    case 'fixed':
      return define(props, namespace, names, { kind: 'fixed', size: Number(props.size) });
    case 'array':
      return { kind: 'array', items: nodeOf(props.items, namespace, names), props };
    case 'map':
      return { kind: 'map', items: nodeOf(props.values, namespace, names), props };
    default:
      if (typeof type === 'string' && PRIMITIVES.has(type))
        return { kind: 'primitive', type: type as Primitive, props };
      return nodeOf(type, namespace, names);
  }
}

function named(name: string, namespace: string, names: Names): AvroNode {
  if (PRIMITIVES.has(name)) return { kind: 'primitive', type: name as Primitive, props: {} };
  const full = name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
  const node = names.get(full) ?? names.get(name);
  if (node !== undefined) return node;
  throw new OperatorError(`Avro type ${full} contains itself or is not defined`, {
    advice: 'Rows of Postgres tables have no such type; the topic was not written by a change data capture tool.',
  });
}

function recordOf(props: Props, outer: string, names: Names): AvroNode {
  const full = fullName(props, outer);
  const namespace = full.slice(0, Math.max(0, full.lastIndexOf('.')));
  const fields = (props.fields as readonly Props[]).map((field) => ({
    name: String(field.name),
    node: nodeOf(field.type, namespace, names),
    props: field,
  }));
  const node: AvroNode = { kind: 'record', name: full, fields, props };
  names.set(full, node);
  return node;
}

function define(props: Props, namespace: string, names: Names, node: AvroNode): AvroNode {
  names.set(fullName(props, namespace), node);
  return node;
}

function fullName(props: Props, outer: string): string {
  const name = String(props.name);
  if (name.includes('.')) return name;
  const namespace = typeof props.namespace === 'string' ? props.namespace : outer;
  return namespace === '' ? name : `${namespace}.${name}`;
}

/** A nullable type's other branch, and the number of the null branch; -1 for a type that is not nullable. */
export function unwrapped(node: AvroNode): { record: AvroNode; nullBranch: number } {
  if (node.kind !== 'union' || node.branches.length !== 2) return { record: node, nullBranch: -1 };
  const nullBranch = node.branches.findIndex((branch) => branch.kind === 'primitive' && branch.type === 'null');
  return nullBranch < 0
    ? { record: node, nullBranch }
    : { record: node.branches[1 - nullBranch] as AvroNode, nullBranch };
}
