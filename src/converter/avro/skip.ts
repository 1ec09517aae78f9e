import type { AvroInput } from './avro-input.ts';
import type { AvroNode, Primitive } from './schema-tree.ts';

/** Passes over one value. */
export type Skip = (input: AvroInput) => void;

/** Values that take no bytes: null, and what is made of nothing else. Nobody counts them, for a schema can have any number of them. */
const NOTHING: Skip = () => undefined;

/** A function that passes over values of this type. */
export function skipper(node: AvroNode): Skip {
  return skipperOf(node, new Map());
}

/** A type that is named twice is compiled once: a schema of a few lines can name types as often as there are bytes in the world. */
function skipperOf(node: AvroNode, known: Map<AvroNode, Skip>): Skip {
  const before = known.get(node);
  if (before !== undefined) return before;
  const made = compiled(node, (inner) => skipperOf(inner, known));
  known.set(node, made);
  return made;
}

function compiled(node: AvroNode, of: (inner: AvroNode) => Skip): Skip {
  switch (node.kind) {
    case 'primitive':
      return primitiveSkipper(node.type);
    case 'record': {
      const fields = node.fields.map((field) => of(field.node)).filter((skip) => skip !== NOTHING);
      if (fields.length === 0) return NOTHING;
      return (input) => {
        for (const skip of fields) skip(input);
      };
    }
    case 'union': {
      const branches = node.branches.map(of);
      return (input) => {
        const skip = branches[input.int()];
        if (skip === undefined) throw input.error('has a union branch that there is not');
        skip(input);
      };
    }
    case 'array':
      return blocksSkipper(of(node.items));
    case 'map': {
      const item = of(node.items);
      return blocksSkipper((input) => {
        input.take(input.length());
        item(input);
      });
    }
    case 'enum':
      return (input) => void input.int();
    case 'fixed':
      return node.size === 0 ? NOTHING : (input) => void input.take(node.size);
    default:
      return node satisfies never;
  }
}

function primitiveSkipper(type: Primitive): Skip {
  switch (type) {
    case 'null':
      return NOTHING;
    case 'boolean':
      return (input) => void input.take(1);
    case 'int':
    case 'long':
      return (input) => input.long();
    case 'float':
      return (input) => void input.take(4);
    case 'double':
      return (input) => void input.take(8);
    case 'string':
    case 'bytes':
      return (input) => void input.take(input.length());
    default:
      return type satisfies never;
  }
}

/** Arrays and maps come in blocks: a count of items, or its negative and a size in bytes. */
function blocksSkipper(item: Skip): Skip {
  return (input) => {
    for (let count = input.int(); count !== 0; count = input.int()) {
      if (count < 0) {
        input.take(input.length());
        continue;
      }
      if (count > input.end - input.at) throw input.error('is cut off');
      if (item === NOTHING) continue; // it could be repeated in every block, as often as there are bytes
      for (let i = 0; i < count; i++) item(input);
    }
  };
}
