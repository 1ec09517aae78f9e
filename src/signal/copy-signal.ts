import type { CopySignal, CopyTarget } from '../change/copy-request.ts';
import type { TableName } from '../change/signal.ts';
import { OperatorError } from '../errors.ts';
import { conditionFor, type SignalCondition, type SignalOrder } from './read-signal.ts';

/**
 * What a signal asks of a source that captures `tables`: the tables that its expressions name, each with its condition. Throws OperatorError when one
 * of them names none: something else than was meant would be copied.
 */
export function copySignalOf(
  id: string,
  order: Exclude<SignalOrder, { readonly kind: 'log' | 'sync-sequences' }>,
  tables: readonly TableName[],
): CopySignal {
  switch (order.kind) {
    case 'pause':
    case 'resume':
      return { kind: order.kind, id };
    case 'stop':
      return { kind: 'stop', id, tables: named(order.collections, tables).map(nameOf) };
    case 'execute': {
      const { collections, conditions, isBlocking } = order;
      const targets = named(collections, tables).map((table) => targetOf(table, conditions));
      return { kind: 'execute', id, tables: targets, isBlocking };
    }
    default:
      return order satisfies never;
  }
}

function named(expressions: readonly string[], tables: readonly TableName[]): readonly TableName[] {
  const found = new Set<TableName>();
  for (const expression of expressions) {
    const matching = tables.filter((table) => isNamed(table, expression));
    if (matching.length === 0) {
      throw new OperatorError('data-collections has an expression that names no captured table', {
        advice:
          'An expression matches whole names, as schema.table; a dot in it stands for any character unless it is written as \\.',
      });
    }
    for (const table of matching) found.add(table);
  }
  return [...found];
}

/** The first condition that is for the table; conditions for no table are none of its business. */
function targetOf(table: TableName, conditions: readonly SignalCondition[]): CopyTarget {
  const { schema, name } = table;
  const own = conditions.find(({ collection }) => collection === undefined || isNamed(table, collection));
  const condition = own && conditionFor(nameOf(table), own.filter);
  return { schema, name, ...(condition !== undefined && { condition }) };
}

/** A name itself is an expression too, also where a character of it means something else in one. */
function isNamed(table: TableName, expression: string): boolean {
  const name = nameOf(table);
  try {
    return name === expression || new RegExp(`^(?:${expression})$`, 'iu').test(name);
  } catch {
    // Some are found to be too large only when they are used; what is said of them is as large.
    throw new OperatorError('data-collections has an expression that is too large');
  }
}

function nameOf({ schema, name }: TableName): string {
  return `${schema}.${name}`;
}
