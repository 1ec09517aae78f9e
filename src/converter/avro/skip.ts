import type { AvroInput } from './avro-input.ts';
import type { AvroNode, Primitive } from './schema-tree.ts';

/** Passes over one value. */
export type Skip = (input: AvroInput) => void;

/** A function that passes over values of this type. */
export function skipper(node: AvroNode): Skip {
  switch (node.kind) {
    case 'primitive':
      return primitiveSkipper(node.type);
    case 'record': {
      const fields = node.fields.map((field) => skipper(field.node));
      return (input) => {
        for (const skip of fields) skip(input);
      };
    }
    case 'union': {
      const branches = node.branches.map(skipper);
      return (input) => {
        const skip = branches[input.int()];
        if (skip === undefined) throw input.error('has a union branch that there is not');
        skip(input);
      };
    }
    case 'array':
      return blocksSkipper(skipper(node.items));
    case 'map': {
      const item = skipper(node.items);
      return blocksSkipper((input) => {
        input.take(input.length());
        item(input);
      });
    }
    case 'enum':
      return (input) => void input.int();
    case 'fixed':
      return (input) => void input.take(node.size);
    default:
      return node satisfies never;
  }
}

function primitiveSkipper(type: Primitive): Skip {
  switch (type) {
    case 'null':
      return () => undefined;
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
      // An item without bytes could be repeated for ever.
      if (count > input.end - input.at) throw input.error('is cut off');
      for (let i = 0; i < count; i++) item(input);
    }
  };
}
