import type { Type, types } from 'avsc';

/** A reader's and a writer's type at one place of the two schemas. */
export interface Pair {
  /** Names of fields from the top, with `[]` for items, `{}` for values: `Order.lines[].price`. */
  readonly path: string;
  readonly reader: Type;
  readonly writer: Type;
}

/** What the resolution of one pair asks for, its parts left open: `wrong` is empty, `all` resolve, and one of `any` where given. */
export interface Resolution {
  readonly wrong: readonly Difference[];
  readonly all: readonly Pair[];
  readonly any?: readonly Pair[];
}

/** A thing that resolution does not allow, as a sentence about `reader` and `writer`, whom the caller names. */
export interface Difference {
  readonly path: string;
  readonly message: (reader: string, writer: string) => string;
}

const FINE: Resolution = { wrong: [], all: [] };

/** The writers that a reader of the key takes besides its own kind. */
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  string: ['bytes'],
  bytes: ['string'],
};

/**
 * One step of Avro's schema resolution. As Java's checker does, it compares names without their namespaces, takes a reader's field by
 * its own name before any alias, and ignores logical types.
 * @see https://avro.apache.org/docs/1.12.0/specification/#schema-resolution
 */
export function resolve({ path, reader, writer }: Pair): Resolution {
  if (isUnion(writer)) return { wrong: [], all: writer.types.map((branch) => ({ path, reader, writer: branch })) };
  if (isUnion(reader))
    return { wrong: [], all: [], any: reader.types.map((branch) => ({ path, reader: branch, writer })) };
  const kind = kindOf(reader);
  const writerKind = kindOf(writer);
  if (kind !== writerKind) {
    if (PROMOTIONS[kind]?.includes(writerKind) === true) return FINE;
    return wrong(path, (r, w) => `${r} has ${nameOf(reader)}, which cannot read the ${nameOf(writer)} of ${w}`);
  }
  switch (kind) {
    case 'array':
      return one(`${path}[]`, (reader as types.ArrayType).itemsType, (writer as types.ArrayType).itemsType);
    case 'map':
      return one(
        `${path}{}`,
        (reader as types.MapType).valuesType as Type,
        (writer as types.MapType).valuesType as Type,
      );
    case 'record':
    case 'enum':
    case 'fixed':
      return named(path, kind, reader, writer);
    default:
      return FINE;
  }
}

/** So many branches of a union and symbols of an enum are named in a message. */
const MAX_NAMED = 8;

/** What a person calls the type: its kind, and its name where it has one. */
export function nameOf(type: Type): string {
  if (isUnion(type)) {
    return `union of ${few(type.types, nameOf)}`;
  }
  return type.name === undefined || type.name === kindOf(type) ? kindOf(type) : `${kindOf(type)} ${type.name}`;
}

/** How much work a pair with this type is, its parts left out: fields, symbols or branches. */
export function sizeOf(type: Type): number {
  if (isUnion(type)) return type.types.length;
  switch (kindOf(type)) {
    case 'record':
      return (type as types.RecordType).fields.length;
    case 'enum':
      return (type as types.EnumType).symbols.length;
    default:
      return 1;
  }
}

function few<T>(all: readonly T[], name: (each: T) => string = String): string {
  return [...all.slice(0, MAX_NAMED).map(name), ...(all.length > MAX_NAMED ? ['…'] : [])].join(', ');
}

function named(path: string, kind: 'record' | 'enum' | 'fixed', reader: Type, writer: Type): Resolution {
  if (!hasName(reader, writer)) {
    return wrong(path, (r, w) => `${r} has ${nameOf(reader)}, without an alias for the ${nameOf(writer)} of ${w}`);
  }
  switch (kind) {
    case 'record':
      return record(path, reader as types.RecordType, writer as types.RecordType);
    case 'enum':
      return symbols(path, reader as EnumType, writer as EnumType);
    case 'fixed':
      return fixed(path, reader as types.FixedType, writer as types.FixedType);
  }
}

function record(path: string, reader: types.RecordType, writer: types.RecordType): Resolution {
  const missing: Difference[] = [];
  const all: Pair[] = [];
  const written = new Map(writer.fields.map((field) => [field.name, field]));
  for (const field of reader.fields) {
    const place = `${path}.${field.name}`;
    const name = [field.name, ...field.aliases].find((each) => written.has(each));
    const source = name === undefined ? undefined : written.get(name);
    if (source !== undefined) {
      all.push({ path: place, reader: field.type, writer: source.type });
    } else if (field.defaultValue() === undefined) {
      missing.push({ path: place, message: (r, w) => `${r} has no default for it, and ${w} lacks it` });
    }
  }
  return { wrong: missing, all };
}

function symbols(path: string, reader: EnumType, writer: EnumType): Resolution {
  const read = new Set(reader.symbols);
  const unknown = writer.symbols.filter((symbol) => !read.has(symbol));
  if (unknown.length === 0 || reader.default !== undefined) return FINE;
  const named = few(unknown);
  return wrong(path, (r, w) => `${r} lacks the symbols ${named} of ${w}, and has no default symbol`);
}

function fixed(path: string, reader: types.FixedType, writer: types.FixedType): Resolution {
  if (reader.size === writer.size) return FINE;
  return wrong(path, (r, w) => `${r} has ${reader.size} bytes, ${w} has ${writer.size}`);
}

function hasName(reader: Type, writer: Type): boolean {
  if (writer.name === undefined || reader.name === undefined) return reader.name === writer.name;
  return unqualified(reader.name) === unqualified(writer.name) || reader.aliases?.includes(writer.name) === true;
}

function unqualified(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

function one(path: string, reader: Type, writer: Type): Resolution {
  return { wrong: [], all: [{ path, reader, writer }] };
}

function wrong(path: string, message: Difference['message']): Resolution {
  return { wrong: [{ path, message }], all: [] };
}

type UnionType = types.WrappedUnionType;

/** avsc's types leave out the default symbol. */
type EnumType = types.EnumType & { readonly default?: string };

function isUnion(type: Type): type is UnionType {
  return kindOf(type) === 'union';
}

/** The specification's word for the type; avsc tells unions by how it represents them. */
export function kindOf(type: Type): string {
  const kind = type.typeName.startsWith('union:') ? 'union' : type.typeName;
  return kind === 'error' ? 'record' : kind;
}
